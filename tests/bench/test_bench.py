"""The benchmarks run, and notice what goes wrong. Their figures are not judged here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import instructions

PROJECT = Path(__file__).resolve().parents[2]


def attempt(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *args],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def run(name: str, *args: str) -> str:
    done = attempt(name, *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def figures(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("delivery", ["direct", "stored"])
@pytest.mark.parametrize("clients", [(), ("--dialect", "classic", "--original", "--gap", "0.003")])
def test_chat(delivery: str, clients: tuple[str, ...], tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run(
        "chat",
        *("--pairs", "3", "--delivery", delivery, "--inflight", "2", "--repeat", "1"),
        *("--seconds", "0.3", "--warmup", "0.1", "--json", str(result), *clients),
    )
    assert f"| 3     | {delivery}" in text
    assert figures(result)


@pytest.mark.parametrize("servers", [(), ("--across",)])
def test_chat_with_devices(servers: tuple[str, ...], tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run(
        "chat",
        *("--pairs", "3", "--delivery", "stored", "--inflight", "2", "--repeat", "2"),
        *("--devices", "1,3", "--alternate", *servers),
        *("--seconds", "0.3", "--warmup", "0.1", "--json", str(result)),
    )
    assert "of the first" in text
    cases = figures(result)["cases"]
    assert [case["devices"] for case in cases] == [1, 3]
    for one in [one for case in cases for one in case["runs"]]:
        assert one["messages"] > 0
        assert one["errors"] == one["stale"] == 0


def test_chat_with_devices_needs_a_server_that_has_them(tmp_path: Path) -> None:
    done = attempt("chat", "--devices", "2", "--delivery", "direct")
    assert done.returncode == 2
    assert "--devices needs --delivery stored" in done.stderr
    settings = tmp_path / "chat.toml"
    settings.write_text("[chat]\ndevices = 1\n", encoding="utf-8")
    done = attempt(
        "chat",
        *("--devices", "1", "--delivery", "stored", "--pairs", "1", "--inflight", "1"),
        *("--config", str(settings)),
    )
    assert done.returncode == 2
    assert "no device was opened" in done.stderr


@pytest.mark.timeout(300)
def test_instructions() -> None:
    """One run instead of the two that are subtracted: under valgrind a start takes 10 s of CPU."""
    if shutil.which("valgrind") is not None:
        assert instructions.count(PROJECT, instructions.Case("direct", "v2", 2), 2) > 10**6


def test_instructions_without_valgrind() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.instructions"],
        cwd=PROJECT,
        env={**os.environ, "PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "install Debian's package valgrind" in done.stderr


def test_a_row_of_instructions() -> None:
    case = instructions.Case("stored", "v2", 8)
    assert instructions.row(case, 4321.4, None) == "| stored | v2 | 8 | 4,321 |  |  |"
    assert instructions.row(case, 900.0, 1000.0) == "| stored | v2 | 8 | 900 | 1,000 | 0.900 |"


def test_idle() -> None:
    text = run("idle", "--connections", "50", "--dialect", "classic,v2,device")
    assert text.count("KiB") == 3


@pytest.mark.parametrize("devices", [(), ("--devices",)])
def test_reconnect(devices: tuple[str, ...], tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    run(
        "reconnect",
        *("--clients", "20", "--jitter", "0.2", "--repeat", "1", "--json", str(result), *devices),
    )
    (found,) = figures(result)["runs"]
    assert found["attempts"] >= 20


def test_flood(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run(
        "flood",
        *("--sockets", "3", "--kinds", "lf,ping", "--seconds", "0.2", "--json", str(result)),
    )
    assert "during lf" in text
    assert all(found["during"] for found in figures(result).values())


def test_echo() -> None:
    text = run(
        "echo",
        *("--sizes", "64", "--connections", "2", "--threads", "0"),
        *("--repeat", "1", "--seconds", "0.3", "--warmup", "0.1"),
    )
    assert "muduopy" in text


def test_websocket(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run(
        "websocket",
        *("--sizes", "64,16384", "--connections", "2", "--idle", "10", "--repeat", "1"),
        *("--seconds", "0.3", "--warmup", "0.1", "--json", str(result)),
    )
    assert "| muduopy " in text
    assert "| websockets, threads " in text
    assert all(run["rate"] > 0 for case in figures(result)["cases"] for run in case["runs"])


def test_library(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run("library", "--parts", "timers,import", "--repeat", "1", "--json", str(result))
    assert "10,000 timers" in text
    assert set(figures(result)) == {"timers", "import"}


@pytest.mark.parametrize("database", [(), ("--mariadb",)])
def test_conversations(database: tuple[str, ...], tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run(
        "conversations",
        *("--messages", "2000", "--conversations", "20", "--logins", "2", *database),
        *("--json", str(result)),
    )
    assert "2,000 messages; 20 conversations" in text
    assert set(figures(result)) == {"none", "10", "all"}


def test_http_answers(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run(
        "http_answers",
        *("--connections", "2", "--seconds", "1", "--repeat", "1", "--json", str(result)),
    )
    assert "| muduopy.http " in text
    assert all(one["rate"] > 0 for runs in figures(result)["servers"].values() for one in runs)


def test_http_streams(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    run("http_streams", "--mib", "4", "--repeat", "1", "--json", str(result))
    cases = figures(result)["cases"]
    assert [(one["direction"], len(one["runs"])) for one in cases] == [("down", 1)] * 2 + [
        ("up", 1)
    ] * 2
