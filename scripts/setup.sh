#!/usr/bin/env bash
# Checks the tools that building needs, and installs what Debian or Ubuntu can provide, after saying so. With the word
# `bundle`, what making a package needs as well.
set -euo pipefail

RUST_NEEDED=1.95
NODE_NEEDED=20.19

fail() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

# Whether version $2 is at least $1.
at_least() {
    [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

command -v cargo >/dev/null || fail "there is no Rust toolchain; install Rust $RUST_NEEDED or newer: https://rustup.rs"
rust=$(rustc --version | cut -d' ' -f2)
at_least "$RUST_NEEDED" "$rust" || fail "Rust $rust is too old; $RUST_NEEDED or newer is needed: rustup update stable"

command -v npm >/dev/null || fail "there is no Node; install Node $NODE_NEEDED or newer with npm: https://nodejs.org"
node=$(node --version)
at_least "$NODE_NEEDED" "${node#v}" || fail "Node $node is too old; $NODE_NEEDED or newer is needed: https://nodejs.org"

packages=()
# SQLite and zstd are compiled from C.
command -v cc >/dev/null || packages+=(build-essential)
# The window is WebKitGTK's.
{ command -v pkg-config >/dev/null && pkg-config --exists webkit2gtk-4.1; } || packages+=(libwebkit2gtk-4.1-dev pkg-config)
# Tauri writes the tray's library into what the package depends on, and asks pkg-config for its name.
if [ "${1:-}" = bundle ]; then
    { command -v pkg-config >/dev/null && pkg-config --exists ayatana-appindicator3-0.1; } ||
        packages+=(libayatana-appindicator3-dev)
fi
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
