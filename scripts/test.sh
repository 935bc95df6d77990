#!/usr/bin/env bash
# Runs every test of the workspace and ends with the sum of what passed and failed.
set -uo pipefail

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo --locked test --release --workspace --no-fail-fast 2>&1 | tee "$log"
status=${PIPESTATUS[0]}

awk '/^test result:/ { for (i = 1; i <= NF; i++) {
        if ($i == "passed;") passed += $(i - 1)
        if ($i == "failed;") failed += $(i - 1)
        if ($i == "ignored;") ignored += $(i - 1)
    } }
    END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, ignored }' "$log"
exit "$status"
