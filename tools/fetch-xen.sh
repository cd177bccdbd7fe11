#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Unpacks the hypervisor that Debian packages, without installing it (that
# would change how this machine boots). usage: tools/fetch-xen.sh OUT.elf
#
# Fails with a reason on one line if the package cannot be had; tests that
# need real Xen then skip with that reason. XEN_DEB names a package file to
# use instead of downloading.
set -u
out=${1:?usage: tools/fetch-xen.sh OUT.elf}
[ -s "$out" ] && exit 0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
deb=${XEN_DEB:-}
if [ -z "$deb" ]; then
    pkg=$(apt-cache search --names-only '^xen-hypervisor-[0-9.]+-amd64$' \
        2>/dev/null | awk '{print $1}' | sort -V | tail -n 1)
    if [ -z "$pkg" ] && [ "$(id -u)" -eq 0 ]; then
        apt-get update >/dev/null 2>&1
        pkg=$(apt-cache search --names-only '^xen-hypervisor-[0-9.]+-amd64$' \
            2>/dev/null | awk '{print $1}' | sort -V | tail -n 1)
    fi
    if [ -z "$pkg" ]; then
        echo "no package xen-hypervisor-*-amd64 is known here"
        exit 1
    fi
    # apt's own download user cannot write to a directory only we may enter.
    if ! (cd "$dir" && apt-get -o APT::Sandbox::User=root download "$pkg") \
        >"$dir/log" 2>&1; then
        echo "cannot download $pkg: $(tail -n 1 "$dir/log")"
        exit 1
    fi
    deb=$(echo "$dir"/xen-hypervisor-*.deb)
fi
if ! dpkg-deb -x "$deb" "$dir/x" 2>"$dir/log"; then
    echo "cannot unpack $deb: $(tail -n 1 "$dir/log")"
    exit 1
fi
gz=$(echo "$dir"/x/boot/xen-*-amd64.gz)
mkdir -p "$(dirname "$out")"
# Two tests may fetch it at the same time.
zcat "$gz" >"$out.$$" && mv "$out.$$" "$out"
