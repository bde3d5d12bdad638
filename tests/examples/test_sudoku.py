"""sudoku, and checks of all examples: each is small and has a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples.examplekit import ROOT, Example, read_all, read_line

GRID = "000000010400000000020000000000050407008000300001090000300400200050100000000806000"
SOLUTION = "693784512487512936125963874932651487568247391741398625319475268856129743274836159"


def test_sudoku() -> None:
    with Example("sudoku", 0, 2) as server:
        client = server.connect()
        client.sendall(f"a:{GRID}\r\n".encode())
        assert read_line(client) == f"a:{SOLUTION}\r\n".encode()
        client.sendall(f"{SOLUTION}\r\n".encode())
        assert read_line(client) == f"{SOLUTION}\r\n".encode()
        client.sendall(f"b:11{GRID[2:]}\r\n".encode())
        assert read_line(client) == b"b:NoSolution\r\n"
        client.sendall(b"c:12\r\n")
        assert read_all(client) == b"Bad Request!\r\n"


EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.name[0] != "_")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_is_small_tested_and_listed(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 80
    tests = "".join(
        test.read_text(encoding="utf-8") for test in Path(__file__).parent.glob("test_*.py")
    )
    assert f'"{path.stem}"' in tests or f"examples.{path.stem}" in tests
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert f"`{path.stem}" in listed
