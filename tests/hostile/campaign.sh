#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A fuzzing campaign: boots the hypervisor with fuzzing guests (fuzz.c) beside
# the sentinel, with other seeds each time, until they have made N hypercalls.
# usage: tests/hostile/campaign.sh N SEED [BUILDDIR]
#
# In each boot, two mild domains must live to their end, wild ones may end as
# they like, and the sentinel must have seen nothing. Boots take turns at 1, 2
# and 4 pCPUs. Prints TAP; what was made up to then is in each line. Only calls
# that were reported are counted: of wild ones, full dozens.
#
# Random instructions also kill QEMU 7.2 now and then, which asserts in its
# translator ("tcg fatal error"); such a boot is said and not judged.
set -u
want=${1:?usage: tests/hostile/campaign.sh N SEED [BUILDDIR]}
seed=${2:?usage: tests/hostile/campaign.sh N SEED [BUILDDIR]}
build=${3:-build}
dir=$build/hostile/campaign
guest=$(realpath "$build/tests/hostile.elf") || exit 1
per_vcpu=$((want / 4 < 20000 ? want / 4 + 1 : 20000))
# A loaded machine is slow; the sentinel's clock is not.
seconds=$((2 + per_vcpu / 8000))
mkdir -p "$dir"
calls=0 others=0 wild=0 n=0 boot=0

config() { # name memory words on_end
    cat >"$dir/$1.cfg" <<END
name = "$1"
kernel = "$guest"
memory = $2
vcpus = 2
extra = "$3"
on_poweroff = "$4"
on_reboot = "$4"
on_crash = "$4"
on_watchdog = "$4"
on_soft_reset = "destroy"
END
}

reason() { # name: how its last life ended, from the table
    awk -v n="$1" '$1 ~ /^[0-9]+$/ && $2 == n { r = $3 } END { print r }' \
        "$log"
}

verdict() { # good text
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        echo "# the log is $log"
        grep -aE 'COMPLAINT|panic|^mild|^sentinel' "$log" | tail -n 20 |
            sed 's/^/# /'
    fi
}

# The sum of a column of the mild domains' last lines.
sum() { # word before which the number is
    grep -aoE "fuzz: vCPU [01]: .*" "$log" |
        grep -oE "[0-9]+ $1" | awk '{ s += $1 } END { print s + 0 }'
}

while [ $((calls + wild)) -lt "$want" ] && [ $boot -lt 1000 ]; do
    s=$((seed + boot * 100))
    log=$dir/$s.log
    config sentinel 32 "role=sentinel seconds=$seconds" destroy
    all=("$dir/sentinel.cfg")
    for i in 1 2; do
        config "mild$i" 16 "role=fuzz seed=$((s + i)) count=$per_vcpu" destroy
        config "wild$i" 8 "role=fuzz wild=1 seed=$((s + i)) seconds=$seconds" \
            restart
        all+=("$dir/mild$i.cfg" "$dir/wild$i.cfg")
    done
    boot=$((boot + 1))
    timeout 150 "$build/schedop" run --timeout 120 --max-restarts 200 \
        --pcpus $((1 << (boot - 1) % 3)) "${all[@]}" </dev/null >"$log" 2>&1
    if grep -aq 'tcg fatal error' "$log"; then
        echo "# seed $s: QEMU's translator failed"
        continue
    fi
    calls=$((calls + $(sum calls))) others=$((others + $(sum others)))
    wild=$((wild + 12 * $(grep -ac 'fuzz: a dozen wild calls' "$log")))
    [ "$(reason sentinel)" = poweroff ] &&
        grep -aq 'sentinel: all is well' "$log"
    verdict $? "seed $s: the sentinel noticed nothing"
    [ "$(reason mild1)" = poweroff ] && [ "$(reason mild2)" = poweroff ] &&
        [ "$(grep -ac 'fuzz: 0 complaints' "$log")" = 2 ]
    verdict $? "seed $s: two mild domains lived: $calls calls, $others others, \
$wild wild"
done
echo "1..$n"
echo "# $((calls + wild)) hypercalls ($wild wild), $others other accesses," \
    "$boot boots"
