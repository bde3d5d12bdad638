#!/usr/bin/env bash
# Runs the cases of the Autobahn test suite in their full sizes, and writes
# docs/muduopy/websocket-cases.md. It takes some minutes. The tests run them in smaller sizes.
#
#   scripts/websocket_cases.sh              all cases
#   scripts/websocket_cases.sh --only 9.3   some of them, without the page
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/python ] || scripts/autobuild.sh test --fast tests/muduopy/websocket
exec .venv/bin/python -m tests.muduopy.websocket.cases "$@"
