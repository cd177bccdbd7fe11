#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The xenstore of a host from outside: a domain's nodes and the tools are as on
# Xen, Debian's own tools work as well, and clients that misbehave or go leave
# nothing behind. usage: tests/store/xenstore.sh BUILDDIR
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# shellcheck source=tests/cli/hosts.sh
. tests/cli/hosts.sh
mkdir "$tmp/bin" "$tmp/dir"
for tool in xl xenstore xenstore-{ls,read,write,rm,list,exists,chmod,watch}; do
    ln -s "$schedop" "$tmp/bin/$tool"
done
socket=$tmp/run/schedop/default/xenstore
original=$(command -v xenstore-ls)
PATH=$tmp/bin:$PATH

do_ host start --memory 256
exits 0 "host start"
script() { # NAME
    timeout 200 sh tests/store/script.sh "$build/guests/keeper.elf" \
        "$tmp/dir" 2>/dev/null </dev/null | sed 's/ *$//' >"$tmp/shown"
    diff -au tests/store/script.xen "$tmp/shown" >"$tmp/diff"
    result $? "$1: all is as on Xen" "$(cat "$tmp/diff")"
}
script "our tools"
if [ -n "$original" ]; then
    export XENSTORED_PATH=$socket
    rm "$tmp"/bin/xenstore*
    # The second id is not the first; nothing else may differ.
    script "Debian's tools"
    for tool in xenstore-{ls,read,write,watch}; do
        ln -s "$schedop" "$tmp/bin/$tool"
    done
    hash -r
else
    result 0 "Debian's tools # SKIP no xenstore-utils"
fi

# ---- clients that are not kind ----

cat >"$tmp/rude.py" <<'P'
import socket, struct, sys

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sys.argv[1])
    return s

def send(s, kind, body, tx=0, length=None):
    n = len(body) if length is None else length
    s.sendall(struct.pack('<4I', kind, 7, tx, n) + body)

def receive(s):
    head = b''
    while len(head) < 16:
        part = s.recv(16 - len(head))
        if not part:
            return None
        head += part
    kind, req, tx, n = struct.unpack('<4I', head)
    body = b''
    while len(body) < n:
        body += s.recv(n - len(body))
    return kind, body

def ask(s, kind, body, tx=0):
    send(s, kind, body, tx)
    answer = receive(s)
    while answer and answer[0] == 15:
        answer = receive(s)
    return answer

number = 0
def check(good, what):
    print('good' if good else 'BAD', what)

s = connect()
send(s, 2, b'', length=5000)
check(receive(s) is None, 'a message that is too long ends the connection')
s = connect()
check(ask(s, 99, b'')[0] == 16, 'an unknown request')
check(ask(s, 2, b'/local')[0] == 16, 'a path without its end')
check(ask(s, 2, b'/local\0', tx=12345)[1] == b'ENOENT\0', 'no transaction')
mine = int(ask(s, 6, b'\0')[1][:-1])
other = connect()
check(ask(other, 2, b'/local\0', tx=mine)[1] == b'ENOENT\0',
      "another's transaction")
check(ask(s, 11, b'/rude\0x\0', tx=mine)[0] == 11, 'its own')
check(ask(s, 4, b'/kind\0' + b't' * 4000 + b'\0')[0] == 4, 'a long token')
check(ask(s, 4, b'/kind\0' + b't' * 4088 + b'\0')[0] == 16, 'one too long')
check(ask(s, 4, b'/kind')[0] == 16, 'a watch without a token')
many = [connect() for i in range(20)]
for i, m in enumerate(many):
    # 20 * 100 watches would be more than one client may have
    for n in range(100 if i < 5 else 1):
        check(ask(m, 4, b'/kind/%d\0t\0' % n)[0] == 4, 'watch')
    send(m, 11, b'/kind/%d\0half' % i, length=500)  # never finished
many[0].close()
check(ask(s, 11, b'/kind/1\0x\0')[0] == 11, 'a write')
for m in many[1:5]:
    got = receive(m)
    while got and got[1] != b'/kind/1\0t\0':
        got = receive(m)
    check(got is not None, 'who watches hears of it')
# All of them go now, with watches and a transaction open.
P
for round in 1 2 3; do
    timeout 100 python3 "$tmp/rude.py" "$socket" >"$out" 2>"$err"
    status=$?
    exits 0 "rude clients, round $round"
    grep -c good "$out" | grep -q '^5[0-9][0-9]$' && ! grep -q BAD "$out"
    result $? "each got what it deserved" "$(grep -v '^good' "$out" | head)"
done
timeout 60 xenstore-read /kind/1 >"$out" 2>"$err"
status=$?
exits 0 "it answers others"
! timeout 60 xenstore-ls -f | grep -q rude
result $? "what was not committed is not there"

# ---- the end ----

timeout 60 xenstore-watch /kind >"$tmp/watched" 2>&1 &
watcher=$!
wait_for grep -qs kind "$tmp/watched"
do_ host stop
exits 0 "host stop"
wait $watcher
[ $? -eq 1 ]
result $? "who watches ends with the host"
[ ! -e "$socket" ]
result $? "the socket is gone"
timeout 60 xenstore-ls >"$out" 2>"$err"
status=$?
exits 1 "without a host"
grep -q "no host" "$err"
result $? "it says so" "$(cat "$err")"
plan
