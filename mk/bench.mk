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

$(O)/bench/floor.elf: bench/floor.S mk/bench.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -c -o $@.o $<
	$(Q)$(LD) -m elf_i386 -N --no-warn-rwx-segments -Ttext=0x100000 \
	    -e _start -o $@ $@.o

BENCH_NEEDS := $(O)/bench/guest.elf $(O)/bench/floor.elf \
    $(O)/schedop-hypervisor.elf $(O)/schedop

# Both hypervisors: about half a minute each.
.PHONY: bench bench-docs bench-record
bench: $(BENCH_NEEDS)
	$(Q)bench/run.sh $(O)

# The same, and the figures in docs/.
bench-docs: $(BENCH_NEEDS)
	$(Q)bench/run.sh --docs $(O)

# What bench/regress.sh compares with: after every change that is meant.
bench-record: $(BENCH_NEEDS)
	$(Q)bench/run.sh --only-schedop --no-boot $(O) >/dev/null
	$(Q)echo "# made with gcc $$(gcc -dumpversion | cut -d . -f 1)" \
	    >bench/recorded.tsv
	$(Q)awk 'NF == 5 && $$1 != "boot" && $$1 !~ /^memory/ { \
	    print $$1 "\t" $$2 }' $(O)/bench/schedop.txt >>bench/recorded.tsv

CHECK_DEPS += $(O)/bench/guest.elf
CHECKS     += bench/regress.sh
