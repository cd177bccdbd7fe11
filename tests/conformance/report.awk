# SPDX-License-Identifier: MIT
#
# Judges transcripts and reports. Run by suite.sh:
#     awk -v mode=tap|junit|text|matrix -v version=4.17.7 -v quiet=1 \
#         -f report.awk departures ENV.txt...
# quiet: do not list facts that were skipped here but looked at elsewhere.
#
# A fact is judged by itself in each environment, and then compared with real
# Xen in the same role: what is seen must be equal, or be a listed departure.
# The last line in mode text is "Test result: VERDICT".

function trim(s) {
    gsub(/^[ \t]+|[ \t]+$/, "", s)
    return s
}

function env_of(file, n, p) {
    n = split(file, p, "/")
    sub(/\.txt$/, "", p[n])
    return p[n]
}

BEGIN {
    FS = " [|] "
    like["schedop"] = "xen-pvh0"
    like["schedop-domu"] = "xen-domu"
    like["core-pvh"] = "xen-pvh0"
    like["core-pv"] = "xen-pv0"
    like["core-domu"] = "xen-domu"
    mark["SUCCESS"] = "same"; mark["DEPARTURE"] = "departs"
    mark["SKIP"] = "-"; mark[""] = "-"
    rank["SUCCESS"] = 1; rank["SKIP"] = 0; rank["ERROR"] = 2
    rank["FAILURE"] = 3; rank["CRASH"] = 4
    for (i = 2; i < ARGC; i++)
        env[++envs] = env_of(ARGV[i])
}

FILENAME == ARGV[1] {
    if (!/^#/ && NF >= 3) {
        allowed[$1] = $2
        why[$1] = $3
    }
    next
}

{ e = env_of(FILENAME) }

/^Test result: / { finished[e] = 1; next }

/^F[0-9][0-9][0-9] / {
    if (!($1 in known)) {
        known[$1] = 1
        key[++keys] = $1
    }
    seen[e, $1] = $2
    said[e, $1] = $3
    if ($3 != "SKIP")
        looked[$1] = 1
}

# The verdict of one fact in one environment; "" if it is not there.
function verdict(e, k, v, x) {
    v = said[e, k]
    note = ""
    if (v == "")
        return ""
    x = (e in like) ? like[e] : ""
    if (v == "DEPARTURE" || v == "SKIP" && e ~ /^schedop/) {
        if (v == "SKIP" && (said[x, k] == "SKIP" || said[x, k] == ""))
            return "SKIP"
        if (e !~ /^xen/ && k in allowed && allowed[k] == seen[e, k])
            return v == "SKIP" ? "SKIP" : "DEPARTURE"
        note = "not a listed departure"
        return "FAILURE"
    }
    if (v == "SUCCESS" && x != "" && said[x, k] == "SUCCESS" &&
        seen[x, k] != seen[e, k]) {
        note = "real Xen: " seen[x, k]
        return "FAILURE"
    }
    return v
}

function sort_keys(i, j, t) { # by number, else in order of appearance
    for (i = 2; i <= keys; i++) {
        t = key[i]
        for (j = i - 1; j > 0 && substr(key[j], 2, 3) > substr(t, 2, 3); j--)
            key[j + 1] = key[j]
        key[j + 1] = t
    }
}

function worsen(v) {
    v = v == "DEPARTURE" ? "SUCCESS" : v
    if (worst == "" || rank[v] > rank[worst])
        worst = v
}

function judge_all(i, j, v) {
    for (j = 1; j <= envs; j++) {
        for (i = 1; i <= keys; i++) {
            v = verdict(env[j], key[i])
            if (v == "")
                continue
            judged[env[j], key[i]] = v
            notes[env[j], key[i]] = note
            worsen(v)
            count[v]++
        }
        if (!finished[env[j]]) {
            crashed[env[j]] = 1
            worsen("CRASH")
        }
    }
    for (k in allowed)
        if (complete && !happens(k)) {
            stale[k] = 1
            worsen("FAILURE")
        }
}

