"""Messages arrive: once, in order, whatever happens in between."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable

import pytest

from tests.e2e.chatkit import RACY, ServerProcess, Wire, collect_mail

Make = Callable[..., ServerProcess]
Connect = Callable[..., Wire]


def test_a_message_to_an_online_user(server: ServerProcess, member: Connect) -> None:
    ann, bob = member(server, "ann"), member(server, "bob")
    ann.chat(bob.id, "hello: 你好 \0 \n", mid="m1")
    ack = ann.expect(20, errno=0, mid="m1")
    got = bob.expect(6, id=ann.id, name="ann", toid=bob.id, msg="hello: 你好 \0 \n")
    assert got["seq"] == ack["seq"]
    assert got["time"] == ack["time"]
    assert "mid" not in got


def test_what_was_sent_meanwhile_comes_with_the_login(
    server: ServerProcess, member: Connect, connect: Connect
) -> None:
    ann = member(server, "ann")
    bob = connect(server).register("bob")
    seqs = []
    for number in range(3):
        ann.chat(bob, f"text {number}")
        seqs.append(ann.expect(20, errno=0)["seq"])
    client = connect(server)
    mail = client.login(bob)["offlinemsg"]
    assert [(m["seq"], m["msg"]) for m in mail] == [(s, f"text {n}") for n, s in enumerate(seqs)]
    client.close()

    # Not acknowledged: it all comes again. Acknowledged: never.
    client = connect(server)
    server.wait_until_offline(bob)
    answer = client.login(bob)
    assert [m["seq"] for m in answer["offlinemsg"]] == seqs
    client.acknowledge(*seqs, 2**52)
    client.nothing()
    client.send(msgid=3, id=bob)
    client.expect(25, errno=0)
    assert client.login(bob)["offlinemsg"] == []


def test_more_than_a_window(server: ServerProcess, member: Connect, connect: Connect) -> None:
    ann = member(server, "ann")
    bob = connect(server).register("bob")
    for number in range(1000):
        ann.chat(bob, str(number))
    for _ in range(1000):
        ann.expect(20, errno=0)
    client = connect(server)
    answer = client.login(bob)
    assert len(answer["offlinemsg"]) == 200
    client.nothing()  # the rest waits for acknowledgements
    mail = collect_mail(client, answer, 1000)
    assert [m["msg"] for m in mail] == [str(number) for number in range(1000)]
    client.nothing()


@pytest.mark.parametrize("batch", [1, 7, 100, 199])
def test_every_acknowledgement_brings_more(
    server: ServerProcess, member: Connect, connect: Connect, batch: int
) -> None:
    """A client may wait until others replace its acknowledged messages, however few they are."""
    ann = member(server, "ann")
    bob = connect(server).register("bob")
    for number in range(220):
        ann.chat(bob, str(number))
        ann.expect(20, errno=0)
    client = connect(server)
    mail = client.login(bob)["offlinemsg"]
    client.acknowledge(*[message["seq"] for message in mail[:batch]])
    for number in range(200, min(200 + batch, 220)):
        client.expect(6, msg=str(number))


def test_a_classic_client_gets_all_its_mail_at_once(
    server: ServerProcess, member: Connect, connect: Connect
) -> None:
    ann = member(server, "ann")
    bob = connect(server).register("bob")
    for number in range(600):
        ann.chat(bob, str(number))
    for _ in range(600):
        ann.expect(20, errno=0)
    client = connect(server, v2=False)
    answer = client.login(bob)
    assert len(answer["offlinemsg"]) == 600
    assert all(isinstance(message, str) for message in answer["offlinemsg"])
    client.send(msgid=3, id=bob)
    assert "offlinemsg" not in client.login(bob)


def test_a_repeated_mid(server: ServerProcess, member: Connect) -> None:
    ann, bob = member(server, "ann"), member(server, "bob")
    ann.chat(bob.id, "once", mid="m")
    first = ann.expect(20, errno=0)
    for _ in range(3):
        ann.chat(bob.id, "once", mid="m")
        assert ann.expect(20, errno=0) == first
    ann.chat(bob.id, "another text", mid="m")
    ann.expect(20, errno=4, mid="m")
    ann.chat(bob.id, "and on", mid="M")  # mids differ by case
    ann.expect(20, errno=0)
    bob.expect(6, msg="once")
    bob.expect(6, msg="and on")
    bob.nothing()
    bob.chat(ann.id, "mine", mid="m")  # a mid is its sender's own
    bob.expect(20, errno=0)


def test_a_group(server: ServerProcess, member: Connect, connect: Connect) -> None:
    ann, bob, eve = (member(server, name) for name in ("ann", "bob", "eve"))
    away = connect(server)
    away.login(away.register("away"))
    ann.send(msgid=8, id=ann.id, groupname="tea", groupdesc="")
    group = ann.expect(23, errno=0)["groupid"]
    for one in (bob, away):
        one.send(msgid=9, id=one.id, groupid=group)
        one.expect(24, errno=0)
    away.send(msgid=3, id=away.id)
    away.expect(25, errno=0)
    ann.group_chat(group, "tea is ready", mid="g")
    seq = ann.expect(20, errno=0)["seq"]
    bob.expect(10, groupid=group, id=ann.id, name="ann", msg="tea is ready", seq=seq)
    assert [m["seq"] for m in away.login(away.id)["offlinemsg"]] == [seq]
    ann.nothing()  # not to its sender
    eve.nothing()  # nor to those outside, who may not speak either
    eve.group_chat(group, "me too")
    eve.expect(20, errno=9)
    eve.group_chat(group + 1, "hello?")
    eve.expect(20, errno=5)


def test_a_thousand_in_flight_stay_in_order(server: ServerProcess, member: Connect) -> None:
    ann, bob = member(server, "ann"), member(server, "bob")

    def send() -> None:
        for number in range(1000):
            ann.chat(bob.id, str(number), mid=str(number))

    sender = threading.Thread(target=send)
    sender.start()
    texts = [m["msg"] for m in collect_mail(bob, {"offlinemsg": []}, 1000)]
    acks = [ann.expect(20, errno=0)["mid"] for _ in range(1000)]
    sender.join()
    assert texts == acks == [str(number) for number in range(1000)]


def test_a_peer_that_has_finished_sending_is_still_answered(
    server: ServerProcess, member: Connect
) -> None:
    ann, bob = member(server, "ann"), member(server, "bob")
    for number in range(300):
        ann.chat(bob.id, str(number), mid=str(number))
    ann.send(msgid=7, id=ann.id, friendid=bob.id)
    ann.socket.shutdown(socket.SHUT_WR)
    assert [ann.expect(20, errno=0)["mid"] for _ in range(300)] == [str(n) for n in range(300)]
    ann.expect(22, errno=0)
    ann.expect_end()


def test_a_client_that_does_not_read_harms_no_other_and_loses_nothing(
    make_server: Make, member: Connect, connect: Connect
) -> None:
    server = make_server("[limits]\nmailbox_bytes = 100_000_000\n")  # a quarter holds the messages
    ann, bob, slow = member(server, "ann"), member(server, "bob"), member(server, "slow")
    before = server.resident_kib
    text = "x" * 16000
    for number in range(1500):  # 24 MB
        ann.chat(slow.id, f"{number} {text}")
        ann.expect(20, errno=0)
    ann.chat(bob.id, "all is well")
    bob.expect(6, msg="all is well")
    assert server.resident_kib - before < 64 * 1024
    mail = collect_mail(slow, {"offlinemsg": []}, 1500)
    assert [int(m["msg"].split()[0]) for m in mail] == list(range(1500))
    slow.nothing()


def test_direct(make_server: Make, member: Connect, connect: Connect) -> None:
    server = make_server("", "--delivery", "direct")
    ann, bob = member(server, "ann"), member(server, "bob")
    ann.chat(bob.id, "live", mid="m")
    assert "seq" not in ann.expect(20, errno=0, mid="m")
    assert "seq" not in bob.expect(6, msg="live")
    bob.send(msgid=3, id=bob.id)
    bob.expect(25, errno=0)
    ann.chat(bob.id, "stored")
    seq = ann.expect(20, errno=0)["seq"]
    answer = bob.login(bob.id)
    assert [m["seq"] for m in answer["offlinemsg"]] == [seq]
    # Not acknowledged yet, so nothing may overtake it.
    ann.chat(bob.id, "behind it")
    later = ann.expect(20, errno=0)["seq"]
    bob.expect(6, msg="behind it", seq=later)
    bob.acknowledge(seq, later)


def test_direct_group_keeps_the_order_and_reaches_everybody(
    make_server: Make, member: Connect
) -> None:
    server = make_server("", "--delivery", "direct", "--threads", "2")
    ann, bob, eve = (member(server, name) for name in ("ann", "bob", "eve"))
    ann.send(msgid=8, id=ann.id, groupname="tea", groupdesc="")
    group = ann.expect(23, errno=0)["groupid"]
    for one in (bob, eve):
        one.send(msgid=9, id=one.id, groupid=group)
        one.expect(24, errno=0)
    for number in range(100):
        ann.group_chat(group, str(number))
        ann.expect(20, errno=0)
    for one in (bob, eve):
        seen: list[str] = []
        while len(seen) < 100:
            message = one.expect(10)
            seen.append(message["msg"])
            if "seq" in message:
                one.acknowledge(message["seq"])
        assert seen == [str(number) for number in range(100)]


# ---------------------------------------------------------------------- kill -9


def test_an_acked_message_survives_kill_9_before_its_delivery(
    server: ServerProcess, member: Connect, connect: Connect
) -> None:
    ann = member(server, "ann")
    bob = connect(server).register("bob")
    ann.chat(bob, "survives", mid="m")
    seq = ann.expect(20, errno=0)["seq"]
    server.kill()
    server.start()
    client = connect(server)
    assert [(m["seq"], m["msg"]) for m in client.login(bob)["offlinemsg"]] == [(seq, "survives")]
    client.acknowledge(seq)
    client.send(msgid=3, id=bob)
    client.expect(25, errno=0)
    assert client.login(bob)["offlinemsg"] == []
    # Who sends it again, not knowing, gets the first answer.
    ann = connect(server)
    ann.login(1)
    ann.chat(bob, "survives", mid="m")
    ann.expect(20, errno=0, seq=seq)
    client.nothing()


def test_presence_is_right_again_after_kill_9(
    server: ServerProcess, member: Connect, connect: Connect
) -> None:
    ann, bob = member(server, "ann"), member(server, "bob")
    ann.send(msgid=7, id=ann.id, friendid=bob.id)
    assert ann.expect(22, errno=0)["friend"]["state"] == "online"
    server.kill()
    assert server.query("SELECT COUNT(*) FROM user WHERE state = 'online'") == [(2,)]
    server.start()
    answer = connect(server).login(ann.id)
    assert [friend["state"] for friend in answer["friends"]] == ["offline"]


class Sender(threading.Thread):
    """Sends numbered messages, reconnects, and repeats messages without an acknowledgement."""

    def __init__(self, server: ServerProcess, user_id: int, to: int, count: int) -> None:
        super().__init__()
        self.server, self.user_id, self.to, self.count = server, user_id, to, count
        self.acked: list[tuple[int, int]] = []  # (number, seq)
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while len(self.acked) < self.count:
                try:
                    self._session()
                except (ConnectionError, AssertionError):
                    threading.Event().wait(0.02)  # the server is down; back-off, not a wait
        except BaseException as exc:  # noqa: BLE001 - shown by the test
            self.failure = exc

    def _session(self) -> None:
        with Wire(self.server.port) as wire:
            wire.login(self.user_id, device=f"d{self.user_id}")
            while len(self.acked) < self.count:
                first = len(self.acked)
                batch = range(first, min(first + 8, self.count))
                for number in batch:
                    wire.chat(self.to, str(number), mid=f"mid-{number}")
                for number in batch:
                    ack = wire.find(20, mid=f"mid-{number}", errno=0)
                    self.acked.append((number, ack["seq"]))


@pytest.mark.parametrize("threads", ["0", "2"])
def test_kill_9_under_load_loses_nothing_that_was_acked(
    make_server: Make, connect: Connect, threads: str
) -> None:
    server = make_server("", "--threads", threads)
    people, count = 8, 400
    with Wire(server.port) as wire:
        ids = [wire.register(f"user {n}") for n in range(people)]
    senders = [Sender(server, ids[n], ids[(n + 1) % people], count) for n in range(people)]
    for sender in senders:
        sender.start()
    for part in (1, 2, 3):
        while sum(len(sender.acked) for sender in senders) < part * people * count // 5:
            threading.Event().wait(0.005)
        server.kill()
        server.start()
    for sender in senders:
        sender.join()
        assert sender.failure is None
    for sender in senders:
        client = connect(server)
        mail = collect_mail(client, _login_when_free(client, sender.to), count)
        assert [(int(m["msg"]), m["seq"]) for m in mail] == sender.acked
        client.nothing()
        assert [seq for _, seq in sender.acked] == sorted(seq for _, seq in sender.acked)


def _login_when_free(client: Wire, user_id: int) -> dict[str, object]:
    return client.login(user_id, device=f"d{user_id}")


# ---------------------------------------------------------------------- races


def test_random_comings_and_goings(make_server: Make, connect: Connect) -> None:
    """Eight people on three loops, switched as often as possible, send, vanish and come back."""
    racy = _racy(make_server)
    ids = []
    with Wire(racy.port) as wire:
        ids = [wire.register(f"user {n}") for n in range(8)]
    people = [Wanderer(racy, user_id, ids, seed) for seed, user_id in enumerate(ids)]
    for one in people:
        one.start()
    for one in people:
        one.join()
        assert one.failure is None
    for one in people:  # the remaining messages, when all have left
        with Wire(racy.port) as wire:
            answer = wire.login(one.user_id, device=f"d{one.user_id}")
            one.take(wire, answer["offlinemsg"])
            wire.nothing()
    sent = {(one.user_id, to, text) for one in people for to, text in one.acked}
    received = [(m["id"], m["toid"], m["msg"]) for one in people for m in one.received.values()]
    assert len(received) == len(set(received)), "a message came under two numbers"
    assert sent <= set(received), "acked and lost"
    assert {r[:2] for r in received} <= {(a, b) for a in ids for b in ids}


def _racy(make_server: Make) -> ServerProcess:
    server = make_server("", "--threads", "3")
    server.stop()
    server.code = RACY
    return server.start()


class Wanderer(threading.Thread):
    """Does what people with a bad connection do, by a seed."""

    def __init__(self, server: ServerProcess, user_id: int, ids: list[int], seed: int) -> None:
        super().__init__()
        self.server, self.user_id, self.ids = server, user_id, ids
        self.dice = random.Random(seed)
        self.acked: list[tuple[int, str]] = []
        self.received: dict[int, dict[str, object]] = {}
        self.failure: BaseException | None = None
        self._number = 0

    def run(self) -> None:
        try:
            for _ in range(8):
                self._session()
        except BaseException as exc:  # noqa: BLE001 - shown by the test
            self.failure = exc

    def _session(self) -> None:
        with Wire(self.server.port) as wire:
            answer = wire.login(self.user_id, device=f"d{self.user_id}")
            self.take(wire, answer["offlinemsg"])
            for _ in range(self.dice.randrange(1, 20)):
                self._number += 1
                to, text = self.dice.choice(self.ids), str(self._number)
                wire.chat(to, text, mid=text)
                wire.find(20, mid=text, errno=0)
                self.acked.append((to, text))
                if self.dice.random() < 0.5:
                    self.take(wire, wire.pending)
                    wire.pending.clear()
            if self.dice.random() < 0.5:  # the other half just vanish
                wire.send(msgid=3, id=self.user_id)
                wire.find(25, errno=0)
                self.take(wire, wire.pending)

    def take(self, wire: Wire, mail: list[dict[str, object]]) -> None:
        seqs: list[int] = []
        for message in mail:
            if message["msgid"] != 6:
                continue
            seq = message["seq"]
            assert isinstance(seq, int)
            assert self.received.setdefault(seq, message) == message
            seqs.append(seq)
        wire.acknowledge(*seqs)
