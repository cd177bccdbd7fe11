# SPDX-License-Identifier: MIT
#
# The benchmark: one guest image, run on real Xen and on schedop.

$(O)/bench/%.c.o: bench/guest/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/bench/guest.elf: $(O)/bench/main.c.o $(O)/schedop-kit64.lds \
    $(O)/libschedopkit.a $(O)/libschedop.a
	$(Q)$(LD) -m elf_x86_64 -z max-page-size=4096 \
	    -T $(O)/schedop-kit64.lds -o $@ $< -L$(O) -lschedopkit -lschedop

-include $(O)/bench/main.c.d
