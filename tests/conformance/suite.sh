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
    printf '  %s\n' $every
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
    "run_${1//-/_}" $words
    [ "$1" = core ] || transcript "$1"
}

causes='remote|down|3'
[ -n "$short" ] || causes='.*'
for env in $envs; do
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
if [ -z "$words" ] || [[ " $words " == *" endings "* ]]; then
    for env in xen-pvh0 schedop; do
        if has $env; then
            run_endings $env "$causes" &
        fi
    done
    wait
fi

# ---- report ----

files=()
for env in xen-pvh0 xen-pv0 schedop xen-domu schedop-domu core-pvh core-pv \
    core-domu; do
    if has "${env%%-p*}" || has "$env" || { has core && [ "${env%-*}" = core ]; }; then
        touch "$dir/$env.txt"
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
    echo "$result"
fi
case $verdict in
SUCCESS) exit 0 ;;
SKIP) exit 3 ;;
ERROR) exit 4 ;;
FAILURE) exit 5 ;;
*) exit 6 ;;
esac
