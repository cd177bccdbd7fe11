# SPDX-License-Identifier: MIT
# Read last: the goals that use the lists the rooms' fragments filled.

.PHONY: help
help:
	@sed -n 's/^#   make/make/p' Makefile

# The prerequisites of a goal differ by what is installed, so installing them
# is a step of its own and the goal is a second make.
run:
	$(Q)tools/deps.sh run
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(MAKE) --no-print-directory tour

# The lab needs neither QEMU nor the hypervisor.
.PHONY: lab
lab:
	$(Q)tools/deps.sh lab
	$(Q)$(MAKE) --no-print-directory $(O)/schedop
	$(Q)tools/lab.sh $(O)

check:
	$(Q)tools/deps.sh check
	$(Q)$(MAKE) --no-print-directory all checks
	$(Q)tools/check.sh $(O) $(CHECKS)

# Test programs alone; scripts need no building.
.PHONY: checks tour
checks: $(filter-out %.sh,$(CHECKS)) $(CHECK_DEPS)

tour: all
	$(Q)$(TOUR)

lint:
	$(Q)tools/deps.sh lint
	$(Q)$(MAKE) --no-print-directory lints

.PHONY: lints
lints: $(LINTS)
	@echo "lint: clean"
