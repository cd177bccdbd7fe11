/* SPDX-License-Identifier: MIT */
/*
 * The guests of host.sh: 32-bit PVH kernels of a few instructions. One of
 * them is assembled at a time, by -D and its name.
 */
    .section .note.Xen, "a", @note
    .long 4, 4, 18
    .asciz "Xen"
    .long _start

    .code32
    .text
    .globl _start
_start:
    mov $stack, %esp

#if defined(spins)
1:  jmp 1b

#elif defined(yields)
1:  call yield
    jmp 1b

#elif defined(off)
    xor %edx, %edx
    call shutdown

#elif defined(reboots)
    mov $1, %edx
    call shutdown

#elif defined(resets)
    mov $5, %edx
    call shutdown

#elif defined(odd)
    mov $77, %edx
    call shutdown

#elif defined(talks) /* 400 lines, more than the ring holds */
    call console
    mov $400, %ebp
1:  mov $text, %esi
    mov $13, %edx
    call print
    dec %ebp
    jnz 1b
    xor %edx, %edx
    call shutdown

#elif defined(quiet) /* leaves its last words in the ring, without a signal */
    call console
    movl $0x64726f77, 1024(%edi)
    movl $4, 3084(%edi)
    xor %edx, %edx
    call shutdown

#elif defined(broken) /* a ring that cannot be, then a sane one */
    call console
    movl $0x12345, 3084(%edi)
    call kick
    call kick
    movl $0, 3084(%edi)
    mov $text, %esi
    mov $13, %edx
    call print
    xor %edx, %edx
    call shutdown

#elif defined(echoes) /* prints what it reads, until a full stop */
    call console
1:  mov 3072(%edi), %ebx
    cmp 3076(%edi), %ebx
    je 2f
    and $1023, %ebx
    lea (%edi,%ebx), %esi
    mov (%esi), %al
    push %eax
    mov $1, %edx
    call print
    incl 3072(%edi)
    pop %eax
    cmp $'.', %al
    jne 1b
    xor %edx, %edx
    call shutdown
2:  call yield
    jmp 1b
#elif defined(reads) /* the same by console_io, for a hardware domain */
1:  mov $18, %eax
    mov $1, %ebx
    mov $1, %ecx
    mov $reason, %edx
    vmmcall
    test %eax, %eax
    jz 2f
    mov $18, %eax
    xor %ebx, %ebx
    mov $1, %ecx
    mov $reason, %edx
    vmmcall
    cmpb $'.', reason
    jne 1b
    xor %edx, %edx
    call shutdown
2:  call yield
    jmp 1b
#else
#error "which guest?"
#endif

3:  hlt
    jmp 3b

/* The console ring in %edi, its event channel in `port`. */
console:
    mov $17, %eax
    call param
    shl $12, %eax
    mov %eax, %edi
    mov $18, %eax
    call param
    mov %eax, port
    ret

/* Prints %edx bytes at %esi into the ring at %edi. */
print:
    mov 3084(%edi), %eax /* out_prod - out_cons */
    sub 3080(%edi), %eax
    cmp $2048, %eax
    jae 1f
    mov 3084(%edi), %ecx
    and $2047, %ecx
    mov (%esi), %al
    mov %al, 1024(%edi,%ecx)
    incl 3084(%edi)
    inc %esi
    dec %edx
    jnz print
    jmp kick
1:  call kick
    call yield
    jmp print

/* event_channel_op send; keeps %edx. */
kick:
    push %edx
    mov $32, %eax
    mov $4, %ebx
    mov $port, %ecx
    vmmcall
    pop %edx
    ret

/* hvm_op get_param %eax */
param:
    mov %eax, hvm_param + 4
    mov $34, %eax
    mov $1, %ebx
    mov $hvm_param, %ecx
    vmmcall
    mov hvm_param + 8, %eax
    ret

yield:
    mov $29, %eax
    xor %ebx, %ebx
    vmmcall
    ret

/* sched_op shutdown with reason %edx */
shutdown:
    mov %edx, reason
    mov $29, %eax
    mov $2, %ebx
    mov $reason, %ecx
    vmmcall
    ret

    .data
reason: .long 0
port: .long 0
    .balign 8
hvm_param:
    .short 0x7ff0, 0
    .long 0, 0, 0
text: .asciz "line of text\n"

    .bss
    .skip 4096
stack:

    .section .note.GNU-stack, "", @progbits
