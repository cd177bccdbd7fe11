# SPDX-License-Identifier: MIT
# make lint: what CI holds every change to beside the tests.

LINT_C := $(shell git ls-files --cached --others --exclude-standard \
    '*.c' '*.h' 2>/dev/null)
LINT_SH := $(shell git ls-files --cached --others --exclude-standard \
    '*.sh' .ci/run 2>/dev/null)
LINT_TEXT := $(shell git ls-files --cached --others --exclude-standard \
    '*.c' '*.h' '*.S' '*.sh' '*.md' '*.mk' '*.1' '*.cfg' Makefile \
    2>/dev/null)

.PHONY: lint-format lint-shell lint-spelling lint-headers lint-tidy \
    lint-cppcheck lint-rules lint-compilers lint-analyzer
LINTS += lint-format lint-rules lint-shell lint-spelling lint-headers \
    lint-compilers lint-cppcheck lint-tidy lint-analyzer

lint-format:
	@echo "lint: format"
	$(Q)clang-format --dry-run -Werror $(LINT_C)

lint-shell:
	@echo "lint: shellcheck"
	$(Q)shellcheck $(LINT_SH)

lint-spelling:
	@echo "lint: spelling"
	$(Q)codespell -L stopp,hda,ans,inout,ue,mis,nd,parm,fo,crate,upto $(LINT_TEXT)

# Rules of the house that need no compiler.
lint-rules:
	@echo "lint: house rules"
	$(Q)tools/tidy.sh

# Public headers compile alone, as C11 and as C++, with both compilers.
lint-headers:
	@echo "lint: headers"
	$(Q)tools/headers.sh

LINT_CORE_C  = $(filter src/core/%.c src/policy/%.c src/lib/%.c \
    src/controller/%.c src/backend/%.c,$(LINT_C))
LINT_X86_C   = $(filter src/x86/%.c,$(LINT_C))
LINT_GUEST_C = $(filter src/guest/%.c guests/%.c,$(LINT_C))
LINT_CLI_C   = $(filter src/cli/%.c src/trace/%.c src/sim/%.c,$(LINT_C))
LINT_FREE    = -std=gnu11 -ffreestanding $(XEN_ABI) -Iinclude -Isrc \
    -Isrc/lib -mgeneral-regs-only -DSCHEDOP_VERSION='"$(VERSION)"'

lint-cppcheck:
	@echo "lint: cppcheck"
	$(Q)cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
	    --enable=warning,portability --suppress=missingIncludeSystem \
	    --suppress=unknownMacro -Iinclude -Isrc $(XEN_ABI) \
	    $(LINT_CORE_C) $(LINT_X86_C) $(LINT_GUEST_C) $(LINT_CLI_C)

lint-tidy:
	@echo "lint: clang-tidy"
	$(Q)clang-tidy --quiet $(LINT_CORE_C) $(LINT_X86_C) $(LINT_GUEST_C) \
	    -- $(LINT_FREE) -Isrc/guest -Isrc/guest/kit 2>$(O)/tidy.log || \
	    { cat $(O)/tidy.log; exit 1; }
	$(Q)clang-tidy --quiet $(LINT_CLI_C) \
	    -- -std=gnu11 -D_GNU_SOURCE -DSCHEDOP_VERSION='"$(VERSION)"' $(XEN_ABI) -Iinclude -Isrc \
	    2>$(O)/tidy.log || { cat $(O)/tidy.log; exit 1; }

# Both compilers' warnings, at more than the level we ship: some are only
# seen when the optimiser looks, others only when it does not.
LINT_GCC := -Wlogical-op -Wduplicated-cond -Wjump-misses-init
lint-compilers:
	@echo "lint: gcc and clang at -O0, -O2 and -Os"
	$(Q)mkdir -p $(O)
	$(Q)for f in $(LINT_CORE_C) $(LINT_X86_C); do \
	    for o in -O0 -Os; do \
	        $(CC) $(LINT_FREE) $(WARN) $(LINT_GCC) $$o -c $$f \
	            -o $(O)/lint.o || exit 1; \
	    done; \
	    for o in -O0 -O2; do \
	        $(CLANG) $(LINT_FREE) $(WARN) -Wthread-safety $$o -c $$f \
	            -o $(O)/lint.o || exit 1; \
	    done; \
	done

# GCC's own analyser on the code that guests talk to.
lint-analyzer:
	@echo "lint: gcc -fanalyzer"
	$(Q)for f in $(LINT_CORE_C) $(LINT_X86_C); do \
	    $(CC) $(LINT_FREE) -O1 -Wall -Werror -fanalyzer -fsyntax-only $$f \
	    || exit 1; done
