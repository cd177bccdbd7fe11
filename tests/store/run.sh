#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Much is typed at once for a domain that reads slowly: all of it arrives,
# through `run` and through a host.
# usage: tests/store/run.sh BUILDDIR
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh

bytes=${BYTES:-49152}
cat >"$tmp/sip.cfg" <<C
name = "sip"
type = "pvh"
memory = 32
kernel = "$build/tests/store.elf"
cmdline = "bytes=$bytes"
C
seq 1000000 | head -c "$bytes" >"$tmp/paste"
want="sipped $(cksum <"$tmp/paste")"

timeout 200 "$schedop" run "$tmp/sip.cfg" <"$tmp/paste" >"$out" 2>"$err"
status=$?
exits 0 "run"
grep -qF "$want" "$out"
result $? "all that was typed at once arrives" "no such line: $want"

timeout 200 "$schedop" host start --memory 256 --log-dir "$tmp/logs" \
    >"$out" 2>"$err" </dev/null
status=$?
exits 0 "host start"
"$schedop" create "$tmp/sip.cfg" >"$out" 2>"$err" </dev/null
status=$?
exits 0 "create"
timeout 200 "$schedop" console sip <"$tmp/paste" >"$out" 2>"$err"
status=$?
exits 0 "console ends with its domain"
grep -qF "$want" "$out"
result $? "the same through a host" "no such line: $want"
grep -qF "$want" "$tmp/logs/guest-sip.log"
result $? "and the log has it" "no such line: $want"
plan
