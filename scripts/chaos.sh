#!/usr/bin/env bash
# The long chaos run: servers are killed, frozen and cut off under load, and a checker searches for
# messages that were lost, repeated or delivered to the wrong user. It needs the programs that
# scripts/autobuild.sh test installs.
#
#   scripts/chaos.sh --runs 200             seeds 1 to 200, a line each
#   scripts/chaos.sh --runs 20 --servers 3  with three chat servers
#   scripts/chaos.sh --runs 20 --sqlite     with one chat server on SQLite
#   scripts/chaos.sh --seed 17              one run again, with its schedule
#   scripts/chaos.sh --seed 1 --bug NAME    with a deliberate bug: tests/chaos/buggy_server.py
#
# A run with violations leaves its files in var/chaos/.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/python ] || scripts/autobuild.sh
exec .venv/bin/python -m tests.chaos.run "$@"
