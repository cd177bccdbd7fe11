# SPDX-License-Identifier: MIT
#
# Traces: src/trace is linked into the command line by mk/cli.mk, and its
# tests are tests/unit/cli_trace.c and tests/cli/trace.test.sh. This is the
# way from the hypervisor to Xen's own tools.

CHECKS += tests/boot/trace.sh

# The table of events in docs/trace.md, from the list of <schedop/trace.h>.
.PHONY: docs-trace
docs-trace: $(O)/schedop
	$(Q)sed -i '/^| event | class/,$$d' docs/trace.md
	$(Q)$(O)/schedop trace --list >>docs/trace.md
