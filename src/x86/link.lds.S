/* SPDX-License-Identifier: MIT */
/*
 * The image lies where it runs: 2 MiB and up, virtual = physical. Text comes
 * first so that its addresses do not depend on the symbol table, which is
 * made from them and linked in behind it. Everything with its own protection
 * starts on its own page.
 */
OUTPUT_FORMAT(elf64-x86-64)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = 0x200000;
    image_start = .;
    .text : {
        KEEP(*(.multiboot))
        *(.text .text.*)
    } :text
    . = ALIGN(0x1000);
    image_text_end = .;

    .rodata : {
        *(.rodata .rodata.*)
        . = ALIGN(8);
        image_symbols = .;
        KEEP(*(.symbols))
    } :rodata
    .eh_frame : {
        *(.eh_frame)
    } :rodata
    . = ALIGN(0x1000);
    image_rodata_end = .;

    .data : {
        *(.data .data.*)
    } :data
    .bss : {
        . = ALIGN(0x1000);
        *(.bss.page)
        . = ALIGN(0x1000);
        image_boot_start = .;
        *(.bss.boot)
        . = ALIGN(0x1000);
        image_boot_end = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(0x1000);
        image_guard = .;
        . += 0x1000;
        *(.stack)
    } :data
    . = ALIGN(0x1000);
    image_end = .;

    /DISCARD/ : {
        *(.comment .note .note.*)
    }
}

ASSERT(image_end < 0x1000000, "the image must stay small")
