"""The code of docs/muduopy/http.md: the whole program is run, and the names of the parts exist."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import muduopy
import muduopy.http
from tests.docs.test_tutorial import free_port

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "muduopy" / "http.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
WAIT = 20.0

OF_THE_READER = {"compute", "is_http", "loop", "on_connection", "on_message", "query", "server"}
"""Names that stand for the reader's own program."""


def test_the_program_runs() -> None:
    port = free_port()
    (program,) = [code for code in BLOCKS if code.startswith("# hello.py")]
    code = program.replace("8000", str(port))
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as process:
        try:
            end = time.monotonic() + WAIT
            while True:
                try:
                    url = f"http://127.0.0.1:{port}/hello?you"
                    with urllib.request.urlopen(url, timeout=WAIT) as answer:
                        assert answer.read() == b'{"hello": "you"}'
                    break
                except OSError:
                    assert time.monotonic() < end
        finally:
            process.terminate()


@pytest.mark.parametrize("code", BLOCKS)
def test_the_names_exist(code: str) -> None:
    tree = ast.parse(code)
    known = {*dir(builtins), *muduopy.__all__, *muduopy.http.__all__, *OF_THE_READER}
    known |= {"threading", "time", "json"}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            known |= {node.name, *(argument.arg for argument in node.args.args)}
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used - known <= {"answer", "workers"}
