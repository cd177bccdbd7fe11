# SPDX-License-Identifier: MIT
#
# The figures as a table for people, as JSON, or as Markdown.
# usage: awk -v form=table|json|markdown -v qemu=VERSION -v notes=FILE \
#     -f report.awk figures.tsv xen.txt schedop.txt
BEGIN { FS = "\t" }
FNR == 1 { file++ }
FNR == 1 && file > 1 { FS = " "; $0 = $0 }
/^#/ { next }
file == 1 {
    order[++n] = $1
    unit[$1] = $2
    goal[$1] = $3
    text[$1] = $4
    next
}
{ host = FILENAME ~ /xen[.]txt$/ ? "xen" : "schedop" }
$1 == "version" { version[host] = $2; next }
{
    median[host, $1] = $2
    least[host, $1] = $3
    most[host, $1] = $4
    samples[host, $1] = $5
}

function has(host, name) { return (host, name) in median }

function both(name) {
    return has("xen", name) && has("schedop", name) && \
        median["schedop", name] > 0
}

function ratio(name) { return median["xen", name] / median["schedop", name] }

function met(name) { return ratio(name) >= goal[name] }

# 12345.6 as 12,346
function commas(value,  digits, out) {
    digits = sprintf("%.0f", value)
    while (length(digits) > 3) {
        out = "," substr(digits, length(digits) - 2) out
        digits = substr(digits, 1, length(digits) - 3)
    }
    return digits out
}

function shown(host, name) {
    return has(host, name) ? commas(median[host, name]) : "-"
}

function verdict(name) {
    return !both(name) ? "" : met(name) ? "met" : "missed"
}

# Awk counts bytes: names with an arrow are wider than they look.
function padded(s, width,  bare) {
    bare = s
    gsub(/→/, ">", bare)
    return s sprintf("%*s", width - length(bare), "")
}

function table(  i, name, r) {
    printf "%s %12s %10s %8s %6s\n", padded("", 28), "Xen " version["xen"],
        "schedop", "ratio", "goal"
    for (i = 1; i <= n; i++) {
        name = order[i]
        r = both(name) ? sprintf("%.1f", ratio(name)) : "-"
        printf "%s %12s %10s %8s %6s %s\n", padded(text[name], 28),
            shown("xen", name), shown("schedop", name), r,
            goal[name], verdict(name)
    }
    print "Instructions a call or a wake-up, the guest's own included; boot" \
        " in ms; memory in KiB."
}

function json_host(host, name) {
    if (!has(host, name))
        return "null"
    return sprintf("{\"median\": %s, \"min\": %s, \"max\": %s, \"samples\": %d}",
        median[host, name], least[host, name], most[host, name],
        samples[host, name])
}

function json(  i, name) {
    printf "{\n  \"schema\": 1,\n  \"qemu\": \"%s\",\n  \"xen\": \"%s\",\n" \
        "  \"figures\": [\n", qemu, version["xen"]
    for (i = 1; i <= n; i++) {
        name = order[i]
        printf "    {\"name\": \"%s\", \"unit\": \"%s\",\n     \"xen\": %s,\n" \
            "     \"schedop\": %s,\n     \"ratio\": %s, \"goal\": %d, " \
            "\"met\": %s}%s\n", name, unit[name], json_host("xen", name),
            json_host("schedop", name),
            both(name) ? sprintf("%.2f", ratio(name)) : "null", goal[name],
            both(name) ? (met(name) ? "true" : "false") : "null",
            i < n ? "," : ""
    }
    print "  ]\n}"
}

function markdown(  i, name) {
    print "# Benchmark\n"
    print "Made by `make bench-docs`; the machine is QEMU " qemu \
        " without KVM (`-M q35 -smp 1`). The same guest image ran as PVH"
    print "hardware domain of Xen " version["xen"] \
        " (Debian's package) and of schedop.\n"
    print "![Instructions on Xen and on schedop](bench.svg)\n"
    print "| figure | unit | Xen | schedop | ratio | goal | |"
    print "| --- | --- | ---: | ---: | ---: | ---: | --- |"
    for (i = 1; i <= n; i++) {
        name = order[i]
        printf "| %s | %s | %s | %s | %s | %d | %s |\n", text[name],
            unit[name], shown("xen", name), shown("schedop", name),
            both(name) ? sprintf("%.1f", ratio(name)) : "-", goal[name],
            verdict(name)
    }
    while ((getline line < notes) > 0)
        print line
}

END {
    if (form == "json")
        json()
    else if (form == "markdown")
        markdown()
    else
        table()
}
