#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What `make install` gives a guest author: headers, libraries, pkg-config
# files, with which one line builds a guest. usage: guest_install.sh BUILDDIR
set -u
build=$(realpath "${1:?usage: guest_install.sh BUILDDIR}")
n=0 status=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

report() { # status name output
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        echo "# ${3//$'\n'/$'\n'# }"
        status=1
    fi
}

flags() { # --cflags|--libs package
    PKG_CONFIG_PATH=$tmp/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR='' \
        pkg-config --define-prefix "$1" "$2"
}

link_guest() { # package output
    # shellcheck disable=SC2046
    gcc -O2 $(flags --cflags "$1") -Wall -Wextra -Werror \
        -o "$tmp/$2" guests/hello/main.c $(flags --libs "$1")
}

has_note() { # image type-as-hex
    objcopy -O binary --only-section=.note.Xen "$1" "$tmp/notes" || return
    # The type is the word before the owner's name, "Xen" and a NUL.
    od -An -tx4 -v -w4 "$tmp/notes" | tr -d ' ' |
        awk -v type="$2" '$1 == "006e6558" && last == type { found = 1 }
            { last = $1 } END { exit !found }'
}

static_program() {
    cat >"$tmp/t.c" <<'END'
#include <schedop/guest.h>
int main(void)
{
    return schedop_yield() == -XEN_ENOSYS ? 0 : 1;
}
END
    # shellcheck disable=SC2046
    gcc $(flags --cflags schedop) -o "$tmp/t" "$tmp/t.c" \
        $(flags --libs schedop) && "$tmp/t"
}

echo 1..7
out=$(make -s O="$build" DESTDIR="$tmp" PREFIX=/usr install-guest 2>&1)
report $? "make install" "$out"
out=$(PKG_CONFIG_PATH=$tmp/usr/lib/pkgconfig pkg-config --modversion schedop \
    2>&1 | grep -x '[0-9.]*')
report $? "pkg-config knows the version" "$out"
out=$(link_guest schedop-kit hello.elf 2>&1)
report $? "one line builds a 64-bit guest" "$out"
out=$(link_guest schedop-kit32 hello-32.elf 2>&1)
report $? "one line builds a 32-bit guest" "$out"
out=$(has_note "$tmp/hello.elf" 00000001 2>&1)
report $? "the 64-bit guest has a PV entry" "$out"
out=$(has_note "$tmp/hello.elf" 00000012 2>&1)
report $? "and a PVH entry" "$out"
out=$(static_program 2>&1)
report $? "the library links into an ordinary program" "$out"
exit $status