function happens(k, j) {
    for (j = 1; j <= envs; j++)
        if (env[j] ~ /^schedop/ && seen[env[j], k] == allowed[k])
            return 1
    return 0
}

function tap(i, j, e, k, v) {
    for (j = 1; j <= envs; j++) {
        e = env[j]
        for (i = 1; i <= keys; i++) {
            k = key[i]
            v = judged[e, k]
            if (v == "" || v == "SKIP" && quiet && looked[k])
                continue
            if (v == "SKIP") {
                if (!quiet || !(k in told))
                    print "ok " ++n " - " e " " k " # SKIP " seen[e, k]
                told[k] = 1
            } else if (v == "SUCCESS" || v == "DEPARTURE") {
                print "ok " ++n " - " e " " k \
                    (v == "DEPARTURE" ? " (departs as listed)" : "")
            } else {
                print "not ok " ++n " - " e " " k
                print "# " v ": " seen[e, k]
                if (notes[e, k] != "")
                    print "# " notes[e, k]
            }
        }
        print (crashed[e] ? "not ok " : "ok ") ++n " - " e " came to its end"
    }
    for (k in allowed)
        if (complete)
            print (k in stale ? "not ok " : "ok ") ++n \
                " - departure happens: " k
    print "1.." n
}

function xml(s) {
    gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s)
    gsub(/"/, "\\&quot;", s)
    return s
}

function junit(i, j, e, k, v) {
    print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    print "<testsuites name=\"conformance\">"
    for (j = 1; j <= envs; j++) {
        e = env[j]
        print "  <testsuite name=\"" e "\">"
        for (i = 1; i <= keys; i++) {
            k = key[i]
            v = judged[e, k]
            if (v == "")
                continue
            printf "    <testcase classname=\"%s\" name=\"%s\"", e, xml(k)
            if (v == "SUCCESS" || v == "DEPARTURE")
                print "/>"
            else if (v == "SKIP")
                print "><skipped message=\"" xml(seen[e, k]) \
                    "\"/></testcase>"
            else
                print "><" (v == "FAILURE" ? "failure" : "error") \
                    " message=\"" xml(seen[e, k] " " notes[e, k]) "\"/></testcase>"
        }
        if (crashed[e])
            print "    <testcase classname=\"" e "\" name=\"end\">" \
                "<error message=\"no result\"/></testcase>"
        print "  </testsuite>"
    }
    print "</testsuites>"
}

# A line for each fact, a column for each environment.
function table(i, j, k, v, line) {
    line = sprintf("%-56s", "")
    for (j = 1; j <= envs; j++)
        line = line "  " env[j]
    print line
    for (i = 1; i <= keys; i++) {
        k = key[i]
        line = sprintf("%-56s", (length(k) > 56) ? substr(k, 1, 54) ".." : k)
        for (j = 1; j <= envs; j++) {
            v = judged[env[j], k]
            line = line sprintf("  %-" length(env[j]) "s", \
                (v in mark) ? mark[v] : v)
        }
        sub(/ +$/, "", line)
        print line
    }
    print "same: as expected, and as on Xen where it ran. departs: as in " \
        "tests/conformance/departures. -: cannot be looked at there."
}

function text(i, j, e, k, v) {
    table()
    for (j = 1; j <= envs; j++) {
        e = env[j]
        for (i = 1; i <= keys; i++) {
            k = key[i]
            v = judged[e, k]
            if (v == "FAILURE" || v == "ERROR") {
                print v " " e " " k
                print "    " seen[e, k] (notes[e, k] ? "\n    " notes[e, k] : "")
            }
        }
        if (crashed[e])
            print "CRASH " e ": no result; see its log"
    }
    for (k in stale)
        print "FAILURE a departure does not happen: " k
    printf "%d facts in %d environments: %d as expected, %d departures, " \
        "%d skipped, %d failed\n", keys, envs, count["SUCCESS"],
        count["DEPARTURE"], count["SKIP"],
        count["FAILURE"] + count["ERROR"]
    print "Test result: " worst
}

# ---- the matrix ----

