# SPDX-License-Identifier: MIT
#
# Fuzzing. Each tests/fuzz/fuzz_NAME.c is a target; it is linked with what it
# drives in two ways:
#
#   $(O)/fuzz/replay/NAME  with $(HOSTCC) and replay.c: files and random
#                          strings; `make check` runs tests/fuzz/replay.sh
#   $(O)/fuzz/libfuzzer/NAME  with clang and libFuzzer: `make fuzz` builds
#                          them, tests/fuzz/campaign.sh runs them
#
# Both under the address and undefined-behaviour sanitizers. libFuzzer needs
# Debian's libclang-rt-14-dev; nothing else does.

FUZZ_TARGETS := core linkline elf console xenstore emulate walk spec vlapic

FUZZ_core     := tests/fuzz/core_world.c $(sort $(wildcard src/core/*.c \
    src/policy/*.c)) src/lib/fmt.c src/lib/heap.c src/lib/tree.c
FUZZ_linkline := src/lib/linkline.c src/lib/fmt.c
FUZZ_elf      := src/lib/elf.c
FUZZ_console  := src/backend/console.c
FUZZ_xenstore := $(sort $(wildcard src/backend/*.c)) src/lib/fmt.c
FUZZ_emulate  := $(sort $(wildcard src/x86/virt/emulate*.c)) \
    src/x86/virt/insn.c
FUZZ_walk     := src/x86/virt/walk.c
FUZZ_spec     := src/x86/virt/spec.c src/x86/boot/cmdline.c src/lib/fmt.c
FUZZ_vlapic   := src/x86/virt/vlapic.c

FUZZ_FLAGS := -std=gnu11 -O1 -g -Wno-pedantic $(XEN_ABI) -Iinclude -Isrc \
    -fno-sanitize-recover=all -fno-omit-frame-pointer -MMD -MP
FUZZ_GCC   := $(FUZZ_FLAGS) $(WARN) -fsanitize=address,undefined
FUZZ_CLANG := $(FUZZ_FLAGS) -O2 $(WARN) \
    -fsanitize=fuzzer-no-link,address,undefined

# Telling libFuzzer of every comparison costs half the speed. Only readers of
# text and of files profit; and what only checks need not be covered at all.
FUZZ_NO_CMP := -fno-sanitize-coverage=trace-cmp
FUZZ_NO_COV := $(FUZZ_NO_CMP) \
    -fno-sanitize-coverage=inline-8bit-counters,pc-table,indirect-calls
FUZZ_CMP    := src/lib/elf.c src/lib/linkline.c src/x86/virt/spec.c \
    src/x86/boot/cmdline.c
FUZZ_SPEED   = $(if $(filter $(FUZZ_CMP),$<),,\
    $(if $(filter %/check.c %/xs_check.c %/core_world.c,$<),\
    $(FUZZ_NO_COV),$(FUZZ_NO_CMP)))

$(O)/fuzz/gcc/%.o: %.c Makefile mk/fuzz.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_GCC) -c $< -o $@

$(O)/fuzz/clang/%.o: %.c Makefile mk/fuzz.mk
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CLANG) $(FUZZ_SPEED) -c $< -o $@

# $(1): a target
define FUZZ_TARGET
$$(O)/fuzz/replay/$(1): $$(O)/fuzz/gcc/tests/fuzz/replay.o \
    $$(O)/fuzz/gcc/tests/fuzz/fuzz_$(1).o \
    $$(FUZZ_$(1):%.c=$$(O)/fuzz/gcc/%.o)
	@mkdir -p $$(@D)
	$$(Q)$$(HOSTCC) $$(FUZZ_GCC) $$^ -o $$@

$$(O)/fuzz/libfuzzer/$(1): $$(O)/fuzz/clang/tests/fuzz/fuzz_$(1).o \
    $$(FUZZ_$(1):%.c=$$(O)/fuzz/clang/%.o)
	@mkdir -p $$(@D)
	$$(Q)$$(CLANG) $$(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $$^ -o $$@
endef

$(foreach t,$(FUZZ_TARGETS),$(eval $(call FUZZ_TARGET,$(t))))

.PHONY: fuzz
fuzz: $(FUZZ_TARGETS:%=$(O)/fuzz/libfuzzer/%)

CHECK_DEPS += $(FUZZ_TARGETS:%=$(O)/fuzz/replay/%)
CHECKS     += tests/fuzz/replay.sh tests/hostile/fuzz.sh

-include $(shell find $(O)/fuzz -name '*.d' 2>/dev/null)
