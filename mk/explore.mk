# SPDX-License-Identifier: MIT
#
# The exploration of schedules: src/explore with the core and the policies and
# a port of its own, as one object, $(O)/explore/explore.o, of which only
# explore_*() can be seen, so that it fits beside the port of src/sim. And the
# exam: the same with defects of history put in on purpose.

EXPLORE_SRC  := $(sort $(wildcard src/explore/*.c))
EXPLORE_TEXT := $(sort $(wildcard src/explore/scenarios/*.scenario))
EXPLORE_OBJ  := $(EXPLORE_SRC:src/explore/%.c=$(O)/explore/own/%.o) \
    $(O)/explore/own/builtin.o
EXPLORE_CORE := $(patsubst src/%.c,$(O)/explore/core/%.o,\
    $(filter-out src/core/locks.c,$(CORE_SRC)))

# What the exam compiles a changed file with, too.
EXPLORE_CFLAGS := -std=gnu11 -O2 -g -D_GNU_SOURCE $(XEN_ABI) $(WARN)

$(O)/explore/own/%.o: src/explore/%.c Makefile mk/explore.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXPLORE_CFLAGS) -Iinclude -Isrc -MMD -MP -c $< -o $@

$(O)/explore/core/%.o: src/%.c Makefile mk/explore.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXPLORE_CFLAGS) -Iinclude -MMD -MP -c $< -o $@

$(O)/explore/own/builtin.c: tools/scenarios.sh $(EXPLORE_TEXT)
	@mkdir -p $(@D)
	$(Q)tools/scenarios.sh $(EXPLORE_TEXT) >$@

$(O)/explore/own/builtin.o: $(O)/explore/own/builtin.c
	$(Q)$(CC) $(EXPLORE_CFLAGS) -Iinclude -Isrc -c $< -o $@

$(O)/explore/explore.o: $(EXPLORE_OBJ) $(EXPLORE_CORE)
	$(Q)$(LD) -r -o $@.all $^
	$(Q)objcopy --wildcard --keep-global-symbol='explore_*' $@.all $@

ALL += $(O)/explore/explore.o

-include $(EXPLORE_OBJ:.o=.d) $(EXPLORE_CORE:.o=.d)

# ---- the exam: tests/exam ----

$(O)/explore/exam.o: tests/exam/explore_main.c Makefile mk/explore.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXPLORE_CFLAGS) -Iinclude -Isrc -c $< -o $@

# All but the core, and the core: the exam puts a file of its own in.
$(O)/exam/ours: $(O)/explore/exam.o $(EXPLORE_OBJ) $(EXPLORE_CORE)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^
	$(Q)echo '$(CC) $(EXPLORE_CFLAGS) -Iinclude' >$(O)/exam/compile
	$(Q)echo '$(O)/explore/exam.o $(EXPLORE_OBJ) $(EXPLORE_CORE)' \
	    >$(O)/exam/objects

.PHONY: exam
exam: $(O)/exam/ours
	$(Q)tests/exam/exam.sh $(O) table

CHECKS     += tests/exam/explore.sh tests/exam/exam.sh
CHECK_DEPS += $(O)/exam/ours
