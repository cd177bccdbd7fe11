#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom: walks the include lines of every room. Says each line
# that breaks a rule; ends with 1 if there was one. Run from the root.
set -eu

# A header that freestanding C offers, and the four the rooms may use besides.
free='<(stdarg|stdatomic|stdbool|stddef|stdint|limits|stdalign|stdnoreturn)\.h>'
xen='<xen/[a-z0-9_./-]+\.h>'
pub='[<"]schedop/[a-z0-9_]+\.h[>"]'
own='"[a-z0-9_-]+\.h"'
lib='"(\.\./)*lib/[a-z0-9_-]+\.h"'
libc='<[a-z0-9_]+(/[a-z0-9_]+)*\.h>'

bad=0

# room DIRECTORY PATTERN: every include line of the room matches the pattern.
room() {
    [ -d "$1" ] || return 0
    found=$(grep -rnE '^[[:space:]]*#[[:space:]]*include' \
        --include='*.c' --include='*.h' --include='*.S' "$1" |
        grep -vE "include[[:space:]]+($2)" || true)
    if [ -n "$found" ]; then
        printf '%s\n' "$found" | sed "s|\$|   (not allowed in $1)|" >&2
        bad=1
    fi
}

room include/schedop "$free|$xen|$pub"
room src/lib "$free|$own|$pub"
room src/core "$free|$xen|$pub|$lib|$own"
room src/policy "$free|$xen|$pub|$lib|$own|\"\.\./core/policy\.h\""
room src/controller "$free|$xen|$pub|$lib|$own|\"(\.\./)*backend/[a-z_]+\.h\""
room src/backend "$free|$xen|$pub|$lib|$own"
room src/x86 "$free|$xen|$pub|$lib|$own|\"[a-z0-9_./-]+\.h\""
room src/trace "$free|$xen|$pub|$own|$libc"
room src/sim "$free|$xen|$pub|$lib|$own|$libc"
# Its explore_lock.c stands in for the core's locks.c.
room src/explore "$free|$xen|$pub|$lib|$own|$libc|\"\.\./core/locks\.h\""
room src/guest "$free|$xen|$pub|$lib|$own|\"[a-z0-9_./-]+\.h\""
room src/cli "$pub|$lib|$own|$libc|\"(\.\./)*(sim/sim|sim/lab|explore/explore|trace/trace|trace/event)\.h\""

# What no pattern above can say: reaching into a room that is not one's own.
reach() {
    [ -d "$1" ] || return 0
    found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]+[<\"]($2)" \
        "$1" || true)
    if [ -n "$found" ]; then
        printf '%s\n' "$found" | sed "s|\$|   ($1 may not reach there)|" >&2
        bad=1
    fi
}

inner='(\.\./)*(src/)?core/'
reach src/x86 "$inner|(\.\./)*(src/)?sim/"
reach src/sim "$inner|(\.\./)*(src/)?x86/"
reach src/explore "(\.\./)*(src/)?(x86|sim|policy)/"
reach src/cli "$inner|(\.\./)*(src/)?(x86|policy)/"
reach src/guest "$inner|schedop/(core|port)\.h|(\.\./)*(src/)?(x86|sim|policy)/"
reach src/backend "$inner|(\.\./)*(src/)?x86/"
reach src/controller "$inner|(\.\./)*(src/)?x86/"

# The core knows no architecture and has no conditional code.
found=$(grep -rnE '__(x86_64|i386|aarch64|arm)__' src/core src/policy || true)
if [ -n "$found" ]; then
    printf '%s   (architecture macro in the core)\n' "$found" >&2
    bad=1
fi
for file in src/core/*.[ch] src/policy/*.[ch]; do
    [ -e "$file" ] || continue
    # A header's guard is the only #if there may be.
    n=$(grep -cE '^[[:space:]]*#[[:space:]]*(if|elif)' "$file" || true)
    case $file in
    *.h) allowed=1 ;;
    *) allowed=0 ;;
    esac
    if [ "$n" -gt "$allowed" ]; then
        echo "$file: conditional compilation in the core" >&2
        bad=1
    fi
done

exit $bad
