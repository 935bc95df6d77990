#!/usr/bin/env bash
# Prints the folder of tools that tests use and the project does not ship, outside of the repository.
set -euo pipefail
echo "${LEM_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/lem-desktop/tools}"
