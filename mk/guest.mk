# SPDX-License-Identifier: MIT
#
# The guest library (libschedop.a, libschedop32.a), its start-up kit
# (libschedopkit.a, libschedopkit32.a and two linker scripts), the guests
# under guests/, and their tests.

GUEST_WARN := $(WARN) -Iinclude
GUEST_SRC  := $(wildcard src/guest/*.c)
KIT_SRC    := $(wildcard src/guest/kit/*.c)

# 64-bit code is position-independent: it links into a kernel at the top of
# the address space, one in low memory, and a process.
GUEST_FREE := $(filter-out -fno-pic -fno-pie,$(FREESTANDING)) -O2 -g \
    -fvisibility=hidden -mno-red-zone -mgeneral-regs-only $(XEN_ABI)
GUEST64 := -m64 $(GUEST_FREE) -fpie
GUEST32 := -m32 $(GUEST_FREE) -fno-pic -fno-pie -march=i686 -mtune=generic \
    $(if $(findstring clang,$(CC)),,-maccumulate-outgoing-args)

GUEST64_OBJ := $(GUEST_SRC:src/guest/%.c=$(O)/guest/64/%.o)
GUEST32_OBJ := $(GUEST_SRC:src/guest/%.c=$(O)/guest/32/%.o)

$(O)/guest/64/%.o: src/guest/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guest/32/%.o: src/guest/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST32) $(GUEST_WARN) -MMD -MP -c -o $@ $<

# One object per archive, so that only schedop_* is visible outside.
$(O)/libschedop.a: $(GUEST64_OBJ)
	$(Q)$(LD) -r -m elf_x86_64 -o $(O)/guest/64/all.o $^
	$(Q)objcopy --wildcard --keep-global-symbol='schedop_*' \
	    $(O)/guest/64/all.o $(O)/guest/64/schedop.o
	$(Q)rm -f $@ && $(AR) rcsD $@ $(O)/guest/64/schedop.o

$(O)/libschedop32.a: $(GUEST32_OBJ)
	$(Q)$(LD) -r -m elf_i386 -o $(O)/guest/32/all.o $^
	$(Q)objcopy --wildcard --keep-global-symbol='schedop_*' \
	    $(O)/guest/32/all.o $(O)/guest/32/schedop.o
	$(Q)rm -f $@ && $(AR) rcsD $@ $(O)/guest/32/schedop.o

ALL += $(O)/libschedop.a $(O)/libschedop32.a

-include $(GUEST64_OBJ:.o=.d) $(GUEST32_OBJ:.o=.d)

# ---- start-up kit ----

KIT_CFLAGS := -Isrc/guest
KIT64      := $(FREESTANDING) -O2 -g $(X86_CFLAGS) $(XEN_ABI) -mno-sse
KIT32      := $(FREESTANDING) -O2 -g -m32 -march=i686 -mgeneral-regs-only \
    $(XEN_ABI)

KIT64_SRC := $(filter-out %32.c,$(KIT_SRC))
KIT32_SRC := $(filter-out %64.c,$(KIT_SRC))
KIT_LIB   := fmt string
KIT64_OBJ := $(KIT64_SRC:src/guest/kit/%.c=$(O)/guest/kit64/%.o) \
    $(KIT_LIB:%=$(O)/guest/kit64/lib/%.o) $(O)/guest/kit64/start64.o
KIT32_OBJ := $(KIT32_SRC:src/guest/kit/%.c=$(O)/guest/kit32/%.o) \
    $(KIT_LIB:%=$(O)/guest/kit32/lib/%.o) $(O)/guest/kit32/start32.o

$(O)/guest/kit64/lib/%.o: src/lib/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guest/kit32/lib/%.o: src/lib/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT32) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guest/kit64/%.o: src/guest/kit/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guest/kit32/%.o: src/guest/kit/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT32) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guest/kit64/start64.o: src/guest/kit/start64.S src/guest/kit/layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -m64 -c -o $@ $<

$(O)/guest/kit32/start32.o: src/guest/kit/start32.S src/guest/kit/layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -c -o $@ $<

# One object as well. A guest may bring its own memcpy() and its like.
KIT_LIBC := memcpy memmove memset memcmp strlen strcmp strncmp strchr \
    __udivdi3 __umoddi3 __udivmoddi4 __divdi3 __moddi3
KIT_HIDE := --wildcard --keep-global-symbol='kit_*' \
    $(KIT_LIBC:%=--keep-global-symbol=%) $(KIT_LIBC:%=--weaken-symbol=%)

$(O)/libschedopkit.a: $(KIT64_OBJ)
	$(Q)$(LD) -r -m elf_x86_64 -o $(O)/guest/kit64/all.o $^
	$(Q)objcopy $(KIT_HIDE) $(O)/guest/kit64/all.o $(O)/guest/kit64/kit.o
	$(Q)rm -f $@ && $(AR) rcsD $@ $(O)/guest/kit64/kit.o

$(O)/libschedopkit32.a: $(KIT32_OBJ)
	$(Q)$(LD) -r -m elf_i386 -o $(O)/guest/kit32/all.o $^
	$(Q)objcopy $(KIT_HIDE) $(O)/guest/kit32/all.o $(O)/guest/kit32/kit.o
	$(Q)rm -f $@ && $(AR) rcsD $@ $(O)/guest/kit32/kit.o

$(O)/schedop-kit%.lds: src/guest/kit/kit%.lds.S src/guest/kit/layout.h
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -o $@ $<

ALL += $(O)/libschedopkit.a $(O)/libschedopkit32.a \
    $(O)/schedop-kit64.lds $(O)/schedop-kit32.lds

-include $(KIT64_OBJ:.o=.d) $(KIT32_OBJ:.o=.d)

# ---- guests: NAME.elf (PV and PVH, 64-bit) and NAME-32.elf (PVH, 32-bit) ----

GUESTS     := $(patsubst guests/%/main.c,%,$(wildcard guests/*/main.c))
GUEST_ELFS := $(GUESTS:%=$(O)/guests/%.elf) $(GUESTS:%=$(O)/guests/%-32.elf)

