#!/usr/bin/env bash
# Runs every test (Rust, the page's parts, the page in a browser) and ends with the sum of what passed and failed.
set -uo pipefail
cd "$(dirname "$0")/.."

PATH="$(scripts/tools.sh)/bin:$PATH"
export PATH
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

run() {
    "$@" 2>&1 | tee -a "$log"
    [ "${PIPESTATUS[0]}" = 0 ] || failed=1
}

run cargo --locked test --release --workspace --no-fail-fast
if command -v python3 >/dev/null; then
    run python3 -m unittest discover -s workers/tests -t workers
else
    echo "SKIPPED, the workers in Python were not tested: there is no python3"
fi
# Colours would hide the counts.
export NO_COLOR=1 FORCE_COLOR=0
run npm --prefix ui run --silent test
if command -v "${CHROMIUM:-chromium}" >/dev/null; then
    run npm --prefix ui run --silent test:browser
elif [ "${LEM_REQUIRE_DESKTOP:-0}" = 1 ]; then
    echo "LEM_REQUIRE_DESKTOP=1, but there is no chromium: run scripts/desktop.sh" | tee -a "$log"
    failed=1
else
    echo "SKIPPED, the page was not tested in a browser: there is no chromium; run scripts/desktop.sh"
fi

# Lines of unittest ("Ran 97 tests in 11.7s"; a failing one ends with "FAILED (failures=1)"), cargo ("test result: ok. 3 passed; 0 failed; 1 ignored"), Vitest ("Tests  30 passed | 1 skipped (31)") and
# Playwright ("  45 passed (1.2m)").
awk '/^test result:/ || /^ *Tests  / || /^ +[0-9]+ (passed|failed|skipped|flaky)/ {
        for (i = 2; i <= NF; i++) {
            word = $i; sub(/[;,|]$/, "", word)
            if (word == "passed") passed += $(i - 1)
            if (word == "failed") failed += $(i - 1)
            if (word == "ignored" || word == "skipped") skipped += $(i - 1)
        }
    }
    /^Ran [0-9]+ tests? in / { passed += $2 }
    /^FAILED \(/ { n = $0; gsub(/[^0-9]+/, " ", n); split(n, each, " "); for (i in each) { failed += each[i]; passed -= each[i] } }
    END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped }' "$log"
exit "$failed"
