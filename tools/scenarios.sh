#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints scenario files as a table in C. usage: tools/scenarios.sh FILE...
set -eu
echo '/* Made by tools/scenarios.sh. */'
echo '#include "explore/fault.h"'
echo 'const struct ex_builtin ex_builtin[] = {'
for file in "$@"; do
    printf '    {"%s",\n' "$(basename "$file" .scenario)"
    sed 's/\\/\\\\/g; s/"/\\"/g; s/^/     "/; s/$/\\n"/' "$file"
    echo '    },'
done
echo '    {NULL, NULL},'
echo '};'
