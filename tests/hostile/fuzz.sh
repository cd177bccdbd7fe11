#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The short form of a fuzzing campaign. usage: tests/hostile/fuzz.sh BUILDDIR
exec bash tests/hostile/campaign.sh 60000 1 "${1:?usage: fuzz.sh BUILDDIR}"
