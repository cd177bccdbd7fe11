#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# House rules that need no compiler: licence lines, left-over notes, calls
# that have a safer replacement, tabs and trailing blanks, headers that
# include each other in a circle, rooms without a README, long files.
set -u
status=0

say() {
    echo "$*" >&2
    status=1
}

mapfile -t sources < <(git ls-files --cached --others --exclude-standard \
    '*.c' '*.h' '*.S' '*.sh' '*.mk' Makefile)
mapfile -t code < <(git ls-files --cached --others --exclude-standard \
    '*.c' '*.h')

for f in "${sources[@]}"; do
    [ -f "$f" ] || continue
    head -n 2 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
        say "$f:1: no SPDX line"
done

left=$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' "${sources[@]}" |
    grep -v '^tools/tidy.sh:')
[ -z "$left" ] || say "notes left over:
$left"

# call: what to use instead
while read -r call instead; do
    hits=$(grep -nE "^([^*]*[^a-zA-Z0-9_.>*])?$call\(" "${code[@]}" |
        grep -vE ':[0-9]+: *(/?\*|//)')
    [ -z "$hits" ] || say "$call(): use $instead
$hits"
done <<'END'
strcpy snprintf
strcat snprintf
sprintf snprintf
vsprintf vsnprintf
gets fgets
atoi strtol
atol strtol
strtok strsep
alloca an-array
tmpnam mkstemp
mktemp mkstemp
system posix_spawn
END

blanks=$(grep -nE '[ 	]+$' "${code[@]}" Makefile mk/*.mk)
[ -z "$blanks" ] || say "trailing blanks:
$blanks"
tabs=$(grep -nP '\t' "${code[@]}")
[ -z "$tabs" ] || say "tabs in C:
$tabs"

for d in src/*/ guests/ tests/ include/schedop/; do
    [ -f "$d/README.md" ] || say "$d: no README.md"
done

# A circle of quoted includes: tsort finds it.
circle=$(for f in "${code[@]}"; do
    case $f in *.h) ;; *) continue ;; esac
    sed -n 's/^#include "\(.*\)"/\1/p' "$f" | while read -r inc; do
        for dir in "$(dirname "$f")" src src/lib src/guest; do
            [ -f "$dir/$inc" ] && realpath --relative-to=. "$dir/$inc" && break
        done | sed "s|^|$f |"
    done
done | tsort 2>&1 >/dev/null)
[ -z "$circle" ] || say "headers include each other: $circle"

# Past 600 lines, look for the seam; past 950 somebody did not look.
for f in "${code[@]}"; do
    n=$(wc -l <"$f")
    [ "$n" -le 950 ] || say "$f: $n lines"
done
exit $status
