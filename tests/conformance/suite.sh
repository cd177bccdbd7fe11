#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The conformance suite: runs the conformance guest in its environments,
# judges every fact, and compares schedop with real Xen. `schedop conform` is
# the way to call it.
#
# usage: tests/conformance/suite.sh BUILDDIR [option...] [TOPIC|FACT...]
#   --env NAME     one environment; repeatable (all)
#   --list         name environments and facts, run nothing
#   --tap          print TAP
#   --junit FILE   write JUnit XML too
#   --matrix FILE  write the divergence matrix too
#   --short        leave out most ways to end the machine, skip quietly
#
# Ends with "Test result: VERDICT" and 0 SUCCESS, 3 SKIP, 4 ERROR, 5 FAILURE,
# 6 CRASH. Transcripts and logs stay in BUILDDIR/conformance.
set -u
build=${1:?usage: suite.sh BUILDDIR [option...] [TOPIC|FACT...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
guest=$(cd "$build" && pwd)/tests/conformance.elf
xen=$build/xen/xen.elf
dir=$build/conformance
limit=${CONFORMANCE_TIMEOUT:-100}
every="xen-pvh0 xen-pv0 schedop xen-domu schedop-domu core"
envs="" words="" mode=text junit="" matrix="" short=""

# shellcheck source=tests/conformance/hosts.sh
. "$here/hosts.sh"

fail() { # what went wrong
    echo "conformance: $*" >&2
    echo "Test result: ERROR"
    exit 4
}

list() {
    echo "Environments:"
    for env in $every; do
        echo "  $env"
    done
    echo "Facts:"
    "$build/conform-core" pvh list=1 2>/dev/null | sed -n 's/^L/  F/p' |
        sort -s -k1,1
    echo "  F097 dogs: text of an expiry up to 4.20"
    echo "  F098 dogs: text of an expiry from 4.21"
    printf '%s\n%s\n' "$endings" "$noreboot" | awk -F'|' '{ print "  " $2 }'
}

while [ $# -gt 0 ]; do
    case $1 in
    --env)
        [[ " $every " == *" ${2:-} "* ]] ||
            fail "there is no environment '${2:-}'; there are: $every"
        envs="$envs $2"
        shift
        ;;
    --list) list && exit 0 ;;
    --tap) mode=tap ;;
    --junit) junit=${2:?--junit FILE} && shift ;;
    --matrix) matrix=${2:?--matrix FILE} && shift ;;
    --short) short=1 ;;
    -*) fail "unknown option $1" ;;
    *) words="$words $1" ;;
    esac
    shift
done
words=${words# }
envs=${envs:-$every}
for need in "$guest" "$build/conform-core" "$build/schedop"; do
    [ -e "$need" ] || fail "$need is not there; run make first"
done
mkdir -p "$dir"
rm -f "$dir"/*.txt "$dir"/*.log "$dir"/*.ends

# ---- which facts: of the guest, or of the machine's end ----

guest_words="" ends=""
names=$("$build/conform-core" pvh list=1 2>/dev/null)
ending_names=$(printf '%s\n%s\n' "$endings" "$noreboot" | cut -d'|' -f2)
for word in $words; do
    known=""
    if grep -qE "^L${word#F} |^L[0-9]+ $word: " <<<"$names"; then
        guest_words="$guest_words $word" known=1
    fi
    case $word in F097 | F098) guest_words="$guest_words dogs" known=1 ;; esac
    if grep -qE "^$word |^F[0-9]+ $word: " <<<"$ending_names"; then
        ends="$ends|^$word |^F[0-9]+ $word: " known=1
    fi
    [ -n "$known" ] || fail "there is no topic or fact '$word'; see --list"
done
ends=${ends#|}
[ -n "$words" ] || ends=.

# ---- run ----

has() {
    [[ " $envs " == *" $1 "* ]]
}

no_xen=""
if [[ $envs == *xen* ]]; then
    no_xen=$("$here/../../tools/fetch-xen.sh" "$xen" 2>&1) && no_xen=""
    no_xen=${no_xen##*$'\n'}
    [ -z "$no_xen" ] || envs=$(echo " $envs " | sed 's/ xen-[a-z0-9]* / /g
        s/ xen-[a-z0-9]* / /g')
fi

# Two machines at a time: each is one busy thread.
run() { # ENV
    # shellcheck disable=SC2086
    "run_${1//-/_}" $guest_words
    [ "$1" = core ] || transcript "$1"
}

causes='remote|down|3'
[ -n "$short" ] || causes='.*'
for env in $envs; do
    [ -z "$words" ] || [ -n "$guest_words" ] || break
    run "$env" &
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
        sleep 0.2
    done
done
wait
version=$(xen_version)
for env in xen-domu schedop-domu core-domu; do
    [ -e "$dir/$env.txt" ] && watchdog_text "$env" \
        "$([ $env = xen-domu ] && echo "$version" || echo 4.17)"
done
for env in xen-pvh0 schedop; do
    if [ -n "$ends" ] && has $env; then
        [ -e "$dir/$env.txt" ] || echo "Test result: SKIP" >"$dir/$env.txt"
        run_endings $env "$causes" "$ends" &
    fi
done
wait

# ---- report ----

files=()
for env in xen-pvh0 xen-pv0 schedop xen-domu schedop-domu core-pvh core-pv \
    core-domu; do
    if has "${env%%-p*}" || has "$env" || { has core && [ "${env%-*}" = core ]; }; then
        # A run that left nothing behind is a crash; one not made is not.
        if [ -z "$words" ] || [ -n "$guest_words" ]; then
            touch "$dir/$env.txt"
        fi
        [ -e "$dir/$env.txt" ] || continue
        files+=("$dir/$env.txt")
    fi
done
complete=0
[ -z "$words$no_xen$short" ] && [ "${#files[@]}" -eq 8 ] && complete=1

report() { # mode
    awk -v mode="$1" -v version="$version" -v quiet="$short" \
        -v complete=$complete -f "$here/report.awk" "$here/departures" \
        "${files[@]}"
}

[ ${#files[@]} -gt 0 ] || fail "nothing to run: no real Xen: $no_xen"
[ -z "$junit" ] || report junit >"$junit" || fail "cannot write $junit"
[ -z "$matrix" ] || report matrix >"$matrix" || fail "cannot write $matrix"
result=$(report text)
verdict=${result##*: }
if [ $mode = tap ]; then
    [ -z "$no_xen" ] || echo "# no real Xen: $no_xen"
    report tap
else
    [ -z "$no_xen" ] || echo "not run, no real Xen: $no_xen"
    echo "$result" | sed '$d'
    [ -z "$matrix" ] || echo "What was seen, side by side: $matrix"
    echo "$result" | tail -n 1
fi
case $verdict in
SUCCESS) exit 0 ;;
SKIP) exit 3 ;;
ERROR) exit 4 ;;
FAILURE) exit 5 ;;
*) exit 6 ;;
esac
