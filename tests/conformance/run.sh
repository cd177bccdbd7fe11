#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The conformance suite (suite.sh) in a short form, as a test that prints TAP.
# usage: tests/conformance/run.sh BUILDDIR [TOPIC|FACT...]
# CONFORMANCE_ON chooses environments, such as "schedop core".
set -u
build=${1:?usage: tests/conformance/run.sh BUILDDIR}
shift
args=()
for env in ${CONFORMANCE_ON:-}; do
    args+=(--env "$env")
done
"$(dirname "$0")/suite.sh" "$build" --tap --short ${args[@]+"${args[@]}"} "$@"
status=$?
[ $status -eq 5 ] && exit 1 # said in TAP
exit $status
