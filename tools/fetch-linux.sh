#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Unpacks the Linux kernel that Debian packages for virtual machines, and a
# static busybox, without installing them. usage: tools/fetch-linux.sh DIR
#
# Makes DIR/vmlinuz, DIR/busybox and DIR/modules. Fails with a reason on one
# line if the packages cannot be had; tests that need Linux then skip with
# that reason.
set -u
out=${1:?usage: tools/fetch-linux.sh DIR}
[ -s "$out/vmlinuz" ] && [ -s "$out/busybox" ] && exit 0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

kernel() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        awk '/Depends: linux-image-/ { print $2; exit }'
}

pkg=$(kernel)
if [ -z "$pkg" ] && [ "$(id -u)" -eq 0 ]; then
    apt-get update >/dev/null 2>&1
    pkg=$(kernel)
fi
if [ -z "$pkg" ]; then
    echo "no package linux-image-cloud-amd64 is known here"
    exit 1
fi
# apt's own download user cannot write to a directory only we may enter.
if ! (cd "$dir" && apt-get -o APT::Sandbox::User=root download "$pkg" \
    busybox-static) >"$dir/log" 2>&1; then
    echo "cannot download $pkg: $(tail -n 1 "$dir/log")"
    exit 1
fi
for deb in "$dir"/*.deb; do
    if ! dpkg-deb -x "$deb" "$dir/x" 2>"$dir/log"; then
        echo "cannot unpack $deb: $(tail -n 1 "$dir/log")"
        exit 1
    fi
done
mkdir -p "$out"
modules=$(echo "$dir"/x/lib/modules/*)
rm -rf "$out/modules"
cp "$dir/x/bin/busybox" "$out/busybox" &&
    mv "$modules" "$out/modules" &&
    cp "$dir"/x/boot/vmlinuz-* "$out/vmlinuz"
