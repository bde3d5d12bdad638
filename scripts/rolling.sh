#!/usr/bin/env bash
# A rolling restart: the servers of a cluster are drained and started again in turn, while SDK clients
# write to each other. It fails if a send fails, or if a message is lost, repeated or out of order.
#
#   scripts/rolling.sh                               two servers, three rounds, 40 clients
#   scripts/rolling.sh --rounds 10 --clients 60 --rate 20
#   scripts/rolling.sh --bug close-before-commit     with a deliberate bug, which it must find
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/python ] || scripts/autobuild.sh
exec .venv/bin/python -m tests.chaos.rolling "$@"
