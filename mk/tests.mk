# SPDX-License-Identifier: MIT
#
# Tests that boot: the conformance guest, the hostile guests and others. Each test
# guest is one image made of all the sources in its directory, on the kit.

TEST_KIT_LIBS := $(O)/schedop-kit64.lds $(O)/libschedopkit.a $(O)/libschedop.a

# $(1): name of the directory under tests/
define TEST_GUEST
$(1)_OBJ := $$(patsubst tests/$(1)/%,$$(O)/tests/$(1)/%.o, \
    $$(wildcard tests/$(1)/*.c tests/$(1)/*.S))

$$(O)/tests/$(1)/%.c.o: tests/$(1)/%.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(KIT64) $$(GUEST_WARN) -MMD -MP -c -o $$@ $$<

$$(O)/tests/$(1)/%.S.o: tests/$(1)/%.S src/guest/kit/layout.h
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -m64 -c -o $$@ $$<

$$(O)/tests/$(1).elf: $$($(1)_OBJ) $$(TEST_KIT_LIBS)
	$$(Q)$$(LD) -m elf_x86_64 -z max-page-size=4096 \
	    -T $$(O)/schedop-kit64.lds -o $$@ $$($(1)_OBJ) \
	    -L$$(O) -lschedopkit -lschedop

-include $$($(1)_OBJ:.o=.d)
endef

$(eval $(call TEST_GUEST,conformance))

# It builds domains on real Xen, and reads their image as everybody here does.
conformance_OBJ += $(O)/tests/conformance/lib/elf.o
$(O)/tests/conformance.elf: $(O)/tests/conformance/lib/elf.o

$(O)/tests/conformance/lib/%.o: src/lib/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(eval $(call TEST_GUEST,hostile))

$(eval $(call TEST_GUEST,wakeup))

$(eval $(call TEST_GUEST,topology))

$(eval $(call TEST_GUEST,save))

$(eval $(call TEST_GUEST,store))

$(eval $(call TEST_GUEST,gdb))

$(eval $(call TEST_GUEST,ending))

$(eval $(call TEST_GUEST,surround))

CHECK_DEPS += $(O)/tests/conformance.elf $(O)/tests/hostile.elf \
    $(O)/tests/wakeup.elf $(O)/tests/topology.elf $(O)/tests/save.elf $(O)/tests/gdb.elf \
    $(O)/tests/store.elf $(O)/tests/ending.elf \
    $(O)/tests/surround.elf
CHECKS += tests/conformance/run.sh tests/hostile/run.sh tests/wakeup/run.sh \
    tests/topology/run.sh \
    tests/save/run.sh tests/gdb/run.sh tests/store/run.sh tests/dump/run.sh \
    tests/store/balloon.sh tests/store/xenstore.sh tests/ending/run.sh \
    tests/surround/run.sh

CHECKS += tests/boot/pools.sh tests/stress/machine.sh

# The machine under stress with all that can be checked on, a minute each: in
# pools of several schedulers, and under each of them.
.PHONY: stress
stress: all $(O)/tests/hostile.elf
	$(Q)$(MAKE) DEBUG=1 O=$(O)/debug $(O)/debug/schedop-hypervisor.elf
	$(Q)tests/stress/machine.sh $(O) 60 mixed credit2 rtds null arinc653
