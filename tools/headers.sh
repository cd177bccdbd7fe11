#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each public header compiles alone: C11 and C++, GCC and Clang, 64 and 32 bit.
set -eu
warn="-Wall -Wextra -Wpedantic -Werror -ffreestanding"
abi="-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__"
status=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for h in include/schedop/*.h; do
    n=${h#include/}
    printf '#include <%s>\nint headers_probe;\n' "$n" >"$tmp/t.c"
    cp "$tmp/t.c" "$tmp/t.cc"
    for cc in "gcc -std=c11" "clang -std=c11" "gcc -std=c11 -m32"; do
        # shellcheck disable=SC2086
        $cc $warn $abi -Iinclude -fsyntax-only "$tmp/t.c" || {
            echo "$h does not compile alone: $cc" >&2
            status=1
        }
    done
    for cc in "g++ -std=c++17" "clang++ -std=c++17"; do
        # shellcheck disable=SC2086
        $cc $warn $abi -Iinclude -fsyntax-only "$tmp/t.cc" || {
            echo "$h does not compile alone: $cc" >&2
            status=1
        }
    done
done
exit $status
