# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Sourced by run.sh and campaign.sh: runs batches of programs on two hosts,
# compares what they printed, and cuts a program that differs down to the
# statements that matter.
#
# Needs: $build, $here (this directory) and $dir (for logs, made here).
# DIFF_REFERENCE is the host to compare with, `xen` or `schedop`. DIFF_ALTER
# names an operation whose results the subject, schedop, then tells wrongly:
# the harness has to notice.
reference=${DIFF_REFERENCE:-xen}
tool=$build/tests/differential-tool
guest=$(cd "$build" && pwd)/tests/differential.elf
xen=$build/xen/xen.elf
limit=${DIFF_TIMEOUT:-600}
mkdir -p "$dir"

# shellcheck source=tests/conformance/hosts.sh
. "$here/../conformance/hosts.sh"

# Leaves the lines of programs, and last the end of the machine, in LOG.txt.
run_on() { # HOST BATCH LOG WORD...
    local host=$1 batch=$2 log=$3
    shift 3
    if [ "$host" = xen ]; then
        boot_xen "$log" q35 "dom0=pvh dom0_max_vcpus=4 bootscrub=0" \
            "$guest $*,$batch"
    else
        boot_schedop "$log" --hardware --vcpus 4 --memory 64 \
            --ramdisk "$batch" "$guest" ${1:+-- "$@"}
    fi
    tr -d '\r' <"$log" | grep -aE '^[=?!|+] ' >"$log.txt"
    echo ". $(last_words "$log")" >>"$log.txt"
}

# Both at once: each machine is one busy thread.
run_both() { # BATCH NAME WORD...
    local batch=$1 name=$dir/$2
    shift 2
    run_on "$reference" "$batch" "$name.reference" "$@" &
    run_on schedop "$batch" "$name.subject" "$@" \
        ${DIFF_ALTER:+"alter=$DIFF_ALTER"} &
    wait
}

ids_of() { # BATCH
    "$tool" text <"$1" | sed -n 's/^program //p'
}

# Of each program: "ID same", "ID differ" or "ID late", the last when a host
# was too slow to say. After one that took the machine with it: "ID todo".
judge() { # NAME, ids on stdin
    awk '
        FILENAME == "-" { order[++n] = $1; next }
        $1 == "=" { said[FILENAME, $2] = $3 }
        $1 == "?" { said[FILENAME, $2] = "late" }
        $1 == "!" { said[FILENAME, $2] = "stuck" }
        $1 == "|" { text[FILENAME, $2] = text[FILENAME, $2] "\n" $0 }
        $1 == "." { last[FILENAME] = $0 }
        END {
            a = ARGV[2]; b = ARGV[3]
            for (i = 1; i <= n; i++) {
                id = order[i]
                va = said[a, id]; vb = said[b, id]
                if (va == "" && vb == "" && i == n && length(last[a]) > 2) {
                    va = text[a, id]; vb = text[b, id]
                }
                if (lost)
                    verdict = "todo"
                else if (va == "late" || vb == "late")
                    verdict = "late"
                else
                    verdict = va == vb && va != "" && va != "stuck" ? \
                        "same" : "differ"
                if (i == n && verdict == "same" && last[a] != last[b])
                    verdict = "differ"
                print id, verdict
                lost = lost || va == "" || vb == "" || va == "stuck" || \
                    vb == "stuck"
            }
        }' - "$dir/$1.reference.txt" "$dir/$1.subject.txt"
}

# Runs a batch on both; the verdicts of all its programs go to NAME.verdicts.
compare() { # BATCH NAME
    local batch=$1 todo round=0
    : >"$dir/$2.verdicts"
    while :; do
        run_both "$batch" "$2"
        ids_of "$batch" | judge "$2" >"$dir/$2.judged"
        grep -v todo "$dir/$2.judged" >>"$dir/$2.verdicts"
        todo=$(sed -n 's/ todo//p' "$dir/$2.judged")
        round=$((round + 1))
        if [ -z "$todo" ] || [ $round -eq 50 ]; then
            break
        fi
        # shellcheck disable=SC2086
        "$tool" pick $todo <"$batch" >"$dir/$2.rest.$round"
        batch=$dir/$2.rest.$round
    done
    grep todo "$dir/$2.judged" >>"$dir/$2.verdicts"
    rm -f "$dir/$2".rest.*
}

verdicts() { # NAME WORD: the programs with that verdict
    sed -n "s/ $2\$//p" "$dir/$1.verdicts"
}

# ---- cutting ----

# The id of the first program of a batch that differs, if any does. Those that
# end the machine need one of their own each.
first_that_differs() { # BATCH
    local id
    if "$tool" text <"$1" | grep -q ' finale$'; then
        for id in $(ids_of "$1"); do
            "$tool" pick "$id" <"$1" >"$dir/one"
            compare "$dir/one" cut
            [ -z "$(verdicts cut differ)" ] || break
        done
    else
        compare "$1" cut
    fi
    verdicts cut differ | head -n 1
}

# Cuts the one program of a batch, in place. Fails if it does not differ when
# it is alone.
shrink() { # BATCH
    local size found
    [ -n "$(first_that_differs "$1")" ] || return 1
    size=$(($("$tool" text <"$1" | wc -l) / 2))
    while [ $size -ge 1 ]; do
        "$tool" cut $size <"$1" >"$dir/cuts"
        found=$(first_that_differs "$dir/cuts")
        if [ -n "$found" ]; then
            "$tool" pick "$found" <"$dir/cuts" >"$1"
            [ "$("$tool" text <"$1" | wc -l)" -gt 2 ] || break
        else
            size=$((size / 2))
        fi
    done
}

# Lines of both transcripts of one program, the differing ones marked.
show_both() { # BATCH [ID]
    run_both "$1" shown "show${2:+=$2}"
    diff --label "$reference" --label schedop -U 100 \
        <(grep -E '^[|!?.]' "$dir/shown.reference.txt" | cut -d' ' -f3-) \
        <(grep -E '^[|!?.]' "$dir/shown.subject.txt" | cut -d' ' -f3-)
}

# Cuts a program and keeps it in $regressions; prints what it is about.
keep() { # BATCH ID TITLE
    local file=$regressions/$3.txt
    "$tool" pick "$2" <"$1" >"$dir/kept"
    if ! shrink "$dir/kept"; then
        echo "program $2 differs only together with others:"
        show_both "$1" "$2"
        return
    fi
    mkdir -p "$regressions"
    {
        echo "# Found as $3. Differed:"
        show_both "$dir/kept" | sed 's/^/#  /'
        "$tool" text <"$dir/kept" | sed 's/^program .*/program 1/'
    } >"$file"
    echo "program $2 differs; cut and kept in $file:"
    cat "$file"
}

# ---- coverage ----

# Adds the lines "+ OPERATION RESULT COUNT" of the reference's last run.
add_coverage() { # NAME FILE
    grep -h '^+ ' "$dir/$1.reference.txt" >>"$2"
}

coverage() { # FILE: one line an operation
    awk '{ n[$2 " " $3] += $4; if (!seen[$2]++) order[++k] = $2
           if (!met[$2, $3]++) list[$2] = list[$2] " " $3 }
        END { for (i = 1; i <= k; i++) {
            split(list[order[i]], result, " "); line = order[i] ":"
            for (j = 1; j in result; j++)
                line = line " " result[j] " " n[order[i] " " result[j]]
            print line } }' "$1"
}

# What never happened of what has to.
not_covered() { # FILE
    grep -v '^#' "$here/required" | while read -r operation results; do
        for result in $results; do
            grep -q "^+ $operation $result " "$1" || echo "$operation $result"
        done
    done
}
