"""Chat messages of the classic dialect: passed on as they came, if that is safe."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from chat.message import MAX_EXTRA
from chat.protocol import MsgType
from tests.chat.nodekit import Client, Node


@pytest.fixture
def ann(node: Node) -> Client:
    return node.online("ann", v2=False)


@pytest.fixture
def bob(node: Node) -> Client:
    return node.online("bob", v2=False)


def received(node: Node, client: Client, length: int = 1) -> bytes:
    """The raw frame that comes."""
    data = bytearray()

    def read() -> bool:
        chunk = client._receive()
        if chunk:
            data.extend(chunk)
        return b"\n" in data

    client.sock.setblocking(False)
    node.until(read, "a frame")
    client.sock.settimeout(10)
    frame, rest = bytes(data).split(b"\n", 1)
    assert not rest
    return frame


def frame(ann: Client, bob: Client, **changes: Any) -> bytes:
    """As nlohmann's dump() writes it: compact, keys sorted."""
    fields = {"id": ann.user_id, "msg": "hi", "msgid": 6, "name": "ann", "time": "then"}
    message = {**fields, "toid": bob.user_id, **changes}
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return text.encode()


def test_it_is_passed_on_as_it_came(node: Node, ann: Client, bob: Client) -> None:
    sent = frame(ann, bob, msg="hello: 你好")
    ann.write(sent + b"\n")
    assert received(node, bob) == sent
    node.until_owed(bob.user_id, 0)


def test_nothing_is_answered(ann: Client, bob: Client) -> None:
    ann.say(bob)
    bob.expect(MsgType.ONE_CHAT_MSG)
    ann.nothing_more()


def test_the_name_is_the_senders_own(ann: Client, bob: Client) -> None:
    ann.write(frame(ann, bob, name="the boss") + b"\n")
    assert bob.next()["name"] == "ann"


def test_the_time_is_the_senders(ann: Client, bob: Client) -> None:
    ann.say(bob)
    assert bob.next()["time"] == "by the sender"
    ann.write(frame(ann, bob, time=None) + b"\n")
    assert len(bob.next()["time"]) == len("2026-01-02 03:04:05")


def test_further_fields_are_passed_on_to_classic_receivers(
    node: Node, ann: Client, bob: Client
) -> None:
    eve = node.online("eve")
    ann.write(frame(ann, bob, colour="red", n=[1, {"a": None}]) + b"\n")
    ann.write(frame(ann, eve, colour="red") + b"\n")
    mail = bob.next()
    assert (mail["colour"], mail["n"]) == ("red", [1, {"a": None}])
    assert "colour" not in eve.next()


def test_fields_that_mean_something_are_not(ann: Client, bob: Client) -> None:
    ann.write(frame(ann, bob, errno=1, token="x", offlinemsg=[], groupid=4, seq=9) + b"\n")
    mail = bob.next()
    assert mail.keys() == {"msgid", "id", "name", "toid", "msg", "time"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"msg":"hi"', b'"msg":"hi","msg":"ho"'),
        (b'"id":', b'"id":99,"id":'),
        (b'"toid":', b'"toid" : 0'),
        (b'"toid":', b'"toid":0'),
        (b'"toid":', b'"toid":  00'),
        (b'"id":', b'"id":0'),
        (b'"msgid":', b'"msgid":0'),
        (b'{"id"', b' {"id"'),
        (b"{", b"{ "),
        (b'"msg"', b'"\\u006dsg"'),
        (b'"hi"', b'"\\u0068i"'),
        (b'"hi"', b'"\\"hi"'),
        (b'"then"}', b'"then"} '),
    ],
)
def test_no_parser_reads_something_else(
    node: Node, ann: Client, bob: Client, old: bytes, new: bytes
) -> None:
    """The checked values arrive, in JSON that every parser reads in the same way."""
    sent = frame(ann, bob)
    ann.write(sent.replace(old, new) + b"\n")
    got = received(node, bob)
    pairs = json.loads(got, object_pairs_hook=lambda pairs: pairs)
    assert len(dict(pairs)) == len(pairs) == 6
    message = dict(pairs)
    assert (message["id"], message["toid"], message["msgid"]) == (ann.user_id, bob.user_id, 6)
    assert message["name"] == "ann"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400 + "e400"])