function md(s) {
    gsub(/[|]/, "\\|", s)
    return s
}

# What a column of the matrix has of a fact: the three kinds of guest on the
# core are one column, the PVH hardware domain before the others.
function pick(column, k, a, i, n) {
    if (column != "core")
        return column
    n = split("core-pvh core-domu core-pv", a, " ")
    for (i = 1; i <= n; i++)
        if (said[a[i], k] != "" && said[a[i], k] != "SKIP")
            return a[i]
    return "core-pvh"
}

function cell(column, k, base, e, v) {
    e = pick(column, k)
    v = judged[e, k]
    if (v == "")
        return ""
    if (v == "SKIP")
        return "–" (looked[k] && !(e ~ /^schedop/ && k in allowed && \
            allowed[k] == seen[e, k]) ? "" : " " md(seen[e, k])) \
            (looked[k] && e ~ /^schedop/ && k in allowed && \
            allowed[k] == seen[e, k] ? " **departure**" : "")
    if (seen[e, k] == base && shown)
        return "same"
    shown = 1
    return md(seen[e, k]) (v == "DEPARTURE" ? " **departure**" : "") \
        (v == "FAILURE" || v == "ERROR" ? " **" v "**" : "")
}

function number_of_facts(i, n, had) {
    for (i = 1; i <= keys; i++)
        if (looked[key[i]] && !(substr(key[i], 2, 3) in had)) {
            had[substr(key[i], 2, 3)] = 1
            n++
        }
    return n
}

function matrix(i, j, c, cols, k, base, line) {
    cols = split("xen-pvh0 xen-pv0 schedop xen-domu schedop-domu core", c, " ")
    print "<!-- Generated by `schedop conform`: do not edit. -->"
    print "# Conformance: schedop beside real Xen\n"
    print "Each row is a claim about Xen's scheduler interface, with the number of its"
    print "fact in the specification, and what one guest image saw of it. The first"
    print "column that has a value shows it in full; *same* means the same value, – that"
    print "it cannot be looked at there. " number_of_facts() " numbered facts are looked at, in " keys " rows.\n"
    print "- **Xen PVH**, **Xen PV**: hardware domain of real Xen " version "."
    print "- **schedop**: PVH hardware domain of schedop."
    print "- **Xen domU**, **schedop domU**: an ordinary PVH domain, and the hardware"
    print "  domain that experiments with it."
    print "- **core**: schedop's core in a process, without a processor.\n"
    print "| Fact | Claim | Xen " version " PVH | Xen " version " PV | schedop | Xen " version " domU | schedop domU | core |"
    print "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for (i = 1; i <= keys; i++) {
        k = key[i]
        line = "| " substr(k, 2, 3) + 0 " | " md(substr(k, 6)) " |"
        base = ""
        shown = 0
        for (j = 1; j <= cols; j++) {
            if (base == "" && judged[pick(c[j], k), k] != "SKIP")
                base = seen[pick(c[j], k), k]
            line = line " " cell(c[j], k, base) " |"
        }
        print line
    }
    print "\n## Departures\n"
    print "What schedop does otherwise, on purpose; each only removes a surprise that no"
    print "correct guest depends on, or leaves out what schedop does not have.\n"
    for (i = 1; i <= keys; i++)
        if (key[i] in allowed)
            print "- **" substr(key[i], 1, 4) "** " md(substr(key[i], 6)) ": " \
                why[key[i]] "."
    print "\n## Not looked at\n"
    for (i = 1; i <= keys; i++)
        if (!looked[key[i]])
            print "- **" substr(key[i], 1, 4) "** " md(substr(key[i], 6)) ": " \
                seen[reason_env(key[i]), key[i]] "."
}

function reason_env(k, j) {
    for (j = 1; j <= envs; j++)
        if (said[env[j], k] == "SKIP")
            return env[j]
}

END {
    sort_keys()
    judge_all()
    if (mode == "tap")
        tap()
    else if (mode == "junit")
        junit()
    else if (mode == "matrix")
        matrix()
    else
        text()
}
