#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Stands in for QEMU in the tests of the command line: speaks the link on
# standard input and output as QEMU would and acts out the script $FAKE_QEMU, one action a line:
#
#   > TEXT        a line on the link       1 TEXT     a line on COM1
#   raw TEXT      printf to the link       err TEXT   a line on stderr
#   < PATTERN     read a link line; complain on the link when it does not
#                 match the shell pattern
#   sleep S       wait                     exit N     end with a status
#   kill N        end by signal N          hang       wait for ever
#   repeat N TEXT the link line TEXT, N times
#   big N         a link line of N bytes
#   drain TEXT    read link lines up to TEXT; all before it must be con lines
#
# The arguments and the modules' sizes go to $FAKE_QEMU_LOG when it is set.
set -u
com1=/dev/null modules=
args=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    file,id=com1,path=*) com1=${1#*path=} ;;
    -initrd) modules=$2 ;;
    esac
    shift
done
if [ -n "${FAKE_QEMU_LOG:-}" ]; then
    printf '%s\n' "${args[@]}" >"$FAKE_QEMU_LOG"
    for f in $(printf '%s' "$modules" | grep -o '/dev/fd/[0-9]*'); do
        echo "module $(wc -c <"$f") bytes" >>"$FAKE_QEMU_LOG"
    done
fi

act() {
    local verb=$1 rest=$2 line i
    case $verb in
    '>') printf '%s\n' "$rest" ;;
    1) printf '%s\n' "$rest" >"$com1" ;;
    raw) printf '%b' "$rest" ;;
    err) printf '%s\n' "$rest" >&2 ;;
    '<')
        IFS= read -r line || line='end of file'
        # shellcheck disable=SC2053
        if ! [[ $line == $rest ]]; then
            printf 'log error fake QEMU got %q\n' "$line"
        fi
        ;;
    sleep) sleep "$rest" ;;
    exit) exit "$rest" ;;
    kill) kill -"$rest" $$ ;;
    hang)
        while :; do
            sleep 1
        done
        ;;
    repeat)
        for ((i = 0; i < ${rest%% *}; i++)); do
            printf '%s\n' "${rest#* }"
        done
        ;;
    big) head -c "$rest" /dev/zero | tr '\0' x && echo ;;
    drain)
        while IFS= read -r line && [ "$line" != "$rest" ]; do
            [[ $line == con\ * ]] ||
                printf 'log error fake QEMU got %q\n' "$line"
        done
        ;;
    '') ;;
    *) echo "fake-qemu.sh: no action '$verb'" >&2 && exit 99 ;;
    esac
}

# No redirection here: standard input and output are the link.
mapfile -t script < <(printf '%s\n' "$FAKE_QEMU")
for l in "${script[@]}"; do
    verb=${l%% *} rest=
    [ "$verb" = "$l" ] || rest=${l#* }
    act "$verb" "$rest"
done
exit 1
