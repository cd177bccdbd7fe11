# SPDX-License-Identifier: MIT
#
# The command line: build/schedop, its man page, and its tests. The tests use
# a second build of the same sources with ASan and UBSan, and a fake QEMU.

CLI_SRC  := $(wildcard src/cli/*.c) src/lib/elf.c src/lib/linkline.c \
    $(wildcard src/trace/*.c)
CLI_OBJ  := $(patsubst src/%.c,$(O)/cli/%.o,$(CLI_SRC))
CLI_AOBJ := $(patsubst src/%.c,$(O)/cli-asan/%.o,$(CLI_SRC))
CLI_LIBS := -lxlutil -lxenstore -ljansson -lz -llzma -llz4 -lzstd

CLI_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE $(XEN_ABI) -Iinclude -Isrc \
    -DCLI_VERSION='"$(VERSION)"' $(WARN)
CLI_ASAN   := -fsanitize=address,undefined -fno-sanitize-recover=all \
    -fno-omit-frame-pointer

$(O)/cli/%.o: src/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLI_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/cli-asan/%.o: src/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLI_CFLAGS) $(CLI_ASAN) -MMD -MP -c -o $@ $<

$(O)/schedop: $(CLI_OBJ) $(O)/sim/lab.a $(O)/explore/explore.o
	$(Q)$(CC) -o $@ $^ $(CLI_LIBS)

# The completion for bash, from the option tables.
$(O)/schedop.bash: $(O)/schedop
	$(Q)$< --completion >$@

# The same program under the name of Xen's tool.
$(O)/xl: $(O)/schedop
	$(Q)ln -sf schedop $@

# And those of xenstore-utils.
XENSTORE_TOOLS := xenstore $(addprefix xenstore-,ls read write rm list exists \
    chmod watch)
$(XENSTORE_TOOLS:%=$(O)/%): $(O)/schedop
	$(Q)ln -sf schedop $@

ALL += $(O)/schedop $(O)/schedop.bash $(O)/xl $(XENSTORE_TOOLS:%=$(O)/%)

# ---- tests ----

CLI_UNIT := $(patsubst tests/unit/%.c,$(O)/cli-tests/%, \
    $(wildcard tests/unit/cli_*.c))

$(O)/cli-tests/schedop: $(CLI_AOBJ) $(O)/sim/lab-asan.a $(O)/explore/explore.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLI_ASAN) -o $@ $^ $(CLI_LIBS)

$(O)/cli-tests/cli_%: tests/unit/cli_%.c $(CLI_AOBJ) $(O)/sim/lab-asan.a \
    $(O)/explore/explore.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLI_CFLAGS) $(CLI_ASAN) -MMD -MP -o $@ $< \
	    $(filter-out %/cli/main.o,$(CLI_AOBJ)) $(O)/sim/lab-asan.a \
	    $(O)/explore/explore.o -lcmocka \
	    $(CLI_LIBS)

# A guest image for the tests: two bytes of code and the PVH note.
$(O)/cli-tests/guest.elf: tests/cli/guest.S mk/cli.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -c -o $@.o $<
	$(Q)$(LD) -m elf_i386 -N --no-warn-rwx-segments -Ttext=0x100000 \
	    --section-start=.note.Xen=0x100800 -o $@ $@.o

# Clients of a host that behave badly.
$(O)/cli-tests/rude: tests/cli/rude.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLI_CFLAGS) $(CLI_ASAN) -MMD -MP -o $@ $<

# A client that makes and destroys thousands of domains; without sanitizers.
$(O)/cli-tests/many: tests/ending/tool/many.c $(CLI_OBJ) $(O)/sim/lab.a \
    $(O)/explore/explore.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLI_CFLAGS) -MMD -MP -o $@ $< \
	    $(filter-out %/cli/main.o,$(CLI_OBJ)) $(O)/sim/lab.a \
	    $(O)/explore/explore.o $(CLI_LIBS)

CHECKS     += $(CLI_UNIT) $(wildcard tests/cli/*.test.sh)
CHECK_DEPS += $(O)/cli-tests/schedop $(O)/cli-tests/guest.elf \
    $(O)/cli-tests/rude $(O)/cli-tests/many \
    $(O)/schedop-hypervisor.elf

-include $(CLI_OBJ:.o=.d) $(CLI_AOBJ:.o=.d) $(CLI_UNIT:%=%.d)

# ---- manual, installation ----

.PHONY: man install-cli
man: $(O)/schedop
	$(Q)$(O)/schedop --man >docs/schedop.1
	$(Q)$(O)/schedop --xl-manual >docs/xl.md

install: install-cli
install-cli: $(O)/schedop $(O)/schedop.bash $(O)/schedop-hypervisor.elf
	install -D -m 755 $(O)/schedop $(DESTDIR)$(PREFIX)/bin/schedop
	install -D -m 644 $(O)/schedop-hypervisor.elf \
	    $(DESTDIR)$(PREFIX)/lib/schedop/schedop-hypervisor.elf
	install -D -m 644 docs/schedop.1 \
	    $(DESTDIR)$(PREFIX)/share/man/man1/schedop.1
	install -D -m 644 $(O)/schedop.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/schedop
	install -d $(DESTDIR)$(PREFIX)/libexec/schedop
	for name in xl $(XENSTORE_TOOLS); do \
	    ln -sf ../../bin/schedop $(DESTDIR)$(PREFIX)/libexec/schedop/$$name; \
	done
