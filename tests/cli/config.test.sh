#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Configurations, images, options, help and manual.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

one 0 destroy

# Writes a configuration (guest kernel and name unless given) and runs it.
config() { # TEXT [options]
    printf '%b\n' "$1" >"$tmp/x.cfg"
    shift
    run "$@" "$tmp/x.cfg"
}

cp "$guest" "$tmp/guest"
head -c 5000 /dev/zero >"$tmp/ramdisk"
base='name = "guest"\nkernel = "guest"\n'

# ---- what reaches the hypervisor ----

config "$base"
exits 0 "the least configuration"
args_have "name=guest memory=32 vcpus=1"
args_lack " -- "
args_lack "on_"

config "$base"'memory = 48 # MiB
vcpus = 3
cmdline = "a=1, b \\\\\\"; c"
ramdisk = "ramdisk"
cpu_weight = 512
cap = 50
cpus = "0-2,^1"
cpus_soft = [ "0", "all", "2" ]
on_poweroff = "preserve"; on_crash = "restart"
on_watchdog = "rename-restart"
on_reboot = "destroy"
on_soft_reset = "soft-reset"
on_suspend = "resume"
hardware_domain = 1
type = "pvh"
pool = "Pool-0"' --pcpus 4 --credit2-runqueue core
exits 0 "every key"
silent_about "warning"
args_have "name=guest memory=48 vcpus=3 hardware=1 weight=512 cap=50 cpus=5 \
cpus_soft.0=1 cpus_soft.2=4 on_poweroff=preserve on_reboot=destroy \
on_suspend=resume on_crash=restart on_watchdog=rename-restart \
on_soft_reset=soft-reset -- a=1,, b \\\"; c"
args_have "module-of=guest"
args_have "module 5000 bytes"
args_have "pcpus=4"
args_have " credit2_runqueue=core"

config "kernel = 'guest'"
exits 1 "the name is the file's when none is given"
args_have "name=x memory"

config "$base"'root = "/dev/xvda"\nextra = "quiet 3"'
args_have " -- root=/dev/xvda quiet 3"
config "$base"'root = "/dev/xvda"'
args_have " -- root=/dev/xvda"
config "$base"'extra = "quiet 3"'
args_have " -- quiet 3"
config "$base"'extra = "quiet 3"\ncmdline = "loud"'
args_have " -- loud"
says "x.cfg:3: root and extra are ignored beside cmdline"

config "$base"'maxmem = 40'
args_have "memory=40"
config "$base"'memory = 40\nmaxmem = 50'
args_have "memory=50 vcpus=1 target=40"
config "$base"'maxvcpus = 4'
args_have "vcpus=4"
config "$base"'vcpus = 2\nmaxvcpus = 4'
args_have "vcpus=4 online=2"
config "$base"'memory = 40' --memory 77 --vcpus 2
args_have "memory=77 vcpus=2"
config "$base"'on_crash = "coredump-restart"'
args_have "on_crash=coredump-restart"
config "$base"'cpus = "0-3"' --pcpus 2
args_lack "cpus=3"
says "cpus names pCPUs above 1"
config "$base"'cpus = 1' --pcpus 2
args_have "cpus=2"

# ---- warnings ----

config "$base"'memori = 5\n\nfrobnicate = [ 1,\n 2 ]\nvif = [ "a" ]\ndisk = []
uuid = "x"'
exits 0 "warnings alone"
says "x.cfg:3: unknown key memori is ignored; did you mean memory?"
says "x.cfg:5: unknown key frobnicate is ignored"
says "x.cfg:7: vif is ignored: domains have no such devices yet"
says "x.cfg:9: uuid has no effect here"
silent_about "disk"
config "$base"'memori = 5' -q
silent_about "memori"

# ---- errors: file, line, what to do ----

refuses() { # TEXT message [options]
    config "$1" "${@:3}"
    exits 2 "refused: ${1#"$base"}"
    says "$2"
    [ ! -e "$FAKE_QEMU_LOG" ]
    result $? "QEMU is not started"
}

