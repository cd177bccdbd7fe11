# SPDX-License-Identifier: MIT
# Guests of the shapes found in the field: tests/field/run.sh builds them.
CHECKS += tests/field/run.sh
