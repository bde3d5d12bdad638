"""The command line: flags over file over defaults; a mistake is one line and status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from chat import __version__
from chat.cli import Arguments, parse_arguments
from chat.config import Config

HERE = ["127.0.0.1", "6000"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "chatserver.toml"
    path.write_text(
        '[server]\nthreads = 2\nworkers = 3\nlog_level = "error"\n'
        '[chat]\ndelivery = "direct"\ntoken_days = 5\n[database]\nurl = "sqlite:///file.db"\n'
    )
    return path


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(argv)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("chatserver: ")
    assert err.endswith(" (try --help)\n")
    assert err.count("\n") == 1
    return err


def test_host_and_port_are_enough() -> None:
    arguments = parse_arguments(HERE)
    assert isinstance(arguments, Arguments)
    assert (arguments.address.ip, arguments.address.port) == ("127.0.0.1", 6000)
    assert arguments.config == Config()


@pytest.mark.parametrize(("host", "ip"), [("0.0.0.0", "0.0.0.0"), ("::1", "::1")])
def test_hosts(host: str, ip: str) -> None:
    assert parse_arguments([host, "1"]).address.ip == ip


def test_further_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "listen.toml"
    file.write_text('[server]\nlisten = ["127.0.0.1:6001=reg3"]\n', encoding="utf-8")
    [also] = parse_arguments([*HERE, "--config", str(file)]).also
    assert (also.address.port, also.dialect) == (6001, "reg3")
    flags = ["--listen", "127.0.0.1:6002", "--listen", "127.0.0.1:6003=ack5"]
    arguments = parse_arguments([*HERE, "--config", str(file), *flags])
    assert [(a.address.port, a.dialect) for a in arguments.also] == [(6002, ""), (6003, "ack5")]
    assert "HOST:PORT=DIALECT" in refused(capsys, *HERE, "--listen", "6001")


def test_a_host_name_is_resolved() -> None:
    assert parse_arguments(["localhost", "6000"]).address.ip in ("127.0.0.1", "::1")


@pytest.mark.parametrize("port", ["1", "80", "65535", "00080"])
def test_ports(port: str) -> None:
    assert parse_arguments(["127.0.0.1", port]).address.port == int(port)


@pytest.mark.parametrize(
    "port",
    ["0", "65536", "100000", "x", "", " 80", "8 0", "1.0", "0x50", "٨٠", "²", "1_000", "9" * 5000],
)
def test_a_bad_port(capsys: pytest.CaptureFixture[str], port: str) -> None:
    assert "PORT" in refused(capsys, "127.0.0.1", port)


def test_a_negative_port(capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "127.0.0.1", "-1")
    assert "PORT" in refused(capsys, "127.0.0.1", "--", "-1")


@pytest.mark.parametrize("host", ["256.1.1.1", "x" * 70, ".."])
def test_a_bad_host(capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert "HOST" in refused(capsys, host, "6000")


@pytest.mark.parametrize("argv", [[], ["127.0.0.1"], [*HERE, "more"], [*HERE, "--colour"]])
def test_too_few_or_too_many(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    refused(capsys, *argv)


def test_the_file_is_read(file: Path) -> None:
    config = parse_arguments([*HERE, "--config", str(file)]).config
    assert (config.server.threads, config.server.workers) == (2, 3)
    assert (config.chat.delivery, config.chat.token_days) == ("direct", 5)


def test_flags_override_the_file(file: Path) -> None:
    flags = "--threads 0 --workers 7 --delivery stored --log-level debug --db sqlite:///flag.db"
    config = parse_arguments([*HERE, "--config", str(file), *flags.split()]).config
    assert (config.server.threads, config.server.workers) == (0, 7), "a zero counts, too"
    assert (config.server.log_level, config.chat.delivery) == ("debug", "stored")
    assert config.database.url == "sqlite:///flag.db"
    assert config.chat.token_days == 5


def test_flags_override_the_defaults() -> None:
    config = parse_arguments(["--workers", "1", *HERE]).config
    assert config.server.workers == 1


@pytest.mark.parametrize(
    ("flag", "value", "named"),
    [
        ("--threads", "-1", "server.threads"),
        ("--threads", "two", "--threads"),
        ("--workers", "0", "server.workers"),
        ("--workers", "1.5", "--workers"),
        ("--delivery", "fast", "chat.delivery"),
        ("--log-level", "loud", "server.log_level"),
    ],
)
def test_a_bad_flag(capsys: pytest.CaptureFixture[str], flag: str, value: str, named: str) -> None:
    assert named in refused(capsys, *HERE, flag, value)


def test_a_flag_without_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--db" in refused(capsys, *HERE, "--db")


def test_a_missing_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    message = refused(capsys, *HERE, "--config", str(path))
    assert f"{path}: No such file or directory" in message


def test_a_directory_as_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert str(tmp_path) in refused(capsys, *HERE, "--config", str(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[server]\nworkers = 0\n", "server.workers: must be at least 1"),
        (b"[server]\ncolour = 1\n", "unknown key server.colour"),
        (b"[server\n", "line 1"),
        (b"# caf\xe9\n", "not UTF-8"),
    ],
)
def test_a_bad_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    message = refused(capsys, *HERE, "--config", str(path))
    assert f"{path}: " in message
    assert said in message


@pytest.mark.parametrize(
    ("flag", "said"), [("--version", f"chatserver {__version__}"), ("--help", "HOST")]
)
def test_asking(capsys: pytest.CaptureFixture[str], flag: str, said: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([flag])
    assert caught.value.code == 0
    assert said in capsys.readouterr().out


def test_every_flag_is_helped(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    out = capsys.readouterr().out
    for flag in "--config --db --threads --workers --delivery --log-level --version".split():
        assert flag in out
