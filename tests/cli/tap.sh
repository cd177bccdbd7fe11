# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
#
# What the tests of the command line share; sourced with the build directory
# as first argument. A test calls `run ARGS...` and then checks.
build=$(realpath "$1")
here=tests/cli
schedop=$build/cli-tests/schedop
guest=$build/cli-tests/guest.elf
export SCHEDOP_QEMU=$PWD/$here/fake-qemu.sh SCHEDOP_HYPERVISOR=/dev/null
export UBSAN_OPTIONS=halt_on_error=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export FAKE_QEMU_LOG=$tmp/args
export FAKE_QEMU=
cases=0
out=$tmp/out err=$tmp/err status=

result() { # 0|1 name [detail]
    cases=$((cases + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $cases - $2"
    else
        echo "not ok $cases - $2"
        { echo "${3:-}" && echo "status: $status" && echo "stdout:" &&
            head -c 3000 "$out" && echo "stderr:" && head -c 3000 "$err"; } |
            tr -d '\000' | sed 's/^/# /'
    fi
}

plan() {
    echo "1..$cases"
}

# Runs the command line; the first word may be an exit status that is wanted.
run() {
    rm -f "$FAKE_QEMU_LOG"
    "$schedop" run "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

exits() { # status name
    [ "$status" -eq "$1" ]
    result $? "$2: status $1"
}

says() { # fixed text on stderr
    grep -qF -e "$1" "$err"
    result $? "says: $1" "no such text on stderr"
}

silent_about() {
    ! grep -qF -e "$1" "$err"
    result $? "does not say: $1" "this text is on stderr"
}

prints() { # name, exact stdout
    printf "%b" "$2" | cmp -s - "$out"
    result $? "$1" "stdout should be: $2"
}

args_have() { # fixed text in one of QEMU's arguments
    grep -qF -e "$1" "$FAKE_QEMU_LOG"
    result $? "QEMU gets: $1" "$(cat "$FAKE_QEMU_LOG" 2>&1)"
}

args_lack() {
    [ -s "$FAKE_QEMU_LOG" ] && ! grep -qF -e "$1" "$FAKE_QEMU_LOG"
    result $? "QEMU does not get: $1" "$(cat "$FAKE_QEMU_LOG" 2>&1)"
}

hello='> schedop-link 1 0.1.0
> boot pcpus=2 memory_kib=1000 hypervisor_kib=100 boot_ns=12345'

# script DOMID NAME CODE ACTION: one domain from beginning to end
life() {
    echo "> create $1 $2
> start $1 1000
> end $1 $2 $3 $4 run_ns=1234567890 cpu_ns=5000000 yield=3 poll=1"
}

one() { # CODE ACTION
    FAKE_QEMU="$hello
$(life 1 guest "$1" "$2")
> exit 0"
}
