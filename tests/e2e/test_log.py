"""The log of a real server: no secrets, the peer of each line, fail2ban, and a public address."""

from __future__ import annotations

import configparser
import contextlib
import json
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.chatkit import PASSWORD, PROJECT, WAIT, ServerProcess, Wire

ATTACKER = "203.0.113.7"
PEM = PROJECT / "tests" / "muduopy" / "certs" / "localhost.pem"
FAIL2BAN = PROJECT / "conf" / "fail2ban"

SETTINGS = "[server]\nproxy_protocol = true\n"
BURST = 20
LIMITS = f"""
[limits]
guests_per_address = 5
connect_rate = 1
connect_burst = {BURST}
frame_seconds = 1
"""

HOST = r"(?P<host>[0-9a-fA-F.:]+)"
"""What fail2ban puts for <HOST>, for addresses without names."""


def attack(server: ServerProcess) -> None:
    """One line of each kind that the filter knows."""

    def come(data: bytes) -> None:
        with Wire(server.port) as wire:
            wire.write(f"PROXY TCP4 {ATTACKER} 127.0.0.1 1 2\r\n".encode())
            try:
                wire.write(data)
                while wire.fill():
                    pass
            except OSError:  # closed while we were writing
                pass

    with Wire(server.port) as wire:
        wire.write(f"PROXY TCP4 {ATTACKER} 127.0.0.1 1 2\r\n".encode())
        wire.login(wire.register("mallory"))
        wire.send(msgid=50, id=wire.id, old="not the password", new="another password")
        assert wire.find(51)["errno"] != 0
    come(b'{"msgid":1,"id":5,"password":"not the password","v":2}\n' * 10)
    come(b"junk\n" * 60)
    come(b"x" * 9000)
    come(b"\r\nGET / HTTP/1.1\r\n\r\n")  # not the first line: it is not served
    come(b"\n" * 3_000_000)
    come((b" " * 900 + b"\n") * 20)
    held = [Wire(server.port) for _ in range(3 * BURST)]
    for wire in held:  # more than the address may have, and more than it may open at once
        wire.write(f"PROXY TCP4 {ATTACKER} 127.0.0.1 1 2\r\n".encode() + b'{"msgid":')
    server.wait_for_log("has too many connections without a login")
    server.wait_for_log("connects too often")
    server.wait_for_log("has not completed a frame in time")
    for wire in held:
        wire.close()


@pytest.fixture
def log_of(tmp_path: Path) -> Callable[[str], list[str]]:
    """The log of a server with these settings, from its start to its end, after an attack."""

    def make(settings: str) -> list[str]:
        server = ServerProcess(tmp_path, SETTINGS + settings + LIMITS).start()
        attack(server)
        with Wire(server.port) as wire:
            wire.write(b"PROXY TCP4 198.51.100.2 127.0.0.1 1 2\r\n")
            wire.login(wire.register("ann", "a good password"), password="a good password")
            wire.chat(wire.id, "the text of a message")
            wire.find(20)
        with Wire(server.port) as wire:
            wire.write(b"not a line of the PROXY protocol\r\n")
            wire.expect_end()
        server.stop()
        return server.log

    return make


def test_the_log_has_no_secrets_and_names_the_peer(log_of: Callable[[str], list[str]]) -> None:
    lines = log_of('log_level = "debug"\nlog_format = "json"\n')
    records = [json.loads(line) for line in lines]
    text = "".join(lines)
    for secret in ("not the password", "a good password", "the text of a message"):
        assert secret not in text
    assert not re.search(r"[0-9a-f]{64}|[A-Za-z0-9_-]{43}", text), "a token or its hash"
    of_attacker = [record for record in records if record.get("peer") == ATTACKER]
    events = {record["event"] for record in of_attacker}
    assert "%s: a login as user %s failed" in events
    assert "%s: closed for abuse, %s: %s" in events
    numbers = {record["connection"] for record in of_attacker if "connection" in record}
    assert len(numbers) > 5
    for record in of_attacker:
        number = f" #{record['connection']}" if "connection" in record else ""
        assert record["message"].startswith(f"{ATTACKER}{number}: ")
    registered = [record["peer"] for record in records if "has registered" in record["message"]]
    assert registered == [ATTACKER, "198.51.100.2"]


