#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Stands in for QEMU in the tests of the command line: opens the two serial
# ports as QEMU would and acts out the script $FAKE_QEMU, one action a line:
#
#   > TEXT        a line on the link       1 TEXT     a line on COM1
#   raw TEXT      printf to the link       err TEXT   a line on stderr
#   < PATTERN     read a link line; complain on the link when it does not
#                 match the shell pattern
#   sleep S       wait                     exit N     end with a status
#   kill N        end by signal N          hang       wait for ever
#   repeat N TEXT the link line TEXT, N times
#   big N         a link line of N bytes
#
# The arguments and the modules' sizes go to $FAKE_QEMU_LOG when it is set.
set -u
link= com1= input=
args=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    file,id=com1,path=*) com1=${1#*path=} ;;
    file,id=link,*)
        link=${1#*,path=} link=${link%%,*}
        input=${1##*input-path=}
        ;;
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
exec 11>"$link" 12>"$com1" 13<"$input"

act() {
    local verb=$1 rest=$2 line i
    case $verb in
    '>') printf '%s\n' "$rest" >&11 ;;
    1) printf '%s\n' "$rest" >&12 ;;
    # shellcheck disable=SC2059
    raw) printf "$rest" >&11 ;;
    err) printf '%s\n' "$rest" >&2 ;;
    '<')
        IFS= read -r line <&13 || line='end of file'
        # shellcheck disable=SC2053
        [[ $line == $rest ]] ||
            printf 'log error fake QEMU got %q\n' "$line" >&11
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
            printf '%s\n' "${rest#* }" >&11
        done
        ;;
    big) head -c "$rest" /dev/zero | tr '\0' x >&11 && echo >&11 ;;
    '') ;;
    *) echo "fake-qemu.sh: no action '$verb'" >&2 && exit 99 ;;
    esac
}

while IFS= read -r l <&14; do
    verb=${l%% *} rest=
    [ "$verb" = "$l" ] || rest=${l#* }
    act "$verb" "$rest"
done 14<<<"$FAKE_QEMU"
exit 1
