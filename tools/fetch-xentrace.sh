#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Unpacks the two readers of traces that Debian packages with Xen, without
# installing Xen's tools. usage: tools/fetch-xentrace.sh DIR
#
# DIR then has xenalyze and xentrace_format. The latter, as Debian 12 ships
# it, names Python 3 and is written for Python 2; what Python 3 refuses is
# changed here, line by line, and nothing else. Fails with a reason on one
# line if the package cannot be had; XENTRACE_DEB names a file to use instead.
set -u
out=${1:?usage: tools/fetch-xentrace.sh DIR}
[ -x "$out/xenalyze" ] && [ -s "$out/xentrace_format" ] && exit 0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
deb=${XENTRACE_DEB:-}
if [ -z "$deb" ]; then
    # apt's own download user cannot write to a directory only we may enter.
    if ! (cd "$dir" &&
        apt-get -o APT::Sandbox::User=root download xen-utils-common) \
        >"$dir/log" 2>&1; then
        echo "cannot download xen-utils-common: $(tail -n 1 "$dir/log")"
        exit 1
    fi
    deb=$(echo "$dir"/xen-utils-common*.deb)
fi
if ! dpkg-deb -x "$deb" "$dir/x" 2>"$dir/log"; then
    echo "cannot unpack $deb: $(tail -n 1 "$dir/log")"
    exit 1
fi
mkdir -p "$out"
sed -e 's/^\( *\)print >> sys.stderr, *\\$/\1sys.stderr.write(\\/' \
    -e 's/^          """$/          """)/' \
    -e 's/print >> sys.stderr, \("[^"]*"\)/sys.stderr.write(\1)/' \
    -e 's/^\( *\)print "\(.*\)" % (\(.*\))$/\1print("\2" % (\3))/' \
    -e 's/^\( *\)print \([a-z].*\)$/\1print(\2)/' \
    -e 's/^except IOError, exn:/except IOError as exn:/' \
    -e 's/defs.has_key(\(str([^)]*)\))/(\1 in defs)/' \
    -e 's/: print \(defs.*\)$/: print(\1)/' \
    -e 's/^\( *\)except IOError, struct.error:/\1except (IOError, struct.error):/' \
    -e 's/sys.stdin.read/sys.stdin.buffer.read/' \
    "$dir/x/usr/bin/xentrace_format" >"$out/xentrace_format.$$"
mv "$out/xentrace_format.$$" "$out/xentrace_format"
cp "$dir/x/usr/bin/xenalyze" "$out/xenalyze.$$"
mv "$out/xenalyze.$$" "$out/xenalyze"
