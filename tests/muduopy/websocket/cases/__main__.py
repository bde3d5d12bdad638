"""Runs all cases in the sizes of the suite, and writes docs/muduopy/websocket-cases.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.muduopy.websocket.cases.case import FULL, SMALL, Case
from tests.muduopy.websocket.cases.run import CASES, LIMITS, failure_of
from tests.muduopy.websocket.websocketkit import RunningWebSockets, echo

PAGE = Path(__file__).resolve().parents[4] / "docs" / "muduopy" / "websocket-cases.md"

HEAD = """\
# The cases of the Autobahn test suite

Made by `scripts/websocket_cases.sh`. The numbers are those of the
[Autobahn test suite](https://github.com/crossbario/autobahn-testsuite). Its client runs on Python 2
only, so the cases are written anew, from RFC 6455, RFC 7692 and the suite's descriptions, in
`tests/muduopy/websocket/cases`. The cases run against an echo server of `muduopy.websocket` with
compression. Cases 12 and 13 use made data of the same kinds as the suite's files.

"ok" means that the answers and the close code are exactly the expected ones; also in cases 6.4,
where the suite accepts a later failure, and in 7.1.6 and 7.13, where it accepts any end.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="the sizes of the tests; no page")
    parser.add_argument("--only", default="", metavar="PREFIX", help="cases such as 9.3; no page")
    arguments = parser.parse_args()
    chosen = [case for case in CASES if f"{case.number}.".startswith(arguments.only)]
    server = RunningWebSockets(echo, 1, limits=LIMITS, deflate=True)
    results: list[tuple[Case, str]] = []
    begin = time.monotonic()
    try:
        for case in chosen:
            failure = failure_of(case, server.peer, SMALL if arguments.small else FULL)
            results.append((case, failure))
            if failure:
                print(f"{case.number}: {failure}", flush=True)
    finally:
        server.shut()
    failures = sum(bool(failure) for _, failure in results)
    seconds = time.monotonic() - begin
    print(f"{len(results)} cases, {failures} failures, {seconds:.0f} s")
    if not arguments.small and not arguments.only:
        PAGE.write_text(page_of(results), encoding="utf-8")
    sys.exit(1 if failures else 0)


def page_of(results: list[tuple[Case, str]]) -> str:
    good = sum(not failure for _, failure in results)
    lines = [HEAD, f"{good} of {len(results)} cases are ok.\n", "| case | what | result |"]
    lines.append("| --- | --- | --- |")
    lines += [f"| {case.number} | {case.title} | {failure or 'ok'} |" for case, failure in results]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
