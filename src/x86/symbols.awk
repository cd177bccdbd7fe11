# SPDX-License-Identifier: MIT
# From `nm -n` of the first link to the assembly of cpu/symbols.c's table.
BEGIN {
    n = 0
}
$2 == "t" || $2 == "T" {
    if ($3 ~ /^\./) {
        next
    }
    address[n] = $1
    name[n++] = $3
}
END {
    print ".section .symbols, \"a\", @progbits"
    print ".balign 8"
    print "table: .long " n
    for (i = 0; i < n; i++) {
        printf ".long 0x%s, n%d - table\n", substr(address[i], 9), i
    }
    for (i = 0; i < n; i++) {
        printf "n%d: .asciz \"%s\"\n", i, name[i]
    }
    print ".section .note.GNU-stack, \"\", @progbits"
}
