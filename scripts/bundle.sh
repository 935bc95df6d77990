#!/usr/bin/env bash
# Makes installable packages of what `make build` built, with the command `lem` and the embedded worker beside the app: a .deb, and an
# AppImage where the tools that Tauri downloads for one can be had. Says where they are, or why one was not made.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh bundle

target="${CARGO_TARGET_DIR:-$PWD/target}"
triple=$(rustc -vV | sed -n 's/^host: //p')
staged="$target/staged"
tauri="$PWD/ui/node_modules/.bin/tauri"

# Tauri wants the programs that come along under names with the target triple. They go without their symbols.
rm -rf "$staged" "$target/release/bundle"
mkdir -p "$staged"
for program in lem lem-worker-candle; do
    strip --strip-unneeded -o "$staged/$program-$triple" "$target/release/$program"
done
# The workers in Python, where `lem` in /usr/bin looks for them.
mkdir -p "$staged/workers"
cp -r workers/lem_worker "$staged/workers/"
find "$staged/workers" -name __pycache__ -prune -exec rm -rf {} +
files=$(printf '{"files":{"/usr/lib/lem-desktop/workers":"%s/workers"}}' "$staged")
config=$(printf '{"bundle":{"externalBin":["%s/lem","%s/lem-worker-candle"],"linux":{"deb":%s,"appimage":%s}}}' \
    "$staged" "$staged" "$files" "$files")

bundle() {
    "$tauri" bundle --ci --bundles "$1" --config "$config"
}

bundle deb
if ! command -v curl >/dev/null || ! curl --silent --head --max-time 10 --output /dev/null https://github.com; then
    echo "bundle: no AppImage: the tools that Tauri downloads for it (linuxdeploy) cannot be reached from here"
else
    bundle appimage || echo "bundle: no AppImage: see the lines above"
fi
find "$target/release/bundle" -name '*.deb' -o -name '*.AppImage'
