#!/bin/sh
# SPDX-License-Identifier: MIT
# The core, partially linked, may leave undefined only port functions and the
# four functions on bytes that compilers call, and owns no global state.
# Usage: symbols.sh OBJECT
set -eu

object=$1
bad=0

undefined=$(nm --undefined-only "$object" | awk '{ print $NF }' |
    grep -Ev '^(port_[a-z0-9_]+|memcpy|memmove|memset|memcmp)$' || true)
for name in $undefined; do
    echo "$object: undefined and not of the port interface: $name" >&2
    bad=1
done

# .data.rel.ro and its kind hold constants with addresses in them: the linker
# makes them read-only. Anything else writable is state.
state=$(objdump -t "$object" |
    awk '$NF !~ /^\./ && /[[:space:]]\.(data|bss)/ && !/\.data\.rel\.ro/ {
        print $NF }' || true)
for name in $state; do
    echo "$object: global mutable state: $name" >&2
    bad=1
done

common=$(nm "$object" | awk '$2 == "C" { print $3 }')
for name in $common; do
    echo "$object: common symbol: $name" >&2
    bad=1
done

exit $bad
