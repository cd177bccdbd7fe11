# SPDX-License-Identifier: MIT
#
# schedop: one plain Makefile. Each room has a fragment in mk/ that appends to
# the lists below; objects go to build/, never beside their source.
#
#   make          build everything
#   make run      build and boot the tour
#   make check    all tests; ends in "N passed, N failed, N skipped"
#   make lab      build, and run the showcase of the lab
#   make lint     formatter, warnings, layers, analysers
#   make exam     defects of history: each mutant fails, ours passes
#   make stress   the whole machine under random calls
#   make bench    figures beside real Xen; bench-lab: speed of the lab
#   make install  under PREFIX (default /usr/local), DESTDIR honoured
#   make help     this list

VERSION := 0.1.0
O       := build
CC      ?= gcc
CLANG   ?= clang
HOSTCC  ?= gcc
PREFIX  ?= /usr/local
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run check lint install clean

WARN := -Wall -Wextra -Wpedantic -Werror -Wshadow -Wundef -Wvla -Wconversion \
    -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
    -Wold-style-definition -Wnested-externs -Wredundant-decls -Wcast-qual \
    -Wcast-align -Wwrite-strings -Wpointer-arith -Wformat=2 \
    -Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -fno-common

# Xen's public headers live in /usr/include/xen; nothing else of /usr/include
# may be used by freestanding code (tools/layers checks).
XEN_ABI := -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ \
    -D__XEN_TOOLS__

# Freestanding code for the hypervisor and the core.
FREESTANDING := -std=gnu11 -ffreestanding -fno-pic -fno-pie \
    -fno-stack-protector -fno-asynchronous-unwind-tables \
    -fno-strict-aliasing -ffunction-sections -fdata-sections
X86_CFLAGS := -m64 -mno-red-zone -mgeneral-regs-only -mcmodel=kernel \
    -fno-omit-frame-pointer

# The hypervisor's rooms are optimised as a whole each: gcc does that when it
# links objects with -flto partially. clang's objects are just put together.
# $(call LINK_WHOLE,OBJECTS) makes $@ of them.
WHOLE := $(if $(findstring clang,$(CC)),,-flto)
LINK_WHOLE = $(if $(WHOLE),$(CC) $(FREESTANDING) $(X86_CFLAGS) $(WHOLE) -O2 \
    -g -flto-partition=one -flinker-output=nolto-rel -nostdlib -r,\
    $(LD) -m elf_x86_64 -r) -o $@ $(1)

# `make DEBUG=1` compiles the hypervisor with its assertions (src/lib/bug.h).
# Tests on the host always have them.
DEBUG ?= 0
X86_CFLAGS += -DSOP_DEBUG=$(DEBUG)

# What each fragment adds to.
ALL     :=   # files `make all` builds
CHECKS  :=   # test programs and scripts: each prints TAP and is run by
             # tools/check; a name that ends in .sh runs with $(O) as $$1
LINTS   :=   # phony targets `make lint` runs

include $(sort $(wildcard mk/*.mk))

all: $(ALL)

clean:
	$(Q)rm -rf $(O)
