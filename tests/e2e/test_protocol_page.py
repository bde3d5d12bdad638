"""docs/protocol.md: its examples are played against a real server, line by line."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from tests.e2e.chatkit import PROJECT, WAIT, ServerProcess, Wire

Connect = Callable[..., Wire]

PAGE = (PROJECT / "docs" / "protocol.md").read_text(encoding="utf-8")
BLOCKS = [
    # A line that begins with two spaces continues the frame of the line before.
    [(line[0], line[2:]) for line in block.replace("\n  ", "").splitlines() if line[:1] in "→←"]
    for block in re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
]
EXAMPLES = [block for block in BLOCKS if block]

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def alike(got: dict[str, Any], shown: dict[str, Any], port: int) -> bool:
    """Equal, but for what differs from run to run, which has the same shape."""
    shown = dict(shown)
    if "messages" in got:  # the page shows no events between them
        got = {**got, "messages": [one for one in got["messages"] if one["msgid"] != 113]}
    for name in shown:
        if name in ("time", "first", "last") and TIME.fullmatch(str(got[name])):
            shown[name] = got[name]
        elif name == "token" and len(got["token"]) == 43:
            shown["token"] = got["token"]
        elif name in ("service", "epoch") and len(got[name]) == 32:
            shown[name] = got[name]
        elif name in ("seq", "read", "other_read") and shown[name]:  # see Stage.seqs
            assert got[name] >= shown[name]
            shown[name] = got[name]
        elif name == "node":
            shown["node"] = f"node-{port}"
        elif name == "last" and alike(got[name], shown[name], port):
            shown[name] = got[name]
        elif name in ("messages", "bans", "devices", "conversations") and len(got[name]) == len(
            shown[name]
        ):
            pairs = zip(got[name], shown[name], strict=True)
            if all(alike(one, other, port) for one, other in pairs):
                shown[name] = got[name]
    return got == shown


class Stage:
    """The users of the page, 1 and 2, with one connection each."""

    def __init__(self, server: ServerProcess, connect: Connect) -> None:
        self.server, self.connect = server, connect
        self.wires = {1: connect(server), 2: connect(server)}
        self.logged_in: set[int] = set()
        self.asides: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
        self.seqs: dict[int, int] = {}  # in the page → of the server, whose events have some, too
        self.classic = False

    def play(self, block: list[tuple[str, str]]) -> None:
        """Play one block: requests and their answers, or only received messages."""
        if '"msgid":28' in block[0][1]:
            self.see_a_friend_come(json.loads(block[0][1]))
            return
        if '"msgid":83' in block[0][1]:
            for _, text in block:
                self.hear_of_a_group(json.loads(text))
            return
        if '"msgid":113' in block[0][1]:
            for _, text in block:
                shown = json.loads(text)
                event = self.event({name: shown[name] for name in ("event", "groupid", "by")})
                assert alike(event, shown, self.server.port), (event, shown)
            return
        if '"msgid":67' in block[0][1] and '"added"' in block[0][1]:
            return  # for another device: tests/chat/handlers/test_friends_of_devices.py
        if '"msgid":67' in block[0][1]:
            # Only with the setting "approve" a user asks: test_client_library.py has the notice.
            self.accept_a_request(json.loads(block[1][1]))
            return
        if '"msgid":105' in block[0][1] or '"msgid":107' in block[0][1]:
            self.hear_of_a_user(json.loads(self.with_real_numbers(block[0][1])))
            return
        if '"msgid":112' in block[0][1]:  # for another device of the user, which the page has not
            return
        if '"msgid":89' in block[0][1]:
            self.hear_the_operator(json.loads(block[0][1]))
            return
        if '"msgid":95' in block[0][1]:
            self.hear_of_a_device(json.loads(block[0][1]))
            return
        speaker = 2 if block[0][0] == "←" else 1
        if '"draining"' in block[0][1]:
            self.restart()
            return
        for number, (arrow, text) in enumerate(block):
            if arrow == "←":
                message = self.receive(speaker)
                assert message is not None, text
                assert alike(message, json.loads(text), self.server.port), (message, text)
                if message["msgid"] == 20 and "seq" in message:
                    self.seqs[json.loads(text)["seq"]] = message["seq"]
                continue
            answer = block[number + 1][1] if number + 1 < len(block) else ""
            speaker = self.who_says(text, answer)
            self.wires[speaker].write(self.with_real_numbers(text).encode() + b"\n")
            self.note(speaker, text, answer)

    def accept_a_request(self, shown: dict[str, Any]) -> None:
        """User 1 accepts a request of user 2, and user 2 hears of it."""
        if 2 not in self.logged_in:
            self.wires[2].login(2, password="secret-2", device="phone", devices=True)
            self.logged_in.add(2)
        with contextlib.closing(sqlite3.connect(self.server.database)) as database, database:
            database.execute("INSERT INTO friendrequest VALUES (2, 1, ?)", (int(time.time()),))
        self.wires[1].send(msgid=64, id=1, userid=2, accept=True)
        self.wires[1].find(65, errno=0, userid=2)
        assert self.wires[2].find(67) == shown
        self.wires[2].send(msgid=40, id=2, friendid=1)
        self.wires[2].find(41, errno=0)

    def hear_of_a_device(self, shown: dict[str, Any]) -> None:
        """User 1 logs in with a second device."""
        with self.connect(self.server) as second:
            second.login(1, devices=True, device="second", label=shown["label"])
            assert alike(self.wires[1].find(95), shown, self.server.port)

    def with_real_numbers(self, text: str) -> str:
        """A request of the page with the numbers that its messages have here."""

        def real(found: re.Match[str]) -> str:
            return found[1] + str(self.seqs.get(int(found[2]), int(found[2])))

        return re.sub(r'("(?:seq|seqs|before)":\[?)(\d+)', real, text)

    def hear_of_a_group(self, shown: dict[str, Any]) -> None:
        """Both users have named devices, which get events in place of most notices."""
        if shown["event"] == "invited":
            self.wires[3 - shown["by"]].notice(**shown)
        else:
            del shown["msgid"]
            self.event(shown)

    def event(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The last event of a group with these fields that user 1 or 2 has received."""
        for user in self.logged_in:
            self.asides[user] += self.wires[user].taken(113)
        heard = [one for user in self.logged_in for one in self.asides[user]]
        return [one for one in heard if fields.items() <= one.items()][-1]

    def hear_the_operator(self, shown: dict[str, Any]) -> None:
        """Announce the text with the request of ``chatctl announce``."""
        place = self.server.folder / f"chatserver-{self.server.port}.sock"
        request = {"command": "announce", "arguments": {"text": shown["msg"]}}
        with socket.socket(socket.AF_UNIX) as operator:
            operator.settimeout(WAIT)
            operator.connect(str(place))
            operator.sendall(json.dumps(request).encode() + b"\n")
            assert json.loads(operator.makefile().readline())["ok"]
        for user in self.logged_in:
            assert alike(self.wires[user].find(89), shown, self.server.port)

    def receive(self, speaker: int) -> dict[str, Any] | None:
        """The next message that is no PRESENCE_MSG, GROUP_EVENT_MSG, READ_NOTICE_MSG, TYPING_…."""
        message = self.wires[speaker].receive()
        while message is not None and message["msgid"] in (28, 105, 107, 113):
            self.asides[speaker].append(message)
            message = self.wires[speaker].receive()
        return message

    def see_a_friend_come(self, shown: dict[str, Any]) -> None:
        """User 2 is in user 1's list by now."""
        if 2 not in self.logged_in:
            self.wires[2].login(2, password="secret-2", device="phone", devices=True)
            self.logged_in.add(2)
        # The server may have sent it before an answer that has been received.
        if shown not in self.asides[1]:
            self.wires[1].find(**shown)

    def hear_of_a_user(self, shown: dict[str, Any]) -> None:
        """The other user hears what this one has read, or that it types."""
        hearer = 3 - shown["id"]
        # The server may have sent it before an answer that has been received.
        if shown not in self.asides[hearer]:
            self.wires[hearer].find(**shown)

    def who_says(self, text: str, answer: str) -> int:
        """The user that sends this request; log in the user if the request needs it."""
        try:
            request = json.loads(text)
        except ValueError:
            return 1
        speaker: int = 2 if request["msgid"] == 21 else request.get("id", 1)
        if '"errno":3' in answer:  # the other user sends it
            speaker = 3 - speaker
        if request["msgid"] not in (1, 4, 26) and speaker not in self.logged_in:
            secret, device = f"secret-{speaker}", f"phone {speaker}"
            self.wires[speaker].login(speaker, password=secret, device=device, devices=True)
            self.logged_in.add(speaker)
        if request["msgid"] == 1 and request.get("v") != 2:
            self.wires[speaker] = self.connect(self.server)  # a classic client
        return speaker

    def note(self, speaker: int, text: str, answer: str) -> None:
        if '"msgid":2,"errno":0' in answer:
            self.logged_in.add(speaker)
        elif '"msgid":25,"errno":0' in answer:
            self.logged_in.discard(speaker)

    def restart(self) -> None:
        """Restart the server, for the section on goodbyes."""
        self.server.send_signal()
        for wire in self.wires.values():
            wire.find(32, reason="draining", reconnect=True)
            wire.expect_end()
        assert self.server.wait() == 0
        self.server.start()
        self.wires = {1: self.connect(self.server), 2: self.connect(self.server)}
        self.wires[1].login(1)


