#!/usr/bin/env bash
# Tests with real engines on this machine's CPU: PyTorch with Transformers, and a llama.cpp server. Each lives in a
# virtual environment in the user's cache, made from PyPI when it is not there: 4.7 GB in two minutes, and 1 GB in about
# a quarter of an hour, most of which is compiling llama.cpp.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/lem-desktop"

# Environments are made anew when what they are made from changes.
llama() {
    local venv="$cache/venv-llama" requirements=workers/requirements/llama-server.txt wanted
    wanted=$({ python3 --version; cat "$requirements"; } | sha256sum | cut -d ' ' -f 1)
    if [ "$(cat "$venv/requirements.sha256" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing a llama.cpp server for tests into $venv (it is compiled here)" >&2
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
        echo "$wanted" >"$venv/requirements.sha256"
    fi
    echo "$venv"
}

LEM_ENGINES_PYTORCH=$(workers/tests_engines/setup-venv.sh)
LEM_ENGINES_LLAMA=$(llama)
export LEM_ENGINES_PYTORCH LEM_ENGINES_LLAMA LEM_REQUIRE_ENGINES=1

(cd workers && "$LEM_ENGINES_PYTORCH/bin/python" -m unittest discover -s tests_engines -t .)
cargo --locked test --release --workspace --test engines -- --test-threads 1
