# SPDX-License-Identifier: MIT
# The hypervisor: src/x86 with the core's object and what it uses of src/lib.
#
# The image is linked as ELF64 (schedop-hypervisor.debug, for gdb), then
# wrapped as ELF32: QEMU's multiboot loader takes nothing else. It is linked
# twice, since the symbol table in it is made from the first result.

X86_O    := $(O)/x86
X86_ELF  := $(O)/schedop-hypervisor.elf
X86_SRC  := $(sort $(wildcard src/x86/*.c src/x86/*/*.c src/x86/*/*.S))
X86_OBJ  := $(patsubst src/x86/%,$(X86_O)/%.o,$(X86_SRC))
X86_LIB_SRC := $(sort $(wildcard src/lib/*.c))
X86_LIB_OBJ := $(patsubst src/lib/%,$(X86_O)/lib/%.o,$(X86_LIB_SRC))
X86_CORE := $(O)/core/core-x86.o

# Speed matters on the way of a command, from virt/ to the core. The rest is
# better small.
X86_OPT := -O2
X86_COLD := $(patsubst %,$(X86_O)/%.c.o,boot/% virt/acpi virt/builder \
    virt/context virt/domain virt/save virt/save_vcpu virt/crash virt/cpuid virt/domctl virt/emulate% virt/grant \
    virt/memmap virt/memory_op virt/msr virt/spec virt/start_info console host% link main \
    cpu/panic)

X86_FLAGS = $(FREESTANDING) $(X86_CFLAGS) $(WHOLE) $(XEN_ABI) $(WARN) $(X86_OPT) -g \
    -fno-optimize-sibling-calls \
    -Wframe-larger-than=1536 -Iinclude -Isrc \
    -DSCHEDOP_VERSION='"$(VERSION)"' -MMD -MP
X86_LDFLAGS := -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack \
    -Wl,-z,max-page-size=4096 -Wl,--gc-sections

X86_PARTS := $(X86_O)/x86-all.o $(filter %.S.o,$(X86_OBJ)) $(X86_CORE) \
    $(X86_O)/lib.a

ALL    += $(X86_ELF)
CHECKS += tests/boot/boot.sh tests/boot/panic.sh tests/boot/grub.sh

$(filter $(X86_COLD),$(X86_OBJ)): X86_OPT := -Os

$(X86_O)/%.c.o: src/x86/%.c Makefile mk/x86.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(X86_FLAGS) -c $< -o $@

$(X86_O)/%.S.o: src/x86/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) -m64 -g -MMD -MP -c $< -o $@

$(X86_LIB_OBJ): WHOLE :=
$(X86_O)/lib/%.c.o: src/lib/%.c Makefile mk/x86.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(X86_FLAGS) -c $< -o $@

# src/x86/cpu/string.S has its own of these four.
$(X86_O)/lib.a: $(X86_LIB_OBJ)
	$(Q)rm -f $@
	$(Q)$(AR) rcD $@ $^
	$(Q)objcopy -W memcpy -W memmove -W memset -W memcmp $@

$(X86_O)/link.lds: src/x86/link.lds.S
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp $< -o $@

$(X86_O)/x86-all.o: $(filter %.c.o,$(X86_OBJ)) $(BACKEND_X86_OBJ)
	$(Q)$(call LINK_WHOLE,$^)

X86_LINK = $(CC) $(X86_LDFLAGS) -Wl,-T,$(X86_O)/link.lds -o $@ \
    $(X86_PARTS) $(filter %/symbols.o %/no-symbols.o,$^)

$(X86_O)/no-symbols.o: src/x86/symbols.awk
	@mkdir -p $(@D)
	$(Q)awk -f $< </dev/null | $(CC) -m64 -x assembler -c - -o $@

$(X86_O)/pass1.elf: $(X86_PARTS) $(X86_O)/link.lds $(X86_O)/no-symbols.o
	$(Q)$(X86_LINK)

$(X86_O)/symbols.o: src/x86/symbols.awk $(X86_O)/pass1.elf
	$(Q)nm -n $(X86_O)/pass1.elf | awk -f $< | \
	    $(CC) -m64 -x assembler -c - -o $@

$(O)/schedop-hypervisor.debug: $(X86_O)/pass1.elf $(X86_O)/symbols.o
	$(Q)$(X86_LINK)

$(X86_ELF): $(O)/schedop-hypervisor.debug
	$(Q)objcopy -S -O elf32-i386 $< $@

-include $(X86_OBJ:.o=.d) $(X86_LIB_OBJ:.o=.d)
