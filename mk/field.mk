# SPDX-License-Identifier: MIT
# Guests of the shapes found in the field (tests/field/run.sh builds them) and
# Linux as Debian packages it.
CHECKS += tests/field/run.sh tests/field/linux.sh tests/field/life.sh
