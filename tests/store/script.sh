#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What people do with xenstore-utils, and a domain's nodes. Nothing in it
# knows on what it runs, but that KERNEL is guests/keeper; script.xen is what
# it printed on Xen (tests/store/README.md). usage: script.sh KERNEL DIRECTORY
kernel=$1
dir=$2
t() { # a command, its output and status
    printf '$ %s\n' "$*"
    "$@" >"$dir/printed" 2>&1
    status=$?
    cat "$dir/printed"
    echo "status $status"
}

# ---- a domain's nodes ----

cat >"$dir/g.cfg" <<C
name = "g"
type = "pvh"
vcpus = 1
maxvcpus = 2
memory = 48
maxmem = 64
kernel = "$kernel"
C
xl create -q "$dir/g.cfg"
id=$(xl domid g)
uuid=$(xenstore-read "/local/domain/$id/vm")
nodes() { # of the domain, wherever they are, in some order
    xenstore-ls -fp | grep -E "^/vm/|[,(]r${id}[,)]|\(n${id}[,)]" |
        sed -e "s|$uuid|/vm/UUID|g" -e "s|${uuid#/vm/}|UUID|g" \
            -e "s|/domain/$id|/domain/ID|g" -e "s|/console/$id/|/console/ID/|g" \
            -e "s|\([nr(,]\)$id\([,)]\)|\1ID\2|g" \
            -e "s|\(domid = \)\"$id\"|\1\"ID\"|" \
            -e "s|\(frontend-id = \)\"$id\"|\1\"ID\"|" \
            -e 's|\(start_time = \)"[0-9.]*"|\1"SOME"|' \
            -e 's|\(ring-ref = \)"[0-9]*"|\1"SOME"|' \
            -e 's|\(tty = \)".*"|\1"SOME"|' | sort
}
echo "== nodes"
nodes
xl mem-set g 40
xl rename g h
nodes | grep -E '/memory|/name'
echo "== of the domain alone"
xenstore-list "/local/domain/$id" | sort
xl destroy h
xenstore-exists "/local/domain/$id"
echo "status $?"

# ---- the tools ----

echo "== tools"
t xenstore-write /t/a/b one /t/a/c two
t xenstore-ls /t
t xenstore-ls -f /t
t xenstore-ls -p /t
t xenstore ls -fp /t
t xenstore-read /t/a/b
t xenstore read -p /t/a/b /t/a/c
t xenstore-read /t/x
t xenstore-read /t/a/b /t/x /t/a/c
t xenstore-read -R /t/a/b
t xenstore-write -R /t/a/d 'x\x01\n\\y\t\r\101'
t xenstore-read /t/a/d
t xenstore-read -R /t/a/d
t xenstore-write /t/a/e 'x\x01\n\\y\t\r\101\x7f\xffz\1a\"q" \377\0e'
t xenstore-read /t/a/e
t xenstore-write /t/a/f 'a\x08\x7\x1b1\x1f\x80\8\q'
t xenstore-read /t/a/f
t xenstore-rm /t/a/f
t xenstore-ls /t
t xenstore-list /t
t xenstore-list -p /t/a
t xenstore-list /t/x
t xenstore-list /t /t/a
t xenstore-exists /t/a
t xenstore-exists /t/x
t xenstore-exists /t/a /t/x
t xenstore-chmod /t/a n0 r0
t xenstore-chmod -r /t b0
t xenstore-ls -fp /t
t xenstore-chmod -u /t/a/b n0 w0
t xenstore-ls -fp /t
t xenstore-chmod /t/a x1
t xenstore-chmod /t/x n0
t xenstore-chmod /t/a n77
t xenstore-rm /t/x
t xenstore-rm -t /t/a/b
t xenstore-rm /t/a/c /t/x /t/a/d /t/a/e
t xenstore-ls -f /t
t xenstore-write -s /t/p/q/r 1
t xenstore-rm -t /t/p/q/r
t xenstore-ls -f /t
t xenstore-write /t/long "$(seq -s ' ' 200)"
t xenstore-read /t/long
t xenstore-ls /t
t xenstore-ls /t/x
t xenstore-write relative/b q
t xenstore-read relative/b
t xenstore-rm relative
t xenstore-write /t/empty ''
t xenstore-read /t/empty
t xenstore-read -R /t/empty
t xenstore-ls -p /t/empty
t xenstore-rm /t
t xenstore-ls /t
t xenstore-rm /
t xenstore-read '/bad path'
t xenstore-write '/bad path' x
t xenstore-write '/bad//path' x
t xenstore-write /slash/ x
t xenstore-write "/$(seq -s '' 1000)$(seq -s '' 100)" x
t xenstore foo
t xenstore-write /a >/dev/null
for tool in read write rm list exists chmod watch; do
    xenstore-$tool >/dev/null 2>&1
    echo "$tool without words: status $?"
done

# ---- watches ----

echo "== watches"
: >"$dir/watched" # of an earlier run; the loop below may be first to look
xenstore-watch -n 4 /w >"$dir/watched" &
i=0
while [ ! -s "$dir/watched" ] && [ $i -lt 300 ]; do
    sleep 0.2
    i=$((i + 1))
done
xenstore-write /w/a 1
xenstore-write /v/b 2
xenstore-write /w/b 2
xenstore-rm /w
wait
cat "$dir/watched"
xenstore-rm /v
