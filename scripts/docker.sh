#!/usr/bin/env bash
# Prepares a machine for the tests in containers: makes a Docker engine answer (installs docker.io and starts dockerd where
# that is needed and we are root), and installs what the tests make images from and compare with.
#
# Meant for CI and throw-away machines; a user's machine is left to its service manager.
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

install() {
    command -v apt-get >/dev/null || fail "this is not Debian or Ubuntu; install these packages: $*"
    [ "$(id -u)" = 0 ] || fail "only root can install packages; install these, then try again: $*"
    printf 'docker: installing %s with apt\n' "$*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" || fail "apt could not install $*; see the lines above"
}

packages=()
# The tests' images hold one statically linked program; the compose reader is compared with docker-compose.
dpkg -s busybox-static >/dev/null 2>&1 || packages+=(busybox-static)
command -v docker-compose >/dev/null || packages+=(docker-compose)
command -v docker >/dev/null && { answers >/dev/null || command -v dockerd >/dev/null; } || packages+=(docker.io)
[ ${#packages[@]} = 0 ] || install "${packages[@]}"

if version=$(answers); then
    printf 'docker: engine %s answers\n' "$version"
    exit 0
fi
[ -z "${DOCKER_HOST:-}" ] || fail "no engine answers at DOCKER_HOST=$DOCKER_HOST; start it there, or unset DOCKER_HOST"
[ "$(id -u)" = 0 ] ||
    fail "no engine answers and only root can start one; try 'sudo systemctl start docker', or join the group docker"

# Left behind by an engine that was killed: a process that has its number by now would be taken for it.
forget_dead() {
    [ ! -f "$1" ] || grep -qs "^$2" "/proc/$(cat "$1")/comm" || rm -f "$1"
}
forget_dead /var/run/docker.pid dockerd
forget_dead /var/run/docker/containerd/containerd.pid containerd

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
