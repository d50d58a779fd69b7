#!/usr/bin/env bash
# Lays out the file tree of the image without a Docker engine: hack/image.sh ROOTDIR. The Dockerfile makes the same from
# a base image. To run it in the test cluster:
#   test/cluster/run.sh image REF ROOTDIR --entrypoint /kymaros-controller --user 65532
set -euo pipefail
root=${1:?usage: hack/image.sh ROOTDIR}
if [ -e "$root" ] && [ -n "$(ls -A "$root")" ]; then
  [ -f "$root/etc/passwd" ] && [ -d "$root/tmp" ] || { echo "hack/image.sh: $root is not empty and no file tree of an image: name another directory" >&2; exit 1; }
  rm -rf "$root"
fi
mkdir -p "$root"/etc "$root"/tmp
chmod 1777 "$root/tmp"
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nnonroot:x:65532:\n' >"$root/etc/group"
# Notifications go to servers whose certificates public authorities signed.
for ca in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
  [ -f "$ca" ] || continue
  mkdir -p "$root/etc/ssl/certs"
  cp "$ca" "$root/etc/ssl/certs/ca-certificates.crt"
  break
done
GOOS=linux exec "$(dirname "${BASH_SOURCE[0]}")/build.sh" "$root" ./cmd/kymaros-... # the kubectl plugin is for people's machines
