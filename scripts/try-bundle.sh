#!/usr/bin/env bash
# Runs the quickstart from the .deb that `make bundle` made, without installing it: what is needed of ours is inside.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dpkg-deb --extract "${CARGO_TARGET_DIR:-target}"/release/bundle/deb/*.deb "$folder/package"
mkdir "$folder/project"
cp examples/quickstart.yaml "$folder/project/"
for file in usr/bin/lem-desktop usr/share/applications usr/share/icons/hicolor/128x128/apps/lem-desktop.png; do
    [ -e "$folder/package/$file" ] || { echo "try-bundle: the package lacks $file" >&2; exit 1; }
done
env -i PATH=/usr/bin:/bin HOME="$folder" "$folder/package/usr/bin/lem" --project "$folder/project" --quiet run "$folder/project/quickstart.yaml"
env -i PATH=/usr/bin:/bin HOME="$folder" "$folder/package/usr/bin/lem" --project "$folder/project" results
