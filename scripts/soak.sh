#!/usr/bin/env bash
# The soak: a server at half its peak for 30 minutes, with users that come and go. It fails if
# memory, descriptors, threads or latency rise. It needs the packages that scripts/autobuild.sh test
# installs; the plot needs matplotlib, which it installs in a virtual environment of its own.
#
#   scripts/soak.sh                  30 minutes, and the plot docs/soak.png
#   scripts/soak.sh --minutes 5 …    with other options of bench.soak; no plot
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/python ] || scripts/autobuild.sh
if [ $# -gt 0 ]; then
    exec .venv/bin/python -m bench.soak "$@"
fi
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m pip install --quiet --disable-pip-version-check --target "$tools" matplotlib
PYTHONPATH=$tools .venv/bin/python -m bench.soak --plot docs/soak.png
