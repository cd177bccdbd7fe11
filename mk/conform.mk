# SPDX-License-Identifier: MIT
#
# The conformance suite beside its guest image (mk/tests.mk): the same guest
# on the core alone, in a process, and `make conform`.
#
# The process holds three domains, so three copies of the guest with names of
# their own, and one machine below them.

CONFORM_FACTS := $(filter-out tests/conformance/arch.c tests/conformance/build.c,\
    $(wildcard tests/conformance/*.c))
CONFORM_CORE := $(wildcard tests/conformance/core/*.c)
CONFORM_FACT_OBJ := $(CONFORM_FACTS:tests/%.c=$(O)/core-guest/%.o)
CONFORM_CORE_OBJ := $(CONFORM_CORE:tests/%.c=$(O)/core-guest/%.o)
CONFORM_LIB := $(patsubst src/guest/%.c,$(O)/guest/host/%.o,\
    $(wildcard src/guest/*.c))
CONFORM_COPIES := $(O)/core-guest/first.o $(O)/core-guest/second.o \
    $(O)/core-guest/third.o

$(O)/core-guest/%.o: tests/%.c Makefile mk/conform.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_HOST) $(WARN) -Wno-maybe-uninitialized -Iinclude \
	    $(if $(findstring /core/start,$<),,-Dmain=guest_main) -c $< -o $@

$(O)/core-guest/first.o: $(CONFORM_FACT_OBJ)
	$(Q)$(LD) -m elf_x86_64 -r -o $@ $^

$(O)/core-guest/second.o $(O)/core-guest/third.o: $(O)/core-guest/first.o
	$(Q)nm --defined-only --extern-only -j $< | sed 's/.*/& $(basename $(@F))_&/' >$@.names
	$(Q)objcopy --redefine-syms=$@.names $< $@

$(O)/conform-core: $(CONFORM_COPIES) $(CONFORM_CORE_OBJ) $(CONFORM_LIB) \
    $(O)/core/core-host.a
	$(Q)$(HOSTCC) $(CORE_HOST) $^ -o $@

ALL += $(O)/tests/conformance.elf $(O)/conform-core
.PHONY: conform
conform: all
	$(Q)$(O)/schedop conform

-include $(CONFORM_FACT_OBJ:.o=.d) $(CONFORM_CORE_OBJ:.o=.d)
