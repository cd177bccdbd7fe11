# SPDX-License-Identifier: MIT
#
# A picture of the counts: two bars a figure, to one scale.
# usage: awk -f picture.awk figures.tsv xen.txt schedop.txt >bench.svg
BEGIN { FS = "\t" }
FNR == 1 { file++ }
FNR == 1 && file > 1 { FS = " "; $0 = $0 }
/^#/ { next }
file == 1 {
    if ($2 == "instructions") {
        order[++n] = $1
        text[$1] = $4
    }
    next
}
$1 == "version" { if (file == 2) version = $2; next }
{ value[file, $1] = $2; if ($1 in text && $2 > most) most = $2 }

# 12345 as 12,345
function commas(number,  digits, out) {
    digits = sprintf("%.0f", number)
    while (length(digits) > 3) {
        out = "," substr(digits, length(digits) - 2) out
        digits = substr(digits, 1, length(digits) - 3)
    }
    return digits out
}

function label(x, y, class, anchor, words) {
    printf "<text x=\"%d\" y=\"%d\" class=\"%s\" text-anchor=\"%s\">%s" \
        "</text>\n", x, y, class, anchor, words
}

function bar(y, class, number,  width) {
    width = number / most * SCALE
    if (width < 1.5)
        width = 1.5
    printf "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"1.5\" " \
        "class=\"%s\"/>\n", LEFT, y, width, BAR, class
    label(LEFT + width + 5, y + BAR - 1.5, "small", "start", commas(number))
}

function row(i, name,  y) {
    y = TOP + (i - 1) * STEP
    label(LEFT - 10, y + BAR + 5, "name", "end", text[name])
    bar(y, "xen", value[2, name])
    bar(y + BAR + 2, "schedop", value[3, name])
    label(WIDTH - 14, y + BAR + 6, "ratio", "end",
          sprintf("%d×", value[2, name] / value[3, name]))
}

function legend(x, class, words) {
    printf "<rect x=\"%d\" y=\"37\" width=\"12\" height=\"12\" rx=\"1.5\" " \
        "class=\"%s\"/>\n", x, class
    label(x + 18, 47, "small", "start", words)
}

END {
    WIDTH = 760
    LEFT = 190
    SCALE = 440
    TOP = 64
    STEP = 31
    BAR = 11
    height = TOP + n * STEP + 8
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" " \
        "width=\"%d\" height=\"%d\" role=\"img\">\n", WIDTH, height, WIDTH, height
    print "<title>Instructions a call or wake-up takes on Xen and on schedop" \
        "</title>"
    # Colours that can be read on white and on black alike; where the viewer
    # says which it is, better ones.
    print "<style>"
    print "text { font-family: system-ui, -apple-system, 'Segoe UI', " \
        "'DejaVu Sans', sans-serif; fill: #6e7781; }"
    print ".head { font-size: 15px; font-weight: 600; }"
    print ".name { font-size: 13px; }"
    print ".small { font-size: 11px; }"
    print ".ratio { font-size: 15px; font-weight: 600; }"
    print ".xen { fill: #9aa4af; }"
    print ".schedop { fill: #1f8ceb; }"
    print "@media (prefers-color-scheme: light) { text { fill: #424a53; } }"
    print "@media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } " \
        ".xen { fill: #6e7681; } .schedop { fill: #4aa8ff; } }"
    print "</style>"
    label(14, 24, "head", "start",
          "Instructions a call or wake-up takes: fewer is better")
    legend(14, "xen", "Xen " version)
    legend(120, "schedop", "schedop")
    label(WIDTH - 14, 47, "small", "end", "times fewer")
    for (i = 1; i <= n; i++)
        if (value[2, order[i]] && value[3, order[i]])
            row(i, order[i])
    print "</svg>"
}
