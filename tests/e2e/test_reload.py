"""SIGHUP and ``chatctl reload`` on a real server, with users that stay connected."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.chatkit import CHEAP, PASSWORD, WAIT, ServerProcess, Wire

PEM = Path(__file__).parents[1] / "muduopy" / "certs" / "localhost.pem"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: that of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rel") as name:
        yield Path(name)


def write(server: ServerProcess, config: str) -> None:
    (server.folder / "server.toml").write_text(CHEAP + config, encoding="utf-8")


def chatctl(server: ServerProcess, *words: str) -> subprocess.CompletedProcess[str]:
    place = server.folder / f"chatserver-{server.port}.sock"
    command = [sys.executable, "-m", "chat.chatctl.main", "--socket", str(place), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)


def new_certificate(path: Path) -> None:
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=new", "-addext", "subjectAltName=DNS:localhost"),
            *("-days", "2", "-keyout", "-", "-out", "-"),
        ],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    path.write_bytes(made.stdout)


def connect(server: ServerProcess, ca: Path) -> Wire:
    wire = Wire(server.port)
    context = ssl.create_default_context(cafile=str(ca))
    wire.socket = context.wrap_socket(wire.socket, server_hostname="localhost")
    return wire


def test_limits_and_log_level(folder: Path) -> None:
    server = ServerProcess(folder).start()
    with Wire(server.port) as ann, Wire(server.port) as bob:
        ann.login(ann.register("ann"))
        bob.login(bob.register("bob"))
        ann.chat(bob.id, "x" * 100, mid="1")
        ann.find(20, errno=0)
        limits = "[limits]\ntext_bytes = 50\ngroups = 1\n"
        write(server, limits + '[server]\nlog_level = "debug"\nworkers = 3\n')
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("changed: limits.groups, limits.text_bytes, server.log_level")
        server.wait_for_log("these need a restart: server.workers")
        ann.chat(bob.id, "x" * 100, mid="2")
        ann.find(20, errno=4)
        ann.chat(bob.id, "short", mid="3")
        ann.find(20, errno=0)
        for name, errno in (("a", 0), ("b", 1)):
            ann.send(msgid=8, id=ann.id, groupname=name, groupdesc="")
            ann.find(23, errno=errno)
        write(server, "[limits]\ntext_bytes = 0\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("SIGHUP: nothing was changed: ")
        broken = chatctl(server, "reload")
        assert broken.returncode == 1
        assert "limits.text_bytes: must be at least 1" in broken.stderr
        write(server, "")
        done = json.loads(chatctl(server, "reload", "--json").stdout)
        assert done["changed"] == ["limits.groups", "limits.text_bytes", "server.log_level"]
        assert done["restart"] == []
        assert chatctl(server, "log-level", "warning").returncode == 0
        assert chatctl(server, "log-level", "loud").returncode == 1
        assert [bob.find(6)["msg"] for _ in range(2)] == ["x" * 100, "short"]
        entries = json.loads(chatctl(server, "audit", "--json").stdout)["entries"]
        assert [(entry["actor"] == "SIGHUP", entry["action"]) for entry in entries] == [
            (True, "reload"),
            (False, "reload"),
            (False, "log-level"),
        ]
    server.stop()


def test_fewer_devices(folder: Path) -> None:
    """Ann has two devices. Two are enough, then one: her messages wait for each of them."""
    server = ServerProcess(folder).start()
    with Wire(server.port) as phone, Wire(server.port) as laptop, Wire(server.port) as tablet:
        ann = phone.register("ann")
        phone.login(ann, devices=True, device="phone")
        laptop.login(ann, devices=True, device="laptop")
        write(server, "[chat]\ndevices = 2\ndevice_days = 9\n")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("changed: chat.device_days, chat.devices")
        tablet.send(msgid=1, v=2, id=ann, password=PASSWORD, devices=True, device="tablet")
        tablet.find(2, errno=13)
        phone.chat(ann, "to both", mid="1")
        laptop.find(6, msg="to both")
        write(server, "[chat]\ndevices = 1\n")
        done = json.loads(chatctl(server, "reload", "--json").stdout)
        assert (done["changed"], done["restart"]) == (["chat.device_days"], ["chat.devices"])
    server.stop()
    server.start()
    server.wait_for_log("chat.devices is 1: the named devices of 1 users end at their next logins")
    with Wire(server.port) as laptop:
        answer = laptop.login(ann, devices=True, device="laptop")
        assert "devices" not in answer
        assert [mail["msg"] for mail in answer["offlinemsg"]] == ["to both"]
    server.stop()


def test_a_new_certificate(folder: Path) -> None:
    current = folder / "current.pem"
    current.write_bytes(PEM.read_bytes())
    new = folder / "new.pem"
    new_certificate(new)
    server = ServerProcess(folder, f'[server]\ntls_certificate = "{current}"\n').start()
    with connect(server, PEM) as ann:
        ann.login(ann.register("ann"))
        current.write_bytes(new.read_bytes())
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("the certificate was read again")
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(server, PEM)
        with connect(server, new) as bob:
            bob.login(bob.register("bob"))
            bob.chat(ann.id, "hi", mid="1")
            bob.find(20, errno=0)
        ann.find(6, msg="hi")
        current.write_text("half a certificate")
        server.send_signal(signal.SIGHUP)
        server.wait_for_log("SIGHUP: nothing was changed: server.tls_certificate")
        with connect(server, new) as carl:
            carl.login(carl.register("carl"))
    server.stop()