def test_a_failed_tls_handshake_names_the_peer(tmp_path: Path) -> None:
    """There is no client yet, and the line has its address and a number all the same."""
    settings = f'[server]\ntls_certificate = "{PEM}"\nlog_format = "json"\n'
    server = ServerProcess(tmp_path, settings).start()
    with socket.create_connection(("127.0.0.1", server.port), WAIT, ("127.0.0.9", 0)) as sock:
        sock.sendall(b"no handshake\n")
        with contextlib.suppress(ConnectionError):
            while sock.recv(100):
                pass
    server.wait_for_log("TLS handshake with")
    server.stop()
    (record,) = [json.loads(line) for line in server.log if "TLS handshake with" in line]
    assert record["peer"] == "127.0.0.9"
    assert record["connection"] == 1


def test_fail2ban_finds_the_attacker_in_real_lines(
    log_of: Callable[[str], list[str]], tmp_path: Path
) -> None:
    lines = log_of("")
    found = [match_with_python(line.rstrip("\n")) for line in lines]
    hosts = {host for host in found if host}
    assert hosts == {ATTACKER, "127.0.0.1"}  # the latter is the balancer without a PROXY line
    regexes = filter_settings()["failregex"].strip().splitlines()
    for regex in regexes:
        pattern = re.compile(regex.strip().replace("<HOST>", HOST).replace("%%", "%"))
        assert any(pattern.search(content(line.rstrip("\n"))) for line in lines), regex
    fail2ban = shutil.which("fail2ban-regex")
    if fail2ban is not None:
        log = tmp_path / "log"
        log.write_text("".join(lines), encoding="utf-8")
        command = [fail2ban, str(log), str(FAIL2BAN / "filter.d" / "chatserver.conf")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
        count = sum(host is not None for host in found)
        assert f"{len(lines)} lines, 0 ignored, {count} matched" in done.stdout, done.stdout


def filter_settings() -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.read(FAIL2BAN / "filter.d" / "chatserver.conf", encoding="utf-8")
    return parser["Definition"]


def content(line: str) -> str:
    """The part that failregex sees. fail2ban has cut the time out of a line in a file."""
    prefix = filter_settings()["prefregex"].replace("<F-CONTENT>", "(?P<rest>")
    found = re.match(prefix.replace("</F-CONTENT>", ")"), re.sub(r"^\d+-\d+-\d+ [\d:]+", "", line))
    return found["rest"] if found else ""


def match_with_python(line: str) -> str | None:
    """The address that fail2ban would count this line for."""
    for regex in filter_settings()["failregex"].strip().splitlines():
        found = re.search(regex.strip().replace("<HOST>", HOST), content(line))
        if found:
            return found["host"]
    return None


def test_a_line_in_a_name_cannot_ban_another_address() -> None:
    """The name of a refused registration is in the log."""
    start = "2026-11-26 12:00:00,000 WARNING MainThread "
    forged = f"\n{start}198.51.100.9 #1: closed for abuse, guest: x"
    line = f"203.0.113.7 #3: registration of {forged!r} refused: this name is taken"
    for prefix in ("", "host chatserver[12]: "):
        assert match_with_python(f"{prefix}{start}{line}") is None


def test_a_line_of_the_journal() -> None:
    line = "host chatserver[12]: 2026-11-26 12:00:00,000 WARNING chat-loop0 2001:db8::1 #4: "
    assert match_with_python(line + "closed for abuse, guest: 50 bad requests") == "2001:db8::1"


def test_the_jail_uses_the_filter() -> None:
    parser = configparser.RawConfigParser()
    parser.read(FAIL2BAN / "jail.d" / "chatserver.conf", encoding="utf-8")
    assert parser["chatserver"]["filter"] == "chatserver"
    assert parser["chatserver"]["maxretry"] == "5"


def test_a_public_address_without_tls_is_a_warning(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    command = server.command()
    command[command.index("127.0.0.1")] = "0.0.0.0"
    with subprocess.Popen(
        command, cwd=PROJECT, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "without TLS" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert " WARNING MainThread passwords and messages cross the network without TLS" in line
    assert "server.tls_certificate" in line
    assert PASSWORD not in line
