# SPDX-License-Identifier: MIT
#
# The core: src/core, src/policy and what they use of src/lib, as one
# partially linked object for the hypervisor, $(O)/core/core-x86.o, in which
# only sop_* and the policies are visible; and as a host archive, with nothing
# hidden, for the unit tests.

CORE_SRC := $(sort $(wildcard src/core/*.c src/policy/*.c)) \
    src/lib/fmt.c src/lib/heap.c src/lib/tree.c

# ---- for the hypervisor ----

CORE_X86_OBJ := $(CORE_SRC:src/%.c=$(O)/core/x86/%.o)

$(O)/core/x86/%.o: src/%.c Makefile mk/core.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(FREESTANDING) $(X86_CFLAGS) $(WHOLE) -O2 -g $(XEN_ABI) \
	    $(WARN) -Wframe-larger-than=1024 -Iinclude -MMD -MP -c $< -o $@

# Before hiding: tools/symbols.sh looks at this one.
$(O)/core/core-x86-all.o: $(CORE_X86_OBJ)
	$(Q)$(call LINK_WHOLE,$^)

$(O)/core/core-x86.o: $(O)/core/core-x86-all.o tools/symbols.sh
	$(Q)tools/symbols.sh $<
	$(Q)objcopy --wildcard --keep-global-symbol='sop_*' \
	    --keep-global-symbol='policy_*' $< $@

ALL += $(O)/core/core-x86.o

-include $(CORE_X86_OBJ:.o=.d)

# ---- for the unit tests, under the sanitizers ----

CORE_HOST := -std=gnu11 -O1 -g -Wno-pedantic $(XEN_ABI) \
    -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP
CORE_HOST_OBJ := $(CORE_SRC:src/%.c=$(O)/core/host/%.o)

$(O)/core/host/%.o: src/%.c Makefile mk/core.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_HOST) $(WARN) -Iinclude -c $< -o $@

$(O)/core/core-host.a: $(CORE_HOST_OBJ)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

-include $(CORE_HOST_OBJ:.o=.d)

CORE_TEST_SRC := $(sort $(wildcard tests/unit/core_*.c))
CORE_TEST_COMMON := $(O)/core/test/core_fake.o
CORE_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,\
    $(filter-out tests/unit/core_fake.c,$(CORE_TEST_SRC)))

$(O)/core/test/%.o: tests/unit/%.c Makefile mk/core.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_HOST) $(WARN) -Iinclude -Isrc -c $< -o $@

$(CORE_TESTS): $(O)/tests/unit/%: $(O)/core/test/%.o $(CORE_TEST_COMMON) \
    $(O)/core/core-host.a
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_HOST) $^ -o $@ -lcmocka

# Policies alone, on a core of the tests' own.
POLICY_TEST_SRC := $(sort $(wildcard tests/unit/policy_*.c))
POLICY_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,\
    $(filter-out tests/unit/policy_fake.c tests/unit/policy_cost.c,\
    $(POLICY_TEST_SRC)))
POLICY_HOST_OBJ := $(filter $(O)/core/host/policy/% $(O)/core/host/lib/%,\
    $(CORE_HOST_OBJ))

$(POLICY_TESTS): $(O)/tests/unit/%: $(O)/core/test/%.o \
    $(O)/core/test/policy_fake.o $(POLICY_HOST_OBJ)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_HOST) $^ -o $@ -lcmocka

CHECKS += $(POLICY_TESTS)

# What a decision costs: every basic block of a policy counts itself.
POLICY_SRC       := $(filter src/policy/% src/lib/%,$(CORE_SRC))
POLICY_COUNT_OBJ := $(POLICY_SRC:src/%.c=$(O)/core/count/%.o)
POLICY_TIME_OBJ  := $(POLICY_SRC:src/%.c=$(O)/core/time/%.o)
POLICY_PLAIN     := -std=gnu11 -O2 -g -fno-strict-aliasing -DSOP_DEBUG=0 \
    -Wno-pedantic $(XEN_ABI) -MMD -MP

$(O)/core/count/%.o: src/%.c Makefile mk/core.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(POLICY_PLAIN) $(WARN) -fsanitize-coverage=trace-pc \
	    -Iinclude -c $< -o $@

$(O)/core/time/%.o: src/%.c Makefile mk/core.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(POLICY_PLAIN) $(WARN) -Iinclude -c $< -o $@

POLICY_COST_SRC := tests/unit/policy_cost.c tests/unit/policy_fake.c

$(O)/tests/unit/policy_cost: $(POLICY_COST_SRC) $(POLICY_COUNT_OBJ)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(POLICY_PLAIN) $(WARN) -Iinclude -Isrc $^ -o $@

$(O)/bench/policy_cost: $(POLICY_COST_SRC) $(POLICY_TIME_OBJ)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(POLICY_PLAIN) $(WARN) -Iinclude -Isrc $^ -o $@

CHECKS += $(O)/tests/unit/policy_cost

# Cost of a decision against the number of vCPUs: blocks and ns.
.PHONY: bench-policy
bench-policy: $(O)/tests/unit/policy_cost $(O)/bench/policy_cost
	$(Q)$(O)/tests/unit/policy_cost table >$(O)/bench/policy.blocks
	$(Q)$(O)/bench/policy_cost table >$(O)/bench/policy.ns
	$(Q)paste -d ' ' $(O)/bench/policy.blocks $(O)/bench/policy.ns | awk ' \
	    BEGIN { print "policy     vCPUs    pick: blocks   most      ns" \
	                  "    sleep+wake: blocks   most      ns" } \
	    { printf "%-9s %6d %15d %6d %7d %21d %6d %7d\n", $$1, $$2, \
	          $$3, $$4, $$15, $$5, $$6, $$16 }'

-include $(POLICY_COUNT_OBJ:.o=.d) $(POLICY_TIME_OBJ:.o=.d)

-include $(POLICY_TEST_SRC:tests/unit/%.c=$(O)/core/test/%.d)

# The helpers alone: they have their own sop_bug(), and names beside libc's.
LIB_RENAME := $(foreach f,memcpy memmove memset memcmp strlen strcmp strncmp \
    strchr,-D$(f)=our_$(f))

$(O)/core/test/lib_string.o: src/lib/string.c Makefile mk/core.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_HOST) $(WARN) -fno-builtin $(LIB_RENAME) -c $< -o $@

$(O)/tests/unit/lib_base: $(O)/core/test/lib_base.o \
    $(O)/core/test/lib_string.o $(O)/core/host/lib/fmt.o \
    $(O)/core/host/lib/heap.o $(O)/core/host/lib/tree.o
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_HOST) $^ -o $@ -lcmocka

CHECKS += $(CORE_TESTS) $(O)/tests/unit/lib_base

-include $(CORE_TEST_SRC:tests/unit/%.c=$(O)/core/test/%.d) \
    $(O)/core/test/lib_base.d

# ---- pCPUs as threads, under the thread sanitizer ----

CORE_TSAN := -std=gnu11 -O1 -g $(XEN_ABI) -fsanitize=thread -MMD -MP
CORE_TSAN_OBJ := $(CORE_SRC:src/%.c=$(O)/core/tsan/%.o)

$(O)/core/tsan/%.o: src/%.c Makefile mk/core.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_TSAN) $(WARN) -Wno-pedantic -Wno-tsan -Iinclude \
	    -c $< -o $@

$(O)/tests/stress/core_threads: tests/stress/core_threads.c \
    $(CORE_TSAN_OBJ)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CORE_TSAN) $(WARN) -Iinclude -Isrc $(filter %.c %.o,$^) \
	    -o $@ -lpthread

CHECKS += $(O)/tests/stress/core_threads

-include $(CORE_TSAN_OBJ:.o=.d)

# ---- the rules of the house ----

.PHONY: lint-layers lint-symbols
LINTS += lint-layers lint-symbols

lint-layers:
	@echo "lint: layers"
	$(Q)tools/layers.sh

lint-symbols: $(O)/core/core-x86-all.o
	@echo "lint: symbols of the core"
	$(Q)tools/symbols.sh $<
