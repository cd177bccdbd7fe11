#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Runs the conformance guest on real Xen, as PVH and as PV hardware domain,
# and on schedop, as PVH hardware domain; judges every fact, and compares the
# transcripts. usage: tests/conformance/run.sh BUILDDIR [TOPIC|FACT...]
#
# What may differ is listed in the file `departures` beside this script.
# Transcripts and logs stay in BUILDDIR/conformance. All machines run under
# counted instructions, so that neither a busy host nor clocks that disagree
# between emulated processors can change what is seen.
#
# Then the ways to end: what becomes of the machine when its hardware domain
# goes down for this or that reason (specification 7.5).
#
# CONFORMANCE_ON chooses hosts: any of "xen-pvh0 xen-pv0 schedop" (all).
set -u
build=${1:?usage: tests/conformance/run.sh BUILDDIR}
shift
here=$(dirname "$0")
guest=$build/tests/conformance.elf
xen=$build/xen/xen.elf
dir=$build/conformance
limit=${CONFORMANCE_TIMEOUT:-100}
hosts=" ${CONFORMANCE_ON:-xen-pvh0 xen-pv0 schedop} "
mkdir -p "$dir"
n=0

ok() {
    n=$((n + 1))
    echo "ok $n - $*"
}

not_ok() {
    n=$((n + 1))
    echo "not ok $n - $*"
}

# ---- running a host: console in $dir/$host.log ----

# Xen does not leave the emulator when its hardware domain halts.
boot_xen() { # host kind words...
    local host=$1 machine=pc args="" pid end
    local count="-icount shift=1,sleep=off"
    [ "$2" = pvh ] && machine=q35 && args="dom0=pvh"
    # Endings are the same by any clock, and sooner there with a free one.
    [ "${host%-end-*}" = "$host" ] || count=
    shift 2
    : >"$dir/$host.log"
    # shellcheck disable=SC2086
    timeout "$limit" qemu-system-x86_64 -M "$machine" -accel tcg,thread=single \
        ${args:+-device amd-iommu} -m 512 -cpu qemu64,+svm,+npt -smp 2 \
        $count -display none -serial stdio -vga none \
        -nic none -no-reboot -kernel "$xen" -initrd "$guest $*" \
        -append "console=com1 loglvl=warning $args dom0_mem=128M \
dom0_max_vcpus=3" </dev/null >"$dir/$host.log" 2>&1 &
    pid=$!
    end=$((SECONDS + limit))
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do
        grep -q 'Hardware [Dd]om.*[a-z.]' "$dir/$host.log" && break
        sleep 0.2
    done
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
}

boot_schedop() { # host words...
    local host=$1
    shift
    timeout "$limit" "$build/schedop" run -v --hardware --vcpus 3 --pcpus 2 \
        --memory 64 --seed 1 --timeout "$limit" \
        --expect conformance=poweroff "$guest" ${1:+-- "$@"} \
        </dev/null >"$dir/$host.log" 2>&1
    echo "exit status $?" >>"$dir/$host.log"
}

# ---- judging ----

# The lines of facts, and the result.
transcript() {
    tr -d '\r' <"$dir/$1.log" | grep -aE '^(F[0-9]{3} |Test result: )' \
        >"$dir/$1.txt"
}

listed() { # fact-and-claim observed: is this departure allowed?
    awk -F' [|] ' -v f="$1" -v o="$2" \
        '$1 == f && $2 == o { found = 1 } END { exit !found }' \
        "$here/departures"
}

judge_facts() { # host
    local host=$1 line fact seen verdict
    while IFS= read -r line; do
        case $line in F*) ;; *) continue ;; esac
        fact=${line%% | *}
        verdict=${line##* | }
        seen=${line#* | }
        seen=${seen% | *}
        case $verdict in
        SUCCESS) ok "$host $fact" ;;
        SKIP) ;; # not a fact of this kind of guest
        DEPARTURE)
            if [ "$host" = schedop ] && listed "$fact" "$seen"; then
                ok "$host $fact (departs as listed)"
            else
                not_ok "$host $fact"
                echo "# seen: $seen; not a listed departure"
            fi
            ;;
        *)
            not_ok "$host $fact"
            echo "# seen: $seen"
            ;;
        esac
    done <"$dir/$host.txt"
}

judge() { # host text-of-the-end
    local host=$1
    transcript "$host"
    judge_facts "$host"
    if [ "$(tail -n 1 "$dir/$host.txt")" = "Test result: SUCCESS" ]; then
        ok "$host result"
    else
        not_ok "$host result"
        echo "# last facts and lines of $dir/$host.log:"
        tail -n 3 "$dir/$host.txt" | sed 's/^/# /'
        tail -n 15 "$dir/$host.log" | tr -d '\r' | sed 's/^/# | /'
    fi
    # Latched: 256, of which 8 bits count, so poweroff; asked for: reboot.
    if grep -qaE "$2" "$dir/$host.log"; then
        ok "$host F064 F071 the first latched code decides the end"
    else
        not_ok "$host F064 F071 the first latched code decides the end"
    fi
}

