#!/bin/sh
# Makes the virtual environment in which the real PyTorch is tested, and prints its path. Quiet and quick when it is there.
#
# It is made anew when the requirements or Python change. About 4.7 GB, a minute and a half.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
requirements=$here/../requirements/pytorch-cpu.txt
folder=${XDG_CACHE_HOME:-$HOME/.cache}/lem-desktop
venv=$folder/venv-pytorch
python=${LEM_PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "PyTorch 2.15 needs Python 3.11 or later; name one as LEM_PYTHON" >&2
    exit 1
}
wanted=$({ "$python" --version; cat "$requirements"; } | sha256sum | cut -d ' ' -f 1)

mkdir -p "$folder"
exec 9> "$folder/venv-pytorch.lock"
flock 9
if [ "$(cat "$venv/requirements.sha256" 2> /dev/null)" != "$wanted" ]; then
    echo "Installing PyTorch for tests into $venv (about 4.7 GB)" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv" || {
        echo "$python -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    }
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --no-deps --requirement "$requirements" >&2
    "$venv/bin/python" -c 'import torch, transformers, peft, accelerate, datasets'
    echo "$wanted" > "$venv/requirements.sha256"
fi
echo "$venv"
