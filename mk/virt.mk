# SPDX-License-Identifier: MIT
#
# Unit tests of the pure parts of src/x86/virt, on the host: everything that
# knows no machine. tests/unit/x86_NAME.c tests src/x86/virt/NAME.c.

VIRT_PURE := acpi $(basename $(notdir $(wildcard src/x86/virt/emulate*.c))) \
    insn memmap spec start_info vlapic walk
VIRT_HOST := -std=gnu11 -O1 -g $(XEN_ABI) $(WARN) -Iinclude -Isrc \
    -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP
VIRT_HOST_OBJ := $(VIRT_PURE:%=$(O)/virt/host/%.o) $(O)/virt/host/fmt.o
VIRT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,\
    $(sort $(wildcard tests/unit/x86_*.c)))

$(VIRT_PURE:%=$(O)/virt/host/%.o): $(O)/virt/host/%.o: src/x86/virt/%.c \
    Makefile mk/virt.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(VIRT_HOST) -c $< -o $@

$(O)/virt/host/fmt.o: src/lib/fmt.c Makefile mk/virt.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(VIRT_HOST) -c $< -o $@

$(O)/virt/test/%.o: tests/unit/%.c Makefile mk/virt.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(VIRT_HOST) -c $< -o $@

$(VIRT_TESTS): $(O)/tests/unit/%: $(O)/virt/test/%.o $(VIRT_HOST_OBJ)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(VIRT_HOST) $^ -o $@ -lcmocka

CHECKS += $(VIRT_TESTS) tests/boot/builder.sh

-include $(VIRT_HOST_OBJ:.o=.d) $(wildcard $(O)/virt/test/*.d)