$(O)/guests/%.o64: guests/%/main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guests/%.o32: guests/%/main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT32) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guests/%-32.elf: $(O)/guests/%.o32 $(O)/schedop-kit32.lds \
    $(O)/libschedopkit32.a $(O)/libschedop32.a
	$(Q)$(LD) -m elf_i386 -z max-page-size=4096 -T $(O)/schedop-kit32.lds \
	    -o $@ $< -L$(O) -lschedopkit32 -lschedop32

$(O)/guests/%.elf: $(O)/guests/%.o64 $(O)/schedop-kit64.lds \
    $(O)/libschedopkit.a $(O)/libschedop.a
	$(Q)$(LD) -m elf_x86_64 -z max-page-size=4096 -T $(O)/schedop-kit64.lds \
	    -o $@ $< -L$(O) -lschedopkit -lschedop

ALL += $(GUEST_ELFS)

# The kit's own test is a guest whose source lies with the tests.
$(O)/guests/kit-test.o64: tests/unit/guest_boot_main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT64) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guests/kit-test.o32: tests/unit/guest_boot_main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KIT32) $(GUEST_WARN) -MMD -MP -c -o $@ $<

-include $(GUESTS:%=$(O)/guests/%.d)

# ---- tests ----

GUEST_HOST := -std=gnu11 -O1 -g -mno-red-zone -fno-strict-aliasing \
    -fsanitize=address,undefined -fno-sanitize-recover=all $(XEN_ABI)
GUEST_HOST_OBJ := $(GUEST_SRC:src/guest/%.c=$(O)/guest/host/%.o)
GUEST_TESTS := command events time names ops
# libc names of the kit, renamed so that they do not replace the host's.
KIT_RENAME := -fno-builtin $(foreach f,memcpy memmove memset memcmp strlen \
    strcmp strncmp strchr,-D$(f)=kit_libc_$(f)) \
    $(foreach f,udivdi3 umoddi3 udivmoddi4 divdi3 moddi3,-D__$(f)=kit_libc_$(f))

