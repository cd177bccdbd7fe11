# SPDX-License-Identifier: MIT
#
# Differential programs: the interpreter guest, $(O)/tests/differential.elf,
# and the tool that makes and cuts programs.

DIFF_D     := $(O)/tests/differential
DIFF_GUEST := $(patsubst tests/differential/guest/%,$(DIFF_D)/guest/%.o, \
    $(sort $(wildcard tests/differential/guest/*.c \
    tests/differential/guest/*.S)))
DIFF_TOOL  := $(patsubst tests/differential/tool/%.c,$(DIFF_D)/tool/%.o, \
    $(sort $(wildcard tests/differential/tool/*.c)))
DIFF_HOST  := -std=gnu11 -O2 -g $(XEN_ABI) $(WARN) -Iinclude \
    -fsanitize=address,undefined -fno-sanitize-recover=all

$(DIFF_D)/guest/%.c.o: tests/differential/guest/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(DIFF_D)/guest/%.S.o: tests/differential/guest/%.S src/guest/kit/layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -m64 -c -o $@ $<

$(O)/tests/differential.elf: $(DIFF_GUEST) $(O)/schedop-kit64.lds \
    $(O)/libschedopkit.a $(O)/libschedop.a
	$(Q)$(LD) -m elf_x86_64 -z max-page-size=4096 \
	    -T $(O)/schedop-kit64.lds -o $@ $(DIFF_GUEST) \
	    -L$(O) -lschedopkit -lschedop

$(DIFF_D)/tool/%.o: tests/differential/tool/%.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(DIFF_HOST) -MMD -MP -c -o $@ $<

$(O)/tests/differential-tool: $(DIFF_TOOL)
	$(Q)$(HOSTCC) $(DIFF_HOST) -o $@ $^

-include $(DIFF_GUEST:.o=.d) $(DIFF_TOOL:.o=.d)

CHECK_DEPS += $(O)/tests/differential.elf $(O)/tests/differential-tool
CHECKS += tests/differential/run.sh
