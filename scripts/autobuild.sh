#!/usr/bin/env bash
# Builds the project in .venv, or builds it and runs every check.
#
#   scripts/autobuild.sh        virtual environment, dependencies, executables
#   scripts/autobuild.sh test   the same, then lint, type checks and the whole test suite
#
# PYTHON chooses the interpreter (3.11 or newer; default python3). Running it again is quick
# and changes nothing. Further arguments after "test" go to pytest.
set -euo pipefail
cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."

say() { printf 'autobuild: %s\n' "$*"; }
die() { printf 'autobuild: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages, as root or through sudo. Without both it names the packages and stops.
# policy-rc.d keeps Debian from starting the services among them: the tests start their own servers.
# An existing policy-rc.d stays as it is.
apt_install() {
    say "installing Debian packages: $*"
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "needs these Debian packages, and root to install them: $*"
        sudo=(sudo)
    fi
    command -v apt-get >/dev/null || die "needs these packages (names as in Debian): $*"
    local quiet=(-y -qq -o Dpkg::Use-Pty=0) policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
        "${sudo[@]}" chmod 755 "$policy"
        # shellcheck disable=SC2064 # the values at this time
        trap "${sudo[*]} rm -f $policy" EXIT
    fi
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install "${quiet[@]}" "$@" >/dev/null 2>&1 || {
        "${sudo[@]}" apt-get update -qq >/dev/null
        DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install "${quiet[@]}" "$@" >/dev/null
    } || die "could not install: $*"
}

find_python() {
    python=${PYTHON:-}
    if [ -z "$python" ]; then
        for candidate in python3 python3.13 python3.12 python3.11; do
            if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
                python=$candidate
                break
            fi
        done
    fi
    [ -n "$python" ] || die "needs Python 3.11 or newer (Debian package: python3)"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        die "$python is not Python 3.11 or newer"
}

# One build at a time. Example: a server and a client start together in a new checkout, and both
# need .venv. The second one waits for the first one's build, and uses it.
lock_build() {
    exec 9>.build-lock || die "$(pwd) is not built yet, and is not writable"
    flock -n 9 || {
        say "waiting for another build in this folder"
        flock 9
    }
}

# A program that runs later must not inherit the lock.
unlock_build() { exec 9>&-; }

place() { printf '%s\n%s' "$(pwd)" "$(readlink -f -- .venv/bin/python)"; }

# Makes .venv, unless one exists that was made in this folder with an interpreter that still exists.
# The paths inside are absolute: in a copied checkout, .venv would run the code of the original.
make_venv() {
    if [ -x .venv/bin/python ] && [ "$(cat .venv/place 2>/dev/null)" = "$(place)" ] &&
        .venv/bin/python -c 'import pip' 2>/dev/null; then
        return
    fi
    find_python
    # On Debian, venv has a pip only if python3-venv is installed.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
    place >.venv/place
}

# Is a program installed? Debian has the servers in folders that are not in the PATH of every user.
has_server() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null; }

# Installs the project with some extras, unless a stamp shows that this was done for the same
# pyproject.toml. .venv/built is for bin/*, which compares it: see scripts/launch.sh.
install() {
    local extras=$1 sum stamp
    sum=$(cksum <pyproject.toml)
    stamp=.venv/installed-$extras
    if [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ]; then
        say "installing muduopy[$extras]"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extras]"
        printf '%s' "$sum" >"$stamp"
    fi
    printf '%s\n%s' "$(place)" "$sum" >.venv/built
}

run_checks() {
    say "ruff"
    .venv/bin/ruff check --quiet .
    .venv/bin/ruff format --quiet --check . || die "run: .venv/bin/ruff format ."
    say "mypy"
    .venv/bin/mypy --no-error-summary
    say "pytest"
    .venv/bin/python -m pytest "$@"
}

case ${1:-build} in
build)
    [ $# -le 1 ] || die "usage: scripts/autobuild.sh [test [PYTEST ARGUMENT …]]"
    lock_build
    make_venv
    install chat,client
    unlock_build
    [ -z "${LAUNCHED:-}" ] || exit 0  # by bin/*, which starts a program now
    say "done; now try:"
    echo "    bin/chatserver 127.0.0.1 6000"
    echo "    bin/chatclient 127.0.0.1 6000"
    ;;
test)
    shift
    missing=()
    command -v tmux >/dev/null || missing+=(tmux)
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v openssl >/dev/null || missing+=(openssl)
    has_server mariadbd || missing+=(mariadb-server)
    has_server redis-server || missing+=(redis-server)
    has_server nginx || missing+=(nginx)
    [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || missing+=(libnginx-mod-stream)
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
    lock_build
    make_venv
    install chat,client,http,dev
    unlock_build
    run_checks "$@"
    ;;
*)
    die "usage: scripts/autobuild.sh [test [PYTEST ARGUMENT …]]"
    ;;
esac
