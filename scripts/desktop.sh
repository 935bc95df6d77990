#!/usr/bin/env bash
# Prepares a machine for the tests of the window and of the page: a screen without a monitor, the drivers of WebKitGTK and
# Tauri, Chromium, fonts. Meant for CI and throw-away machines; elsewhere those tests say that they are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

TAURI_DRIVER=2.1.0

fail() {
    printf 'desktop: %s\n' "$1" >&2
    exit 1
}

packages=()
need() {
    command -v "$1" >/dev/null || packages+=("$2")
}
need Xvfb xvfb
need openbox openbox
need dbus-daemon dbus
need xdotool xdotool
need maim maim
need WebKitWebDriver webkit2gtk-driver
need chromium chromium
# Without a font the pictures hold boxes, and nobody could judge them.
[ -d /usr/share/fonts/truetype/dejavu ] || packages+=(fonts-dejavu-core)
# The tray's library is loaded when it is there.
[ -e /usr/lib/x86_64-linux-gnu/libayatana-appindicator3.so.1 ] || packages+=(libayatana-appindicator3-1)
if [ ${#packages[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || fail "this is not Debian or Ubuntu; install these packages: ${packages[*]}"
    [ "$(id -u)" = 0 ] || fail "only root can install packages; install these, then try again: ${packages[*]}"
    printf 'desktop: installing %s with apt\n' "${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null ||
        fail "apt could not install ${packages[*]}"
fi

tools="$(scripts/tools.sh)"
if ! "$tools/bin/tauri-driver" --help >/dev/null 2>&1; then
    printf 'desktop: building tauri-driver %s\n' "$TAURI_DRIVER"
    CARGO_TARGET_DIR="$tools/target" cargo install --quiet --locked --root "$tools" \
        "tauri-driver@$TAURI_DRIVER" || fail "tauri-driver could not be built"
    rm -rf "$tools/target"
fi
echo "desktop: ready"