def test_every_example_is_what_a_server_sends(server: ServerProcess, connect: Connect) -> None:
    stage = Stage(server, connect)
    for block in EXAMPLES:
        stage.play(block)
    # The last example is a classic client's message; the other one has received it.
    last = json.loads(EXAMPLES[-1][-1][1])
    stage.wires[1].find(6, name="li si", msg=last["msg"])


def test_every_message_has_an_example() -> None:
    shown = {json.loads(text)["msgid"] for block in EXAMPLES for _, text in block if text[0] == "{"}
    table = re.findall(r"^\| (\d+)(?:, (\d+))? \| \[", PAGE, re.MULTILINE)
    assert {int(number) for row in table for number in row if number} <= shown


def test_the_limits_are_the_built_in_ones(server: ServerProcess, connect: Connect) -> None:
    wire = connect(server)
    user_id = wire.register("x" * 50, "secret-p" * 16)
    wire.login(user_id, password="secret-p" * 16, device="d" * 64)
    wire.chat(user_id, "字" * 5461 + "x", mid="m" * 64, rid="r" * 64)  # 16384 bytes
    wire.find(20, errno=0, rid="r" * 64)
    wire.find(6)
    frame = b'{"msgid":26,"x":"%s"}'
    wire.write(frame % (b"x" * (65536 - len(frame) + 2)) + b"\r\n")
    wire.expect(27)
    wire.write(frame % (b"x" * (65536 - len(frame) + 3)) + b"\n")
    wire.expect(31, errno=7)
