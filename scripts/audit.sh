#!/usr/bin/env bash
# Looks up the locked dependencies in the public lists of vulnerabilities, with pip-audit.
#
#   scripts/audit.sh [ARGUMENT OF pip-audit …]
#
# It needs the network, and installs pip-audit in a virtual environment that it deletes afterwards.
# Exit status: 0 if no vulnerability is known, 1 if one is, or if a package could not be looked up.
set -euo pipefail
cd -P -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check pip-audit
"$tools/bin/pip-audit" --strict --disable-pip --require-hashes -r requirements-dev.lock "$@"
