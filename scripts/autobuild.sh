#!/usr/bin/env bash
# Builds the project in .venv, or builds it and runs its checks.
#
#   scripts/autobuild.sh               virtual environment, dependencies, executables
#   scripts/autobuild.sh test          the same, then lint, type checks and all tests
#   scripts/autobuild.sh test --fast   lint, type checks and the unit tests: about a minute
#
# Options of "test":
#   --fast            leave out the tests that start servers, terminals or builds
#   --coverage        measure the coverage of lines and branches; slower
#   --python PROGRAM  use this interpreter, with a virtual environment of its own, such as
#                     .venv-3.12 for python3.12
# Further arguments go to pytest: scripts/autobuild.sh test --fast tests/muduopy
#
# PYTHON chooses the interpreter of .venv (3.11 or newer; default python3). A second run is quick
# and changes nothing.
set -euo pipefail
venv=${CHAT_VENV:-.venv}
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

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    python=${PYTHON:-}
    if [ -z "$python" ]; then
        for candidate in python3 python3.13 python3.12 python3.11; do
            if is_new_enough "$candidate"; then
                python=$candidate
                break
            fi
        done
    fi
    [ -n "$python" ] || die "needs Python 3.11 or newer (Debian package: python3)"
    is_new_enough "$python" || die "$python does not run, or is older than Python 3.11"
}

# Uses another interpreter and another virtual environment, named after its version. bin/* follow:
# scripts/launch.sh reads CHAT_VENV.
use_python() {
    PYTHON=$1
    find_python
    venv=.venv-$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    export CHAT_VENV=$venv
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

place() { printf '%s\n%s' "$(pwd)" "$(readlink -f -- "$venv/bin/python")"; }

# Makes the virtual environment, unless one exists that was made in this folder
# with an interpreter that still exists.
# The paths inside are absolute: in a copied checkout, .venv would run the code of the original.
make_venv() {
    if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/place" 2>/dev/null)" = "$(place)" ] &&
        "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        return
    fi
    find_python
    # On Debian, venv has a pip only if python3-venv is installed.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    say "making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
    place >"$venv/place"
}

# Is a program installed? Debian has the servers in folders that are not in the PATH of every user.
has_server() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null; }

# Installs the dependencies of a lock file, and the project, unless a stamp shows that this was done
# for the same lock file and the same pyproject.toml. pip refuses a file whose hash is not in the
# lock file. The lock file also has the build back end: without isolation, pip downloads no other
# one. .venv/built is for bin/*, which compares it: see scripts/launch.sh.
install() {
    local lock=$1 sum stamp pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
    sum=$(cat pyproject.toml "$lock" | cksum)
    stamp=$venv/installed-$lock
    if [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ]; then
        say "installing $lock"
        "${pip[@]}" --require-hashes -r "$lock"
        "${pip[@]}" --no-deps --no-build-isolation -e .
        printf '%s' "$sum" >"$stamp"
    fi
    printf '%s\n%s' "$(place)" "$(cat pyproject.toml requirements.lock | cksum)" >"$venv/built"
}

# Installs the packages of Node.js that tests need, in the versions of package-lock.json.
install_node_packages() {
    local folder=tests/node sum
    sum=$(cat "$folder/package.json" "$folder/package-lock.json" | cksum)
    [ "$(cat "$folder/node_modules/installed" 2>/dev/null)" != "$sum" ] || return 0
    say "installing $folder/package-lock.json"
    (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts --silent)
    printf '%s' "$sum" >"$folder/node_modules/installed"
}

run_checks() {
    # Without bytecode, each process of pytest rewrites all tests (10 s), and each server that a test
    # starts compiles all of its modules (1 s).
    unset PYTHONDONTWRITEBYTECODE
    say "ruff"
    "$venv/bin/ruff" check --quiet .
    "$venv/bin/ruff" format --quiet --check . || die "run: $venv/bin/ruff format ."
    say "mypy"
    # pytest rewrites the assertions of all tests, once: 13 s of CPU, in each of its processes if all
    # begin at the same time. One process does it meanwhile, because mypy uses one core. Its errors
    # come again in the run of the tests.
    "$venv/bin/python" -m pytest "${pytest[@]}" -n 0 --collect-only -q >/dev/null 2>&1 &
    local rewriting=$!
    "$venv/bin/mypy" --no-error-summary || {
        kill "$rewriting" 2>/dev/null || true
        exit 1
    }
    wait "$rewriting" || true
    say "pytest, with the longest tests at the end"
    if [ -z "$coverage" ]; then
        "$venv/bin/python" -m pytest "${pytest[@]}"
        return
    fi
    # It measures the programs that tests start, too. A program that ends by SIGKILL reports nothing.
    "$venv/bin/python" -m coverage erase
    "$venv/bin/python" -m coverage run -m pytest "${pytest[@]}"
    "$venv/bin/python" -m coverage combine --quiet
    "$venv/bin/python" -m coverage report --skip-covered --skip-empty
}

usage="usage: scripts/autobuild.sh [test [--fast] [--coverage] [--python PROGRAM] [PYTEST ARGUMENT …]]"

case ${1:-build} in
build)
    [ $# -le 1 ] || die "$usage"
    lock_build
    make_venv
    install requirements.lock
    unlock_build
    [ -z "${LAUNCHED:-}" ] || exit 0  # by bin/*, which starts a program now
    say "done; now try:"
    echo "    bin/chatserver 127.0.0.1 6000"
    echo "    bin/chatclient 127.0.0.1 6000"
    ;;
test)
    shift
    # One process more than there are cores, because many tests wait for a server or a clock.
    pytest=(-n "$(($(nproc) < 5 ? $(nproc) + 1 : 6))" --dist worksteal --durations 20) coverage=
    while [ $# -gt 0 ]; do
        case $1 in
        --fast) pytest+=(--fast) ;;
        --coverage) coverage=1 ;;
        --python)
            [ $# -ge 2 ] || die "$usage"
            use_python "$2"
            shift
            ;;
        *) break ;;
        esac
        shift
    done
    pytest+=("$@")
    missing=()
    command -v tmux >/dev/null || missing+=(tmux)
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v curl >/dev/null || missing+=(curl)
    command -v wrk >/dev/null || missing+=(wrk)
    command -v ab >/dev/null || missing+=(apache2-utils)
    command -v h2load >/dev/null || missing+=(nghttp2-client)
    has_server mariadbd || missing+=(mariadb-server)
    has_server redis-server || missing+=(redis-server)
    has_server nginx || missing+=(nginx)
    command -v npm >/dev/null || missing+=(npm)
    command -v chromium >/dev/null || missing+=(chromium)
    [ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || missing+=(libnginx-mod-stream)
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
    # The tests of the alert rules do more with promtool, and do without it if it cannot be had.
    has_server promtool || (apt_install --no-install-recommends prometheus) ||
        say "no promtool: the alert rules are checked without it"
    lock_build
    make_venv
    install requirements-dev.lock
    install_node_packages
    unlock_build
    run_checks
    ;;
*)
    die "$usage"
    ;;
esac
