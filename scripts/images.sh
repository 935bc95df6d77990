#!/usr/bin/env bash
# Builds the images of docker-compose.yml that need no registry: the embedded worker, linked statically, alone.
set -euo pipefail

target=x86_64-unknown-linux-gnu
folder="${CARGO_TARGET_DIR:-target}"
image=$(sed -nE 's/^ *image: (lem-worker-candle:.*)$/\1/p' docker-compose.yml)
[ -n "$image" ] || { echo "images: docker-compose.yml names no image for candle" >&2; exit 1; }

# A target of its own, so that programs that run while building are linked as usual.
RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --release --target "$target" -p lem-worker-candle

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp "$folder/$target/release/lem-worker-candle" crates/lem-worker-candle/Dockerfile "$context/"
strip "$context/lem-worker-candle"
docker build --quiet --tag "$image" "$context"
echo "images: built $image"
