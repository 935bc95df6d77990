#!/usr/bin/env bash
# Checks the tools that building needs, and installs what Debian or Ubuntu can provide, after saying so.
set -euo pipefail

RUST_NEEDED=1.95

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

command -v cargo >/dev/null || fail "there is no Rust toolchain; install Rust $RUST_NEEDED or newer: https://rustup.rs"
rust=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n' "$RUST_NEEDED" "$rust" | sort -V | head -n 1)" = "$RUST_NEEDED" ] ||
    fail "Rust $rust is too old; $RUST_NEEDED or newer is needed: rustup update stable"

packages=()
# SQLite and zstd are compiled from C.
command -v cc >/dev/null || packages+=(build-essential)
[ ${#packages[@]} -gt 0 ] || exit 0

by_hand="install these packages, then try again: ${packages[*]}"
command -v apt-get >/dev/null || fail "this is not Debian or Ubuntu; $by_hand"
if [ "$(id -u)" = 0 ]; then
    as_root=()
elif command -v sudo >/dev/null; then
    as_root=(sudo)
else
    fail "not root and no sudo; $by_hand (apt-get install ${packages[*]})"
fi
printf 'setup: installing %s with apt\n' "${packages[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" ||
    fail "apt could not install them; $by_hand"
