#!/usr/bin/env bash
# The long fuzz run: frames made from the schema, correct and damaged, in all dialects, to a server
# with a witness pair. It needs the packages that scripts/autobuild.sh test installs.
#
#   scripts/fuzz.sh --runs 20 --frames 100000    seeds 1 to 20, a line each
#   scripts/fuzz.sh --seed 17                    one run again
#
# .venv/bin/python -m tests.fuzz.guided searches the decoders for lines that no input has reached.
#
# A seed fixes the frames, but not the order in which the server gets those of two connections.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/python ] || scripts/autobuild.sh
exec .venv/bin/python -m tests.fuzz.run "$@"
