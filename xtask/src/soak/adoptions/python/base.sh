# A Debian with Python and nothing else, from Debian's own packages: no registry of images is asked.
set -eu
packages="libbz2-1.0 libc6 libcrypt1 libexpat1 libffi8 libgcc-s1 liblzma5 libpython3.11-minimal libpython3.11-stdlib
  libssl3 libuuid1 python3.11-minimal zlib1g"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/root"
out=$PWD/base.tar.gz
cd "$work/packages"
apt-get download $packages >/dev/null
cd "$work/root"
mkdir -p etc tmp usr/bin usr/lib usr/lib64 usr/sbin
chmod 1777 tmp
for folder in bin lib lib64 sbin; do
  ln -s "usr/$folder" "$folder"
done
for package in ../packages/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar x --keep-directory-symlink
done
rm -rf usr/share
printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n' >etc/passwd
printf 'root:x:0:\nweb:x:1000:\n' >etc/group
tar cz --owner 0 --group 0 . >"$out"
