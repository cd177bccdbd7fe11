#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints docs/exam.md from the scenarios and patches of tests/exam.
set -eu

field() { # FILE FIELD
    sed -n "s/^# $2: *//p" "$1" | head -n 1
}

# What a patch says before its first "---" line, as one line.
reason() {
    sed -n '/^--- /q; p' "$1" | tr '\n' ' ' | sed 's/ *$//'
}

cat <<'END'
# The exam: defects of history

Made by tools/exam_doc.sh from tests/exam; `make exam` runs it and prints a
table.

Each defect below is of a kind that a scheduler has shipped once. For each
there is a scenario (`tests/exam/NAME.scenario`), an invariant that catches it
(docs/explore.md), and a small patch that puts it into a copy of our code
(`tests/exam/NAME.patch`). The scenario must pass with our code, and with the
copy that invariant must break. What the core checks by itself is left out, so
that the model outside of it has to see the defect; only assertions in the
code that runs remain.

| name | defect | invariant |
| --- | --- | --- |
END
for file in tests/exam/*.scenario; do
    name=$(basename "$file" .scenario)
    echo "| [$name](#$name) | $(field "$file" defect) |" \
        "$(field "$file" invariant) |"
done
for file in tests/exam/*.scenario; do
    name=$(basename "$file" .scenario)
    patch=tests/exam/$name.patch
    printf '\n## %s\n\n' "$name"
    {
        printf '%s. ' "$(field "$file" defect | sed 's/^\(.\)/\U\1/')"
        reason "$patch"
        printf ' The scenario: %s\n' "$(sed -n 's/^about //p' "$file")"
    } | fmt -w 78
    echo
    echo "Broken: $(sed -n 's|^+++ b/||p' "$patch"), invariant" \
        "**$(field "$file" invariant)**."
done
