"""What the end-to-end tests are made of: a real server process, and a bare client."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
WAIT = 30.0
"""Seconds after which what a test waits for will not come."""

PASSWORD = "secret-1"
Message = dict[str, Any]

# Hashing is cheap here. The tests of passwords check the real cost.
CHEAP = "[password]\ntime_cost = 1\nmemory_kib = 64\n"

RACY = "import sys; sys.setswitchinterval(1e-6); from chat.app import main; sys.exit(main())"


def free_port() -> int:
    """A port below the ephemeral range, so that no outgoing connection takes it meanwhile."""
    for _ in range(1000):
        port = 10000 + int.from_bytes(os.urandom(2), "big") % 22000
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


class ServerProcess:
    """A chat server, and its log. Started, killed and started again on the same database."""

    def __init__(self, folder: Path, config: str = "", args: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.database = folder / "chat.db"
        self.port = free_port()
        self.log: list[str] = []
        self.args = args
        self.code: str | None = None  # run this instead of chat.app
        self._config = folder / "server.toml"
        self._config.write_text(CHEAP + config, encoding="utf-8")
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()

    def command(self) -> list[str]:
        run = ["-c", self.code] if self.code else ["-m", "chat.app"]
        where = ["127.0.0.1", str(self.port), "--db", f"sqlite:///{self.database}"]
        return [sys.executable, *run, *where, "--config", str(self._config), *self.args]

    def start(self) -> ServerProcess:
        self.log.clear()
        self._process = subprocess.Popen(
            self.command(), cwd=PROJECT, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        # A test that fails may leave the server running: pytest must end all the same.
        self._reader = threading.Thread(target=self._read_log, args=(self._process,), daemon=True)
        self._reader.start()
        self.wait_for_log("listening on")
        return self

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with self._changed:
                self.log.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for_log(self, text: str) -> None:
        with self._changed:
            found = self._changed.wait_for(lambda: any(text in line for line in self.log), WAIT)
        assert found, f"{text!r} is not in the log:\n{''.join(self.log)}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0])

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._ended()

    def send_signal(self, number: int = signal.SIGTERM) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end; returns the exit status."""
        return self._ended()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it as an administrator would, and see that it had nothing to complain about."""
        if self._process is None:
            return
        self.send_signal(number)
        status = self._ended()
        text = "".join(self.log)
        assert status == 0, text
        assert "Traceback" not in text, text

    def _ended(self) -> int:
        process, self._process = self._process, None
        assert process is not None
        assert self._reader is not None
        status = process.wait(WAIT)
        self._reader.join(WAIT)
        assert process.stderr is not None
        process.stderr.close()
        return status

    def query(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """Look into the database file, while the server runs or after."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=WAIT)) as connection:
            return connection.execute(sql, params).fetchall()

    def wait_until_offline(self, user_id: int) -> None:
        """Wait until the server has noticed that the user is gone."""
        pause = threading.Event()  # no event tells a stranger: look again and again
        for _ in range(int(WAIT / 0.01)):
            if self.query("SELECT state FROM user WHERE id = ?", user_id) == [("offline",)]:
                return
            pause.wait(0.01)
        raise AssertionError(f"user {user_id} is still online")


