#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A script for xl prints on schedop what it printed on Xen (tests/xl), and
# every option of xl 4.17 is known, if only to be refused by name.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh
mkdir "$tmp/bin" "$tmp/dir"
ln -s "$schedop" "$tmp/bin/xl"
export PATH=$tmp/bin:$PATH

tell() { # a command, whoever it is
    "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

# ---- the script ----

"$schedop" host start --pcpus 2 --memory 384 2>"$err"
tell sh tests/xl/script.sh "$build/guests/keeper.elf" "$tmp/dir"
# Usage texts differ; xl prints them on its standard output, too.
sed '/^Usage/,$ { /status/!d }' "$out" >"$tmp/shown"
diff -u tests/xl/script.xen "$tmp/shown" >"$tmp/diff"
result $? "a script for xl prints what it printed on Xen" "$(cat "$tmp/diff")"

# ---- options ----

# Of `xl help VERB`: letters, and long names without a letter.
while read -r verb options; do
    "$schedop" "$verb" --help >"$out" 2>"$err"
    missing=
    for o in $options; do
        grep -qE "^  (-$o,|-., --$o|--$o)( |$)" "$out" || missing+=" $o"
    done
    [ -z "$missing" ]
    result $? "options of xl $verb" "missing:$missing"
done <<'C'
create c d e F f n p q V A defconfig dryrun quiet vncviewer vncviewer-autopass ignore-global-affinity-masks
list l v Z c n long verbose context cpupool numa
console t n
shutdown a F w all wait
reboot a F w all wait
destroy f
save c p D
dump-core
restore p e d V A vncviewer vncviewer-autopass
vcpu-pin f force ignore-global-affinity-masks
vcpu-set i ignore-host
sched-credit2 d w c s r p domain weight cap schedparam ratelimit_us cpupool
sched-rtds d v p b e domain vcpuid period budget extratime
cpupool-create f n defconfig dryrun
cpupool-list c cpus
dmesg c
info n numa
uptime s
C
# Verbs of `xl help`: each is here or refused by name.
for verb in config-update pci-attach pci-detach pci-list pci-assignable-add \
    pci-assignable-remove pci-assignable-list vncviewer migrate \
    migrate-receive dump-core cd-insert cd-eject mem-max mem-set \
    button-press vm-list sharing sched-credit set-parameters network-attach \
    network-list network-detach channel-list block-attach block-list \
    block-detach vtpm-attach vtpm-list vtpm-detach vkb-attach vkb-list \
    vkb-detach vdispl-attach vdispl-list vdispl-detach vsnd-attach vsnd-list \
    vsnd-detach claims cpupool-numa-split getenforce setenforce loadpolicy \
    remus devd psr-hwinfo psr-cmt-attach psr-cmt-detach psr-cmt-show \
    psr-cat-set psr-cat-show psr-mba-set psr-mba-show usbctrl-attach \
    usbctrl-detach usbdev-attach usbdev-detach usb-list \
    qemu-monitor-command; do
    grep -qF "| \`$verb\` |" docs/xl.md || echo "$verb"
done >"$tmp/missing"
[ ! -s "$tmp/missing" ]
result $? "every verb of xl is in docs/xl.md" "$(cat "$tmp/missing")"
tell "$schedop" --xl-manual
cmp -s "$out" docs/xl.md
result $? "docs/xl.md is what --xl-manual prints (run: make man)"

# ---- as xl says it ----

tell xl list --bogus
exits 2 "list --bogus"
says "option \`bogus' not supported."
tell xl list a b
exits 1 "list of two"
tell xl sched-credit2 -w
exits 2 "an option without its value"
says "option \`w' not supported."
tell xl domname 99 more
exits 1 "words too many are not looked at"
says "Can't get domain name of domain id '99'"
tell xl dmesg -z
exits 2 "dmesg -z"
says "option \`z' not supported."
tell xl -z list
exits 1 "-z"
says 'unknown global option'
tell xl -N list
exits 1 "-N list"
says 'command does not implement -N (dryrun) option'
printf 'name="n"\ntype="pvh"\nmemory=32\nkernel="%s"\ncpus="0"\n' \
    "$build/guests/keeper.elf" >"$tmp/n.cfg"
tell xl -N create "$tmp/n.cfg"
exits 0 "-N create"
grep -q '"vcpu_hard_affinity"' "$out"
result $? "prints the configuration" "$(cat "$out")"
while read -r want setting; do
    tell xl create -q "$tmp/n.cfg" "$setting"
    exits "$want" "create with $setting"
done <<C
1 name=["x"]
1 memory===
1 kernel=""
1 on_crash="explode"
1 type="bogus"
1 cpus="abc"
1 cpus="99"
3 kernel="/nonexistent"
3 kernel="$tmp"
3 kernel="tests/cli/xl.test.sh"
3 ramdisk="/nonexistent"
3 vcpus=300
3 memory=99999
3 memory=1
3 cpu_weight=99999999
6 pool="none"
C
tell xl create "$tmp"
exits 3 "create from a directory"
says "Failed to read config file: $tmp: Is a directory"
tell xl create -p "$tmp/n.cfg"
exits 0 "create -p"
tell xl create "$tmp/n.cfg"
exits 3 "create of the same name"
says 'Domain with name "n" already exists.'
tell xl destroy n
tell xl create "$tmp/n.cfg" nonsense
exits 2 "create: a word that is nothing"
tell xl save -D n "$tmp/file"
exits 2 "save -D"
says '-D is not supported'
tell xl list 99
exits 1 "list 99"
says "Error: Domain '99' does not exist."
plan
