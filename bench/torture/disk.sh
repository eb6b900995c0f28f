#!/usr/bin/env bash
# usage: disk.sh (as root): runs onto a small file system until it is full, and onto one that cannot be written to. Wants exit code 1, one error line, no file that
# is not whole, and the bytes of an undisturbed run once there is room again.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
mkdir "$dir/small"
mount -t tmpfs -o size=1M tmpfs "$dir/small"
trap 'umount "$dir/small"; rm -rf "$dir"' EXIT
mapfile -t images < <(find testdata/images -name '*.png' -size -100k | sort)
CGO_ENABLED=0 go build -o "$dir/spinemask" ./cmd/spinemask

fails() { # fails ERROR COMMAND…: exit code 1, and that error
  local code=0
  "${@:2}" 2>"$dir/stderr" || code=$?
  test $code = 1 || { echo "exit code $code, want 1"; exit 1; }
  test "$(grep -c '^spinemask: error: ' "$dir/stderr")" = 1
  grep "^spinemask: error: .*$1" "$dir/stderr"
}
"$dir/spinemask" segment "${images[@]}" -o "$dir/whole" --quiet
fails 'no space left on device' "$dir/spinemask" segment "${images[@]}" -o "$dir/small/out"
test -z "$(find "$dir/small" -name '*.tmp')"
for f in "$dir"/small/out/overlay/*.png; do cmp "$f" "$dir/whole/overlay/$(basename "$f")"; done
mount -o remount,size=64M "$dir/small"
"$dir/spinemask" segment "${images[@]}" -o "$dir/small/out" --resume --quiet
diff -r "$dir/whole" "$dir/small/out"
mount -o remount,ro "$dir/small"
fails 'read-only file system' "$dir/spinemask" segment "${images[@]}" -o "$dir/small/other"
fails 'read-only file system' "$dir/spinemask" segment "${images[@]}" -o "$dir/small/out" --resume
umount "$dir/small"
mount -t tmpfs -o size=300k tmpfs "$dir/small" # nearly enough for the video
if command -v ffmpeg > /dev/null; then fails 'No space left on device' "$dir/spinemask" video testdata/video/pan.mp4 -o "$dir/small/out.mp4" --backend ffmpeg; fi
test -z "$(ls -A "$dir/small")"
echo "full and read-only disks: good"