$(O)/guest/host/%.o: src/guest/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_HOST) $(GUEST_WARN) -MMD -MP -c -o $@ $<

$(O)/guest/hostkit/%.o: src/guest/kit/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_HOST) $(GUEST_WARN) $(KIT_RENAME) -MMD -MP -c -o $@ $<

$(O)/guest/hostkit/lib/%.o: src/lib/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_HOST) $(GUEST_WARN) $(KIT_RENAME) -MMD -MP -c -o $@ $<

$(O)/guest/hostkit/env.o: tests/unit/guest_kit_env.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_HOST) $(GUEST_WARN) $(KIT_RENAME) -Isrc/guest -MMD -MP \
	    -c -o $@ $<

$(O)/tests/guest_kit: tests/unit/guest_kit.c $(O)/guest/hostkit/env.o \
    $(O)/guest/hostkit/lib/fmt.o $(O)/guest/hostkit/lib/string.o \
    $(O)/guest/hostkit/args.o $(O)/guest/hostkit/divide32.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_HOST) $(GUEST_WARN) -MMD -MP -MF $@.d -o $@ $^ -lcmocka

$(GUEST_TESTS:%=$(O)/tests/guest_%): $(O)/tests/guest_%: \
    tests/unit/guest_%.c $(GUEST_HOST_OBJ)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_HOST) $(GUEST_WARN) -MMD -MP -MF $@.d -o $@ $^ -lcmocka

CHECKS += $(GUEST_TESTS:%=$(O)/tests/guest_%) $(O)/tests/guest_kit \
    tests/unit/guest_lib.sh tests/unit/guest_boot.sh \
    tests/unit/guest_install.sh tests/unit/guest_tour.sh
CHECK_DEPS += $(O)/guests/kit-test.elf $(O)/guests/kit-test-32.elf

-include $(GUEST_HOST_OBJ:.o=.d) $(wildcard $(O)/guest/hostkit/*.d) \
    $(wildcard $(O)/tests/guest_*.d)

# ---- install ----

GUEST_PC := schedop schedop-kit schedop-kit32
GUEST_INCLUDE := $(DESTDIR)$(PREFIX)/include/schedop
GUEST_LIB     := $(DESTDIR)$(PREFIX)/lib

.PHONY: install-guest
install: install-guest
install-guest: $(O)/libschedop.a $(O)/libschedop32.a $(O)/libschedopkit.a \
    $(O)/libschedopkit32.a $(O)/schedop-kit64.lds $(O)/schedop-kit32.lds
	$(Q)install -d $(GUEST_INCLUDE) $(GUEST_LIB)/pkgconfig $(GUEST_LIB)/schedop
	$(Q)install -m 644 $(addprefix include/schedop/,schedop.h guest.h kit.h) \
	    $(GUEST_INCLUDE)
	$(Q)install -m 644 $(filter %.a,$^) $(GUEST_LIB)
	$(Q)install -m 644 $(O)/schedop-kit64.lds $(GUEST_LIB)/schedop/kit64.lds
	$(Q)install -m 644 $(O)/schedop-kit32.lds $(GUEST_LIB)/schedop/kit32.lds
	$(Q)for pc in $(GUEST_PC); do \
	    sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
	        src/guest/$$pc.pc.in > $(GUEST_LIB)/pkgconfig/$$pc.pc || exit 1; \
	done



# ---- the tour: what `make run` boots; domain ids follow the order ----

TOUR_CFGS := $(foreach d,warden ping pong workers watchdog latch checkpoint \
    victim,guests/$(d).cfg)
TOUR := $(O)/schedop run --pcpus 2 --timeout 60 --expect watchdog=watchdog \
    --expect latch=crash $(TOUR_CFGS)