class Wire:
    """A client that speaks the protocol and does nothing by itself."""

    def __init__(self, port: int, *, v2: bool = True, end: bytes = b"\n") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.v2 = v2
        self.end = end
        self.id = 0
        self.rest = b""
        self.pending: list[Message] = []
        self.notices: list[Message] = []

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send(self, **message: Any) -> None:
        self.write(json.dumps(message, ensure_ascii=False).encode() + self.end)

    def receive(self) -> Message | None:
        """The next message, or None at the end of the stream. Notices about groups are kept."""
        if self.pending:
            return self.pending.pop(0)
        while (message := self._read()) is not None and message.get("msgid") == 83:
            self.notices.append(message)
        return message

    def notice(self, **fields: Any) -> Message:
        """The first notice about a group with these fields; all other messages are kept."""
        while True:
            for notice in self.notices:
                if fields.items() <= notice.items():
                    self.notices.remove(notice)
                    return notice
            message = self._read()
            assert message is not None, f"end of stream instead of a notice {fields}"
            (self.notices if message["msgid"] == 83 else self.pending).append(message)

    def _read(self) -> Message | None:
        while self.end not in self.rest:
            if not self.fill():
                assert not self.rest, "the stream ends within a frame"
                return None
        frame, _, self.rest = self.rest.partition(self.end)
        message: Message = json.loads(frame)
        return message

    def fill(self) -> bool:
        """Read what there is into ``rest``; False at the end of the stream."""
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            return False
        self.rest += data
        return bool(data)

    def expect(self, msgid: int, **fields: Any) -> Message:
        """The next message has this msgid and these fields."""
        message = self.receive()
        assert message is not None, f"end of stream instead of {msgid}"
        found = {name: message.get(name) for name in fields}
        assert (message["msgid"], found) == (msgid, fields), message
        return message

    def find(self, msgid: int, **fields: Any) -> Message:
        """The first message of this kind; those before it are kept for later."""
        passed: list[Message] = []
        while True:
            message = self.receive()
            assert message is not None, f"end of stream instead of {msgid}; {passed}"
            if message["msgid"] == msgid and all(message.get(k) == v for k, v in fields.items()):
                self.pending[:0] = passed
                return message
            passed.append(message)

    def taken(self, msgid: int) -> list[Message]:
        """The messages of this kind that are here or on their way; all others are kept."""
        self.send(msgid=26, rid="taken")
        passed: list[Message] = []
        while (message := self.receive()) != {"msgid": 27, "rid": "taken"}:
            assert message is not None, "the end of the stream"
            passed.append(message)
        self.pending[:0] = [other for other in passed if other["msgid"] != msgid]
        return [message for message in passed if message["msgid"] == msgid]

    def find_any(self, *msgids: int) -> Message | None:
        """The first message of one of these kinds, passing over others; None at the end."""
        while True:
            message = self.receive()
            if message is None or message["msgid"] in msgids:
                return message

    def expect_end(self) -> None:
        message = self.receive()
        assert message is None, message

    def nothing(self) -> None:
        """Nothing is on its way: an answer to a ping comes first."""
        self.send(msgid=26, rid="nothing")
        self.expect(27, rid="nothing")

    def nothing_classic(self) -> None:
        """The same for a classic client, whose requests are not answered; one that fails is."""
        self.send(msgid=0)
        self.expect(31, errno=4, error=4)

    # ------------------------------------------------------------------ the usual requests

    def _request(self, **message: Any) -> None:
        if self.v2 and message["msgid"] in (1, 4):
            message["v"] = 2
        self.send(**message)

    def register(self, name: str, password: str = PASSWORD) -> int:
        self._request(msgid=4, name=name, password=password)
        user_id: int = self.expect(5, errno=0)["id"]
        return user_id

    def login(self, user_id: int, **fields: Any) -> Message:
        """Log in, by password unless ``fields`` has a token; returns the answer."""
        if "token" not in fields:
            fields.setdefault("password", PASSWORD)
        self._request(msgid=1, id=user_id, **fields)
        answer = self.expect(2, errno=0, id=user_id)
        self.id = user_id
        return answer

    def chat(self, to: int, text: str, **fields: Any) -> None:
        self.send(msgid=6, id=self.id, toid=to, msg=text, **fields)

    def group_chat(self, group: int, text: str, **fields: Any) -> None:
        self.send(msgid=10, id=self.id, groupid=group, msg=text, **fields)

    def acknowledge(self, *seqs: int) -> None:
        self.send(msgid=21, seqs=list(seqs))


Login = Callable[..., Wire]


def collect_mail(client: Wire, answer: Message, count: int) -> list[Message]:
    """The messages of a login answer and those that follow, each acknowledged, ``count`` in all."""
    mail: list[Message] = list(answer["offlinemsg"])
    client.acknowledge(*[m["seq"] for m in mail])
    while len(mail) < count:
        message = client.receive()
        assert message is not None, f"end of stream after {len(mail)} messages"
        assert message["msgid"] in (6, 10), message
        mail.append(message)
        client.acknowledge(message["seq"])
    return mail
