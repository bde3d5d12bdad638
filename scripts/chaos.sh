#!/usr/bin/env bash
# Long chaos: real servers, killed, frozen and cut off under load, and a checker that finds what was
# lost, repeated or seen by others. Needs what scripts/autobuild.sh test installs.
#
#   scripts/chaos.sh --runs 200             seeds 1 to 200, a line each
#   scripts/chaos.sh --seed 17              one run again, with its schedule
#   scripts/chaos.sh --seed 1 --bug NAME    with a deliberate bug: tests/chaos/buggy_server.py
#
# What a run with problems leaves is in var/chaos/.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/python ] || scripts/autobuild.sh
exec .venv/bin/python -m tests.chaos.run "$@"
