#!/usr/bin/env bash
# Writes the lock files: the version of each dependency, with the hashes of its public files.
#
#   scripts/lock.sh            keep the locked versions, add and remove what pyproject.toml says
#   scripts/lock.sh --upgrade  the newest versions that pyproject.toml allows
#
# requirements.lock is for programs (the extras chat, client, http and websocket),
# requirements-dev.lock also for the checks. One file serves all versions of Python and all
# platforms. scripts/autobuild.sh installs from it, and pip refuses a file with another hash. Both
# contain the build back end, so that a build downloads nothing that is not locked.
#
# It asks the public package index, and installs uv in a virtual environment that it deletes
# afterwards. Then it writes docs/licenses.md (scripts/licenses.py).
set -euo pipefail
cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv

"$tools/bin/python" -c 'import tomllib
print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
' >"$tools/build.in"
# hatchling needs it for a build that runs the code of this folder.
echo editables >>"$tools/build.in"

# lock FILE EXTRAS [ARGUMENT …]
lock() {
    local file=$1 extras=() extra
    for extra in ${2//,/ }; do extras+=(--extra "$extra"); done
    shift 2
    "$tools/bin/uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --no-config --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command scripts/lock.sh "${extras[@]}" --output-file "$file" "$@" \
        pyproject.toml "$tools/build.in" >/dev/null
}

# Settings of this machine: the hashes must be those of the public index.
unset UV_INDEX UV_DEFAULT_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS
lock requirements.lock chat,client,http,websocket "$@"
lock requirements-dev.lock chat,client,http,websocket,dev --constraint requirements.lock "$@"

"$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r requirements-dev.lock
"$tools/bin/python" scripts/licenses.py
