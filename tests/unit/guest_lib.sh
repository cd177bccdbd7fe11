#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The guest library as built: what it exports, what it needs, what a command
# costs, and that its headers stand alone. usage: guest_lib.sh BUILDDIR
set -u
build=${1:?usage: guest_lib.sh BUILDDIR}
n=0 status=0

result() { # ok|not ok, name, [why]
    n=$((n + 1))
    echo "$1 $n - $2"
    if [ "$1" != ok ]; then
        status=1
        [ -z "${3:-}" ] || echo "# ${3//$'\n'/$'\n'# }"
    fi
}

exports() { # archive
    local others
    others=$(nm -g --defined-only "$1" |
        awk 'NF == 3 && $3 !~ /^schedop_/ { print $3 }')
    if [ -z "$others" ]; then
        result ok "$(basename "$1") exports schedop_* alone"
    else
        result "not ok" "$(basename "$1") exports schedop_* alone" "$others"
    fi
}

needs_nothing() { # archive
    local undefined
    undefined=$(nm -u "$1" | awk 'NF == 2 { print $2 }')
    if [ -z "$undefined" ]; then
        result ok "$(basename "$1") needs no other library"
    else
        result "not ok" "$(basename "$1") needs no other library" "$undefined"
    fi
}

# Most instructions that one call of a function can execute, without the trap
# itself: the longest path to a return. -1 if there is a loop.
longest() { # object function
    objdump -d --no-show-raw-insn "$1" | awk -v want="<$2>:" '
        function target(address, i) {
            for (i = 1; i <= n && at[i] != address; i++) ;
            return i
        }
        function path(i, one, most, other) {
            if (i > n || (i in on_path)) { bad = 1; return 0 }
            if (i in cost) return cost[i]
            on_path[i]
            one = op[i] ~ /^(vmcall|vmmcall|nop.*|data16)$/ ? 0 : 1
            # the call of a slot is the trap of the page transport
            if (op[i] == "call" && arg[i] ~ /^\*%/) one = 0
            most = 0
            if (op[i] ~ /^j/ && arg[i] !~ /^\*/) most = path(target(arg[i]))
            if (op[i] !~ /^(ret|jmp)/) {
                other = path(i + 1)
                if (other > most) most = other
            }
            delete on_path[i]
            return cost[i] = one + most
        }
        $2 == want { on = 1; next }
        on && /^$/ { exit }
        on { n++; sub(":", "", $1); at[n] = $1; op[n] = $2; arg[n] = $3 }
        END { most = n ? path(1) : 0; print bad ? -1 : most }'
}

# A command and its way through a transport make at most 20 instructions on
# top of the trap, which for the page transport is the slot.
LIMIT=20
commands="yield block shutdown suspend poll remote_shutdown shutdown_code
watchdog_start watchdog_poke watchdog_stop pin unpin issue"

costs() { # width
    local dir=$build/guest/$1 page insn command own worst=0 bad=
    page=$(longest "$dir/transport_page.o" page3)
    insn=$(longest "$dir/transport_insn.o" vmmcall3)
    [ "$page" -gt 0 ] && [ "$insn" -gt 0 ] || bad="no transport to count"
    [ "$insn" -gt "$page" ] && page=$insn
    for command in $commands; do
        own=$(longest "$dir/command.o" "schedop_$command")
        if [ "$own" -le 0 ]; then
            bad+="schedop_$command: cannot count its instructions"$'\n'
        elif [ $((own + page)) -gt $LIMIT ]; then
            bad+="schedop_$command: $own + $page instructions"$'\n'
        fi
        [ $((own + page)) -gt "$worst" ] && worst=$((own + page))
    done
    if [ -z "$bad" ]; then
        result ok "$1-bit commands add at most $worst instructions of $LIMIT"
    else
        result "not ok" "$1-bit commands add at most $LIMIT instructions" \
            "$bad"
    fi
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

alone() { # name, command...
    local name=$1 out
    shift
    if ! command -v "$1" >/dev/null; then
        n=$((n + 1))
        echo "ok $n - headers alone: $name # SKIP no $1 here"
        return
    fi
    for h in schedop guest kit; do
        printf '#include <schedop/%s.h>\nint probe;\n' "$h" >"$tmp/t.c"
        if ! out=$("$@" -Wall -Wextra -Wpedantic -Werror -ffreestanding \
            -Iinclude -fsyntax-only "$tmp/t.c" 2>&1); then
            result "not ok" "headers alone: $name" "$out"
            return
        fi
    done
    result ok "headers alone: $name"
}

echo 1..16
for w in "" 32; do
    exports "$build/libschedop$w.a"
    needs_nothing "$build/libschedop$w.a"
done
costs 64
costs 32
for w in 64 32; do
    alone "gcc C11 -m$w" gcc -std=c11 -m$w -x c
    alone "clang C11 -m$w" clang -std=c11 -m$w -x c
    alone "g++ C++17 -m$w" g++ -std=c++17 -m$w -x c++
    alone "clang++ C++17 -m$w" clang++ -std=c++17 -m$w -x c++
done

# A kernel that asks for the oldest of Xen's interfaces can use the library.
cat >"$tmp/old.c" <<'END'
#define __XEN_INTERFACE_VERSION__ 0x00030000
#include <schedop/guest.h>
int issue(const evtchn_port_t *ports);
int issue(const evtchn_port_t *ports)
{
    struct schedop_command c;

    schedop_command_poll(&c, ports, 1, SCHEDOP_NO_DEADLINE);
    return schedop_issue(&c);
}
END
if out=$(gcc -std=c11 -Wall -Werror -ffreestanding -Iinclude -fsyntax-only \
    "$tmp/old.c" 2>&1); then
    result ok "works with the oldest interface version"
else
    result "not ok" "works with the oldest interface version" "$out"
fi

# Compiled by Clang, too, without a libc.
if out=$(for f in src/guest/*.c; do
    clang -std=gnu11 -O2 -ffreestanding -m64 -mgeneral-regs-only -Iinclude \
        -Wall -Wextra -Werror -c -o /dev/null "$f" || exit 1
done 2>&1); then
    result ok "Clang compiles the library"
else
    result "not ok" "Clang compiles the library" "$out"
fi
exit $status
