# SPDX-License-Identifier: MIT
#
# The host side: src/backend (console rings, xenstore) and src/controller,
# compiled for the hypervisor, and their tests on the host. mk/x86.mk links
# BACKEND_X86_OBJ.

BACKEND_SRC := $(sort $(wildcard src/backend/*.c src/controller/*.c))
BACKEND_X86_OBJ := $(BACKEND_SRC:src/%.c=$(O)/x86/hostside/%.c.o)

$(BACKEND_X86_OBJ): X86_OPT := -Os
$(O)/x86/hostside/%.c.o: src/%.c Makefile mk/x86.mk mk/backend.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(X86_FLAGS) -c $< -o $@

-include $(BACKEND_X86_OBJ:.o=.d)

# ---- tests, under the address and undefined-behaviour sanitizers ----

BACKEND_TEST_LIB := src/lib/fmt.c src/lib/linkline.c
BACKEND_TEST_SRC := $(sort $(wildcard tests/unit/backend_*.c \
    tests/unit/controller_*.c tests/unit/link_*.c))
BACKEND_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,\
    $(filter-out %_common.c,$(BACKEND_TEST_SRC)))

BACKEND_HOST := -std=gnu11 -O1 -g $(XEN_ABI) $(WARN) -Iinclude -Isrc \
    -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP
BACKEND_HOST_OBJ := $(BACKEND_SRC:src/%.c=$(O)/tests/hostside/%.o) \
    $(BACKEND_TEST_LIB:src/%.c=$(O)/tests/hostside/%.o) \
    $(patsubst tests/unit/%.c,$(O)/tests/hostside/unit/%.o,\
    $(filter %_common.c,$(BACKEND_TEST_SRC)))

$(O)/tests/hostside/%.o: src/%.c Makefile mk/backend.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(BACKEND_HOST) -c $< -o $@

$(O)/tests/hostside/unit/%.o: tests/unit/%.c Makefile mk/backend.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(BACKEND_HOST) -c $< -o $@

$(BACKEND_TESTS): $(O)/tests/unit/%: $(O)/tests/hostside/unit/%.o \
    $(BACKEND_HOST_OBJ)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(BACKEND_HOST) $^ -o $@ -lcmocka

CHECKS += $(BACKEND_TESTS)

-include $(BACKEND_HOST_OBJ:.o=.d) $(BACKEND_TESTS:$(O)/tests/unit/%=$(O)/tests/hostside/unit/%.d)

# ---- in the hypervisor: its link, and Debian's GRUB as a guest ----

CHECKS += tests/boot/host.sh tests/boot/grub-guest.sh