# Every difference between the two must be a listed departure, and every
# departure must be there.
compare() {
    local a=$dir/xen-pvh0.txt b=$dir/schedop.txt differ
    differ=$(awk -F' [|] ' '
        FILENAME == ARGV[1] { if (!/^#/) allowed[$1] = $2; next }
        FILENAME == ARGV[2] { xen[++nx] = $0; next }
        { ours[++no] = $0 }
        END {
            for (i = 1; i <= nx || i <= no; i++) {
                if (xen[i] == ours[i])
                    continue
                split(xen[i], x, " [|] ")
                split(ours[i], o, " [|] ")
                if (x[1] == o[1] && o[1] in allowed && allowed[o[1]] == o[2])
                    continue
                print "# Xen:     " xen[i]
                print "# schedop: " ours[i]
            }
        }' "$here/departures" "$a" "$b")
    if [ -z "$differ" ] && [ -s "$b" ]; then
        ok "transcripts of Xen and schedop are equal but for departures"
    else
        not_ok "transcripts of Xen and schedop are equal but for departures"
        echo "$differ"
    fi
}

# What the hypervisor says when its hardware domain has ended.
last_words() { # host
    tr -d '\r' <"$dir/$1.log" |
        sed -n 's/.*\(Hardware [Dd]om.*[a-z.]\)$/\1/p' | tail -n 1
}

# Facts 64, 72, 82, 83, 91, 130, each with what Xen 4.17 says.
endings='remote|F072 F082 domain 0 naming itself acts as its own shutdown|Hardware Dom0 halted: halting machine
watchdog|F072 F091 a watchdog for 0 s fires at once|Hardware Dom0 halted: halting machine
down|F072 F083 down of the last vCPU is a shutdown|Hardware Dom0 halted: halting machine
1|F130 reboot|Hardware Dom0 shutdown: rebooting machine
2|F130 suspend means nothing|Hardware Dom0 shutdown (unknown reason 2): rebooting machine in 5 seconds.
3|F130 crash|Hardware Dom0 crashed: rebooting machine in 5 seconds.
4|F130 watchdog|Hardware Dom0 shutdown: watchdog rebooting machine
5|F130 soft reset|Hardware domain 0 did unsupported soft reset, rebooting.
511|F064 F130 the low 8 bits count|Hardware Dom0 shutdown (unknown reason 255): rebooting machine in 5 seconds.'

judge_ending() { # host how name want
    local seen
    case $1 in
    xen-*) boot_xen "$1-end-$2" pvh facts=0 "end=$2" ;;
    *) boot_schedop "$1-end-$2" facts=0 "end=$2" ;;
    esac
    seen=$(last_words "$1-end-$2")
    if [ "$seen" = "$4" ]; then
        ok "$1 $3"
    else
        not_ok "$1 $3"
        echo "# seen: $seen"
        echo "# want: $4"
    fi
}

all_endings() {
    local how name want host
    while IFS='|' read -r how name want; do
        for host in $hosts; do
            case $host in
            xen-pvh0) [ $have_xen = no ] && continue ;;
            schedop) ;;
            *) continue ;;
            esac
            judge_ending "$host" "$how" "$name" "$want"
        done
    done <<<"$endings"
}

stale_departures() { # with all topics only
    local fact seen why
    while IFS='|' read -r fact seen why; do
        case $fact in '#'* | '') continue ;; esac
        fact=${fact% } seen=${seen# }
        if grep -qF "$fact | ${seen% } | DEPARTURE" "$dir/schedop.txt"; then
            ok "departure happens: ${fact%% *},$why"
        else
            not_ok "departure happens: ${fact%% *},$why"
        fi
    done <"$here/departures"
}

# ---- all of it ----

have_xen=no
case $hosts in *xen*)
    if why=$("$(dirname "$0")/../../tools/fetch-xen.sh" "$xen" 2>&1); then
        have_xen=yes
    else
        why=$(echo "$why" | tail -n 1)
    fi
    ;;
esac

for host in $hosts; do
    case $host in
    xen-*)
        if [ $have_xen = no ]; then
            n=$((n + 1))
            echo "ok $n - $host # SKIP no real Xen: $why"
            continue
        fi
        kind=${host#xen-}
        boot_xen "$host" "${kind%0}" "$@"
        judge "$host" 'Hardware Dom0 halted: halting machine'
        ;;
    schedop)
        boot_schedop "$host" "$@"
        judge "$host" '^exit status 0'
        ;;
    *) not_ok "there is no host $host" ;;
    esac
done

case $hosts in *" schedop "*)
    if [ $have_xen = yes ]; then
        compare
    fi
    if [ $# -eq 0 ]; then
        stale_departures
    fi
    ;;
esac
if [ $# -eq 0 ]; then
    all_endings
fi
echo "1..$n"