refuses "$base"'memory = = 3' 'x.cfg:3: config parsing error'
refuses "$base"'type = "hvm"' 'x.cfg:3: type = "hvm" is not supported'
refuses "$base"'builder = "hvm"' 'x.cfg:3: builder = "hvm" is not supported'
refuses "$base"'memory = "much"' 'x.cfg:3: memory = much is not a number'
refuses "$base"'memory = "-5"' 'x.cfg:3: memory = -5 is not a number'
refuses "$base"'vcpus = 1\r' 'its lines end as on DOS'
refuses "$base"'memory = 0' 'x.cfg:3: memory = 0: must be 1 to 1048576'
refuses "$base"'memory = [ 3 ]' 'x.cfg:3: memory must be one value, not a list'
refuses "$base"'\nmemory = 1' 'x.cfg:4: memory = 1 is too small: '
says "; do memory = 2 or more"
refuses "$base" '--memory 1 is too small' --memory 1
refuses "$base"'memory = 9\nmaxmem = 8' 'x.cfg:4: maxmem is below memory'
refuses "$base"'vcpus = 17' 'x.cfg:3: vcpus = 17: must be 1 to 16'
refuses "$base"'vcpus = 2\nmaxvcpus = 1' 'x.cfg:4: maxvcpus is below vcpus'
refuses "$base"'cpus = "0-x"' 'x.cfg:3: cpus = "0-x": '
refuses "$base"'cpus = "4-5"' 'gives vCPU 0 no pCPU of this machine'
refuses "$base"'vcpus=2\ncpus_soft = ["0", "7"]' 'cpus_soft gives vCPU 1 no'
refuses "$base"'pool = "other"' 'x.cfg:3: pool = "other": there is no such cpupool'
refuses "$base"'on_crash = "explode"' 'x.cfg:3: on_crash = "explode": must be'
refuses "$base"'on_suspend = "restart"' 'must be checkpoint, resume'
refuses "$base"'hardware_domain = 2' 'x.cfg:3: hardware_domain = 2'
refuses 'name = "a b"\nkernel = "guest"' 'x.cfg:1: name = "a b": a name is'
refuses 'name = "a"' 'x.cfg: no kernel is given'
refuses 'kernel = "none"' 'x.cfg:1: kernel none cannot be opened: No such file'
says "(looked beside the configuration and in the current directory)"
refuses "$base"'ramdisk = "none"' 'x.cfg:3: ramdisk none cannot be opened'
refuses 'kernel = "."' "is a directory, not a file"
long=$(printf '%02049d' 7)
refuses "$base""cmdline = '$long'" \
    "x.cfg:3: the kernel command line is longer than 2048 bytes"

printf '%b\n' "$base" >"$tmp/y.cfg"
refuses "$base" "x.cfg:1: the name guest is taken by $tmp/y.cfg:1" "$tmp/y.cfg"
printf 'kernel="guest"\nhardware_domain=1\n' | tee "$tmp/z.cfg" >"$tmp/y.cfg"
run "$tmp/y.cfg" "$tmp/z.cfg"
exits 2 "two hardware domains"
says "both want to be the hardware domain"

# ---- the directory of the configuration goes before the current one ----

mkdir "$tmp/dir"
cp "$guest" "$tmp/dir/k"
echo 'kernel = "k"' >"$tmp/dir/guest.cfg"
echo "not an image" >"$tmp/k"
here=$PWD
cd "$tmp" || exit 1
run dir/guest.cfg
exits 0 "beside the configuration first"
rm "$tmp/dir/k"
cp "$guest" "$tmp/k"
run dir/guest.cfg
exits 0 "then the current directory"
cd "$here" || exit 1

# ---- bare kernels ----

run "$guest" -- quiet "root=/dev/xvda 1" x,y
exits 0 "a bare kernel"
args_have "name=guest memory=64 vcpus=1 -- quiet root=/dev/xvda 1 x,,y"
run --hardware --ramdisk "$tmp/ramdisk" --memory 20 --vcpus 4 "$guest"
args_have "name=guest memory=20 vcpus=4 hardware=1"
args_have "module-of=guest"
run --ramdisk "$tmp/none" "$guest"
exits 2 "no such ramdisk"
run "$tmp/x.cfg" -- words
exits 2 "a command line without a bare kernel"
run --hardware "$tmp/x.cfg"
exits 2 "a hardware domain without a bare kernel"

gzip -c "$guest" >"$tmp/my guest!.elf.gz"
run "$tmp/my guest!.elf.gz"
args_have "name=my-guest- "
args_have "module $(wc -c <"$guest") bytes"
run /dev/stdin <"$guest" || :
"$schedop" run /dev/stdin >"$out" 2>"$err" < <(cat "$guest")
status=$?
args_have "name=stdin"

refuses_image() { # file message
    run "$1"
    exits 2 "refused: ${1##*/}"
    says "$2"
}
head -c 3000 "$tmp/my guest!.elf.gz" | head -c 200 >"$tmp/cut.gz"
refuses_image "$tmp/cut.gz" "is gzip-compressed, but cut short"
{ head -c 60 "$tmp/cut.gz" && echo "garbage garbage" && cat "$tmp/cut.gz"; } \
    >"$tmp/bad.gz"
