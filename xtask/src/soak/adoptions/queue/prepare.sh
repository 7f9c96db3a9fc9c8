# A shell and a web server that need no library.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$PWD
cd "$work"
apt-get download busybox-static >/dev/null
dpkg-deb --extract ./*.deb .
cp bin/busybox "$out/busybox"