def test_numbers_out_of_range_are_refused(ann: Client, bob: Client, number: str) -> None:
    sent = frame(ann, bob, colour=0).replace(b'"colour":0', b'"colour":' + number.encode())
    ann.write(sent + b"\n")
    assert ann.next()["errno"] == 4
    bob.nothing_more()


def test_so_many_further_fields(ann: Client, bob: Client) -> None:
    """Their JSON counts, with the braces: {"colour":"xxx"}."""
    fits = MAX_EXTRA - len('{"colour":""}')
    ann.write(frame(ann, bob, colour="x" * fits) + b"\n")
    assert bob.next()["colour"] == "x" * fits
    ann.write(frame(ann, bob, colour="x" * (fits + 1)) + b"\n")
    answer = ann.next()
    assert (answer["msgid"], answer["errno"]) == (31, 4)
    assert answer["errmsg"] == "unknown fields: more than 4096 bytes"
    bob.nothing_more()


def test_a_failure_is_an_error_message(ann: Client) -> None:
    ann.say(99)
    assert ann.next() == {
        "msgid": 31,
        "errno": 5,
        "error": 5,
        "errnum": 5,
        "errmsg": "no such user",
    }


def test_mail_to_v2_and_back(node: Node, ann: Client) -> None:
    eve = node.online("eve")
    ann.say(eve, "to v2")
    mail = eve.expect(MsgType.ONE_CHAT_MSG)
    assert mail["msg"] == "to v2"
    assert "seq" in mail
    eve.deliver(ann, "to classic")
    mail = ann.expect(MsgType.ONE_CHAT_MSG)
    assert mail["msg"] == "to classic"
    assert "seq" not in mail


@pytest.mark.parametrize("written", ["2026-11-26 21:59:00", "9999-12-31 23:59:59"])
@pytest.mark.parametrize("mode", ["stored", "direct"])
def test_v2_receivers_get_the_servers_time(
    make_node: Callable[..., Node], mode: str, written: str
) -> None:
    """The sender's is of a zone that it does not name; classic receivers get it unchanged."""
    node = make_node(mode=mode)
    ann, bob, eve = node.online("ann", v2=False), node.online("bob", v2=False), node.online("eve")
    late, late_classic = node.user("late"), node.user("late classic")
    for to in (bob.user_id, eve.user_id, late, late_classic):
        ann.send(MsgType.ONE_CHAT_MSG, toid=to, msg="hi", name="ann", time=written)
    assert bob.next()["time"] == written
    assert_server_time(eve.next()["time"])
    node.until_owed(late_classic, 1)
    client = node.connect()
    assert_server_time(client.log_in(late)["offlinemsg"][0]["time"])
    history = client.ask(MsgType.HISTORY_MSG, **{"with": ann.user_id})
    assert_server_time(history["messages"][0]["time"])
    mail = node.connect(v2=False).log_in(late_classic)["offlinemsg"][0]
    assert json.loads(mail)["time"] == written


def assert_server_time(text: str) -> None:
    sent = calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    assert abs(sent - time.time()) < 600


def test_clients_that_end_frames_with_nul(node: Node) -> None:
    eve = node.user("eve")
    client = node.connect(v2=False)
    login = f'{{"msgid":1,"id":{eve},"password":"secret-1"}}'
    client.write(login.encode() + b"\0")
    data = bytearray()
    client.sock.setblocking(False)

    def receives_an_object() -> bool:
        data.extend(client._receive() or b"")
        return b"}" in data

    node.until(receives_an_object)
    assert data.endswith(b"}\0")
    client.user_id = eve
    node.online("dan").say(eve, "hi")
    data.clear()
    node.until(receives_an_object)
    assert data.endswith(b"}\0")