refuses_image "$tmp/bad.gz" "is gzip-compressed, but damaged"
head -c 100000 /dev/zero | gzip >"$tmp/zero.gz"
refuses_image "$tmp/zero.gz" "is not a PVH kernel: not an ELF file"
head -c 60 "$guest" >"$tmp/cut"
refuses_image "$tmp/cut" "cut short: a header or segment"
refuses_image /bin/sh "no PVH entry: no note PHYS32_ENTRY of Xen"
says "build the guest for PVH"
{ head -c 514 /dev/zero && printf HdrS && head -c 600 /dev/zero; } >"$tmp/bz"
refuses_image "$tmp/bz" "is a Linux bzImage too old to tell where its kernel"
refuses_image "$tmp/none" "cannot be opened: No such file or directory"
refuses_image "$tmp" "is a directory, not a file"
printf '\001\000\002' >"$tmp/junk"
refuses_image "$tmp/junk" "is neither an ELF image nor a configuration"
printf '\127\177EL\377\n' >"$tmp/text"
refuses_image "$tmp/text" "config parsing error"
: >"$tmp/empty"
refuses_image "$tmp/empty" "no kernel is given"
# A small file that unpacks to more than may be: stopped in time.
head -c 300000000 /dev/zero | gzip -1 >"$tmp/bomb.gz"
ASAN_OPTIONS=hard_rss_limit_mb=1000 run "$tmp/bomb.gz"
exits 2 "an image that unpacks without end"
says "unpacks to more than 256 MiB"

# ---- options ----

usage() { # message args...
    run "${@:2}"
    exits 2 "usage: ${*:2}"
    says "$1"
}
usage "nothing to run"
usage "unknown option --timout; did you mean --timeout?" --timout 5 "$guest"
usage "--timeout x: must be seconds" --timeout x "$guest"
usage "--timeout -1: must be seconds" --timeout -1 "$guest"
usage "--timeout nan: must be seconds" --timeout nan "$guest"
usage "--pcpus 17: must be a number from 1 to 16" --pcpus 17 "$guest"
usage "--seed x: must be a number" --seed x "$guest"
usage "--expect guest: must be DOMAIN=REASON" --expect guest "$guest"
usage "--expect guest=ok: must be DOMAIN=REASON" --expect guest=ok "$guest"
usage "--memory needs a value" "$guest" --memory
usage "--gdb 70000: must be a number" --gdb 70000 "$guest"

run --seed 42 --qemu -foo --qemu "b c" "$guest"
args_have "-icount"
args_have "shift=1,sleep=off"
args_have "seed=42"
args_have "b c"
run --gdb="$tmp/gdb" "$guest"
args_have "debug=guest"
says "gdb $guest -ex 'target remote $tmp/gdb'"
run --gdb=/nowhere/gdb "$guest"
says "cannot wait for gdb at /nowhere/gdb: No such file or directory"
run "$guest"
args_lack "-icount"
args_lack "debug="

# ---- where the hypervisor is found ----

mkdir -p "$tmp/usr/bin" "$tmp/usr/lib/schedop"
cp "$schedop" "$tmp/usr/bin"
: >"$tmp/usr/lib/schedop/schedop-hypervisor.elf"
found() { # path under $tmp/usr
    (unset SCHEDOP_HYPERVISOR && "$tmp/usr/bin/schedop" run "$guest" \
        >"$out" 2>"$err" </dev/null)
    status=$?
    args_have "$tmp/usr/bin/$1"
}
found ../lib/schedop/schedop-hypervisor.elf
: >"$tmp/usr/bin/schedop-hypervisor.elf"
found schedop-hypervisor.elf

# ---- help ----

plain() { # args: must succeed, without anything on stderr
    "$schedop" "$@" >"$out" 2>"$err" </dev/null
    status=$?
    exits 0 "schedop $*"
    [ -s "$out" ] && [ ! -s "$err" ]
    result $? "it prints, and not on stderr"
}
plain --help
plain --version
grep -qE '^schedop [0-9]+\.[0-9]+\.[0-9]+$' "$out"
result $? "a version"
plain run --help
! awk 'length > 79' "$out" | grep -q .
result $? "help fits a terminal"
plain run -V
plain --man
cmp -s "$out" docs/schedop.1
result $? "docs/schedop.1 is what --man prints (run: make man)"
if command -v man >/dev/null; then
    LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings=w -E UTF-8 -l -Tutf8 -Z \
        docs/schedop.1 >/dev/null 2>"$err"
    [ ! -s "$err" ]
    result $? "the man page is well-formed"
fi
"$schedop" >"$out" 2>"$err"
status=$?
exits 2 "no verb"
"$schedop" rnu >"$out" 2>"$err"
status=$?
exits 2 "a wrong verb"
says "did you mean 'schedop run'?"
if [ -c /dev/full ]; then
    "$schedop" --help >/dev/full 2>"$err"
    status=$?
    exits 1 "no room for the help"
    says "cannot write to standard output"
fi

plan
