/* SPDX-License-Identifier: MIT */
/* What the parts of the kit under test in guest_kit.c link against. */
#include "kit/private.h"

void test_set_cmdline(const char *text);

struct kit_info kit_the_info;

void test_set_cmdline(const char *text)
{
    kit_the_info.cmdline = text;
}
