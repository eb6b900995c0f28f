#!/usr/bin/env bash
# usage: release.sh [TARGET…]: builds the command as .goreleaser.yaml does for each target (default: all six), twice: here, and from a copy of the tree in another
# folder with an empty build cache. Wants the same bytes. Prints sizes and SHA-256. Then runs the one for this machine in an empty root directory, as in an image
# made FROM scratch.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- {linux,darwin,windows}/{amd64,arm64}
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
build() { # build FILE TARGET
  CGO_ENABLED=0 GOOS=${2%/*} GOARCH=${2#*/} go build -trimpath -buildvcs=false -ldflags '-s -w -X main.release=v0.0.0-test' -o "$1" ./cmd/spinemask
}
mkdir "$dir/here" "$dir/there" "$dir/copy"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$dir/copy"
for target; do
  name=spinemask-${target/\//-}
  build "$dir/here/$name" "$target"
  (cd "$dir/copy" && GOCACHE=$dir/cache build "$dir/there/$name" "$target")
  cmp "$dir/here/$name" "$dir/there/$name"
  printf '%s  %5.1f MB  %s\n' "$(sha256sum "$dir/here/$name" | cut -d' ' -f1)" "$(stat -c %s "$dir/here/$name" | awk '{print $1 / 1e6}')" "$target"
done
echo "reproducible: the same bytes from two folders"

own=$dir/here/spinemask-$(go env GOHOSTOS)-$(go env GOHOSTARCH)
[ -x "$own" ] || exit 0
mkdir "$dir/root"
cp "$own" "$dir/root/spinemask"
cp testdata/images/12f89395ad5d2149.png "$dir/root/photo.png"
empty() { if [ "$(id -u)" = 0 ]; then chroot "$dir/root" "$@"; else unshare --map-root-user chroot "$dir/root" "$@"; fi; }
test "$(empty /spinemask version | cut -d' ' -f2)" = v0.0.0-test
empty /spinemask segment /photo.png -o /out --save coco,overlay,report
test -s "$dir/root/out/results.json"
echo "static: runs in an empty root directory"
