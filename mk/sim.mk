# SPDX-License-Identifier: MIT
#
# The machine in virtual time: src/sim with core and policies, as one archive
# for the command line and benchmarks, $(O)/sim/lab.a, and one under the
# sanitizers for tests, $(O)/sim/lab-asan.a. Both are built from the files the
# hypervisor is built from, with the same macros.

SIM_SRC  := $(sort $(wildcard src/sim/*.c))
SIM_ALL  := $(SIM_SRC) $(CORE_SRC)
SIM_OBJ  := $(SIM_ALL:src/%.c=$(O)/sim/opt/%.o)
SIM_AOBJ := $(SIM_SRC:src/%.c=$(O)/sim/asan/%.o) $(CORE_HOST_OBJ)

SIM_CFLAGS := -std=gnu11 -g -D_GNU_SOURCE -fno-strict-aliasing $(XEN_ABI) \
    $(WARN) -Iinclude -Isrc
SIM_ASAN   := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
SIM_LIBS   := -ljansson

$(O)/sim/opt/%.o: src/%.c Makefile mk/sim.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_CFLAGS) -O2 -MMD -MP -c $< -o $@

$(O)/sim/asan/%.o: src/%.c Makefile mk/sim.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_CFLAGS) $(SIM_ASAN) -MMD -MP -c $< -o $@

$(O)/sim/lab.a: $(SIM_OBJ)
	$(Q)rm -f $@
	$(Q)ar rcsD $@ $^

$(O)/sim/lab-asan.a: $(SIM_AOBJ)
	$(Q)rm -f $@
	$(Q)ar rcsD $@ $^

ALL += $(O)/sim/lab.a

-include $(SIM_OBJ:.o=.d) $(SIM_SRC:src/%.c=$(O)/sim/asan/%.d)

# ---- tests: tests/sim/NAME.c, each a program ----

SIM_TESTS := $(patsubst tests/sim/%.c,$(O)/tests/sim/%,\
    $(sort $(wildcard tests/sim/*.c)))

$(SIM_TESTS): $(O)/tests/sim/%: tests/sim/%.c $(O)/sim/lab-asan.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(SIM_CFLAGS) $(SIM_ASAN) -MMD -MP -MF $@.d -o $@ \
	    $(filter %.c %.a,$^) -lcmocka $(SIM_LIBS)

CHECKS += $(SIM_TESTS)

-include $(SIM_TESTS:%=%.d)

# ---- one seed, one result: the same program compiled four ways ----

# $(1): a name; $(2): compiler and level
define SIM_REPEAT
$$(O)/sim/repeat/$(1)/%.o: %.c Makefile mk/sim.mk
	@mkdir -p $$(@D)
	$$(Q)$(2) $$(SIM_CFLAGS) -MMD -MP -c $$< -o $$@

$$(O)/sim/repeat/$(1)/repeat: \
    $$(SIM_ALL:%.c=$$(O)/sim/repeat/$(1)/%.o) \
    $$(O)/sim/repeat/$(1)/tests/sim/repeat/main.o
	$$(Q)$(2) -o $$@ $$^ $$(SIM_LIBS)

CHECK_DEPS += $$(O)/sim/repeat/$(1)/repeat

-include $$(SIM_ALL:%.c=$$(O)/sim/repeat/$(1)/%.d)
endef

$(eval $(call SIM_REPEAT,gcc-O0,$(HOSTCC) -O0))
$(eval $(call SIM_REPEAT,gcc-O2,$(HOSTCC) -O2))
$(eval $(call SIM_REPEAT,clang-O0,$(CLANG) -O0))
$(eval $(call SIM_REPEAT,clang-O2,$(CLANG) -O2))

CHECKS += tests/sim/repeat.sh

# ---- speed ----

.PHONY: bench-lab
bench-lab: $(O)/schedop
	$(Q)bench/lab.sh $(O)
