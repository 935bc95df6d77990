#!/usr/bin/env bash
# Makes a Docker engine answer: installs docker.io and starts dockerd where that is needed and we are root.
#
# Does nothing where an engine answers already. Meant for CI and throw-away machines; a user's machine is left to its
# service manager.
set -euo pipefail

LOG="${LEM_DOCKERD_LOG:-/tmp/dockerd.log}"
PATIENCE_S=60

fail() {
    printf 'docker: %s\n' "$1" >&2
    exit 1
}

answers() {
    docker version --format '{{.Server.Version}}' 2>/dev/null
}

if version=$(answers); then
    printf 'docker: engine %s answers\n' "$version"
    exit 0
fi
[ -z "${DOCKER_HOST:-}" ] || fail "no engine answers at DOCKER_HOST=$DOCKER_HOST; start it there, or unset DOCKER_HOST"
[ "$(id -u)" = 0 ] ||
    fail "no engine answers and only root can start one; try 'sudo systemctl start docker', or join the group docker"

if ! command -v dockerd >/dev/null; then
    command -v apt-get >/dev/null ||
        fail "there is no dockerd and this is not Debian or Ubuntu; see https://docs.docker.com/engine/install/"
    printf 'docker: installing docker.io with apt\n'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io ||
        fail "apt could not install docker.io; see the lines above"
fi

printf 'docker: starting dockerd, which writes to %s\n' "$LOG"
# A session of its own: it must outlive this script and not be reached by the Ctrl-C of a later one.
setsid nohup dockerd --storage-driver=overlay2 >"$LOG" 2>&1 </dev/null &
started=$!
for ((waited = 0; waited < PATIENCE_S; waited++)); do
    if version=$(answers); then
        printf 'docker: engine %s answers\n' "$version"
        exit 0
    fi
    kill -0 "$started" 2>/dev/null || fail "dockerd ended at once; $LOG says: $(tail -n 1 "$LOG")"
    sleep 1
done
fail "dockerd did not answer within $PATIENCE_S s; see $LOG"
