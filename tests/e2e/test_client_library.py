"""ChatClient against a real server: lost connections at every point, restarts, kills."""

from __future__ import annotations

import queue
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from client import (
    ChatClient,
    ChatMessage,
    ConnectError,
    ConnectionLostError,
    FriendNotice,
    GroupNotice,
    ReadNotice,
    RefusedError,
    ReplacedError,
    Sending,
    State,
    Timing,
    TypingNotice,
)
from client.errors import NotLoggedInError
from client.protocol.tls import make_context
from tests.e2e.chatkit import PASSWORD, PROJECT, WAIT, ServerProcess, Wire
from tests.e2e.frameproxy import Cut, CutOnce, FrameProxy, Way

QUICK = Timing(
    connect=WAIT,
    answer=WAIT,
    login=WAIT,
    patience=2 * WAIT,
    chat_acks=WAIT,
    first_backoff=0.02,
    longest_backoff=0.1,
)

LOGIN, LOGIN_ACK, CHAT, CHAT_ACK, DELIVERED = 1, 2, 6, 20, 21


class Reader:
    """Collects messages: ``on_message`` of a client."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self._arrived = threading.Condition()

    def __call__(self, message: ChatMessage) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    @property
    def texts(self) -> list[str]:
        with self._arrived:
            return [message.text for message in self.messages]

    def wait_for(self, count: int) -> list[str]:
        with self._arrived:
            came = self._arrived.wait_for(lambda: len(self.messages) >= count, 2 * WAIT)
            assert came, f"{len(self.messages)} of {count} messages came"
        return self.texts


class Person:
    """A client that is logged in, and its received messages."""

    def __init__(self, port: int, name: str, **options: Any) -> None:
        self.reader = Reader()
        self.client = ChatClient(
            "127.0.0.1", port, on_message=self.reader, **{"timing": QUICK, **options}
        )
        self.client.connect()
        self.id = self.client.register(name, PASSWORD)

    def log_in(self) -> Person:
        self.client.login(self.id, PASSWORD)
        return self


Enter = Callable[..., Person]


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Registers users: ``enter(port, name)``; each client is closed at the end."""
    people: list[Person] = []

    def make(port: int, name: str, **options: Any) -> Person:
        people.append(Person(port, name, **options))
        return people[-1]

    yield make
    for person in people:
        person.client.close()


def all_confirmed(sendings: list[Sending]) -> None:
    done, pending = wait(sendings, 2 * WAIT)
    assert not pending, f"{len(pending)} of {len(sendings)} messages were not confirmed"
    seqs = [sending.result().seq for sending in sendings]
    assert len(set(seqs)) == len(done)
    assert seqs == sorted(seqs, key=lambda seq: seq or 0)


# ---------------------------------------------------------------------- everyday


def test_a_bot_in_ten_lines(server: ServerProcess, enter: Enter) -> None:
    ann = enter(server.port, "ann").log_in()
    bot = ChatClient("127.0.0.1", server.port, timing=QUICK)
    with bot:
        bot_id = bot.register("bot", PASSWORD)
        bot.login(bot_id, PASSWORD)
        ann.client.send(bot_id, "hello")
        for message in bot.messages():
            bot.send(message.sender_id, f"you said: {message.text}")
            break
    assert ann.reader.wait_for(1) == ["you said: hello"]


def test_friends_groups_and_presence(server: ServerProcess, enter: Enter) -> None:
    presences: list[tuple[int, str]] = []
    seen = threading.Event()

    def on_presence(presence: Any) -> None:
        presences.append((presence.user_id, presence.state))
        seen.set()

    ann = enter(server.port, "ann", on_presence=on_presence).log_in()
    bob = enter(server.port, "bob")
    friend = ann.client.add_friend(bob.id)
    assert friend is not None
    assert (friend.name, friend.state) == ("bob", "offline")
    assert ann.client.add_friend(bob.id) == friend  # again
    bob.log_in()
    assert seen.wait(WAIT)
    assert presences == [(bob.id, "online")]
    assert ann.client.account is not None
    assert ann.client.account.friends[0].state == "online"
    tea = ann.client.create_group("tea", "four o'clock")
    joined = bob.client.join_group(tea.id)
    assert [member.name for member in joined.members] == ["ann", "bob"]
    ann.client.send_group(tea.id, "tea is ready").result(WAIT)
    assert bob.reader.wait_for(1) == ["tea is ready"]
    with pytest.raises(RefusedError, match="no such user"):
        ann.client.send(9999, "hello?").result(WAIT)


def test_a_closed_group(server: ServerProcess, enter: Enter) -> None:
    notices: queue.SimpleQueue[GroupNotice] = queue.SimpleQueue()
    ann = enter(server.port, "ann").log_in()
    bob = enter(server.port, "bob", on_group_notice=notices.put).log_in()
    tea = ann.client.create_group("tea", join="invite")
    with pytest.raises(RefusedError, match="needs an invitation"):
        bob.client.join_group(tea.id)
    ann.client.invite(tea.id, bob.id)
    assert notices.get(timeout=WAIT).event == "invited"
    assert bob.client.account is not None
    assert [item.group_name for item in bob.client.account.invitations] == ["tea"]
    assert bob.client.join_group(tea.id).join == "invite"
    ann.client.set_role(tea.id, bob.id, "admin")
    assert notices.get(timeout=WAIT).role == "admin"
    bob.client.change_group(tea.id, name="green tea")
    ann.client.ban_member(tea.id, bob.id, "enough")
    notice = notices.get(timeout=WAIT)
    assert (notice.event, notice.reason, notice.by_name) == ("banned", "enough", "ann")
    assert bob.client.account.groups == ()
    assert [(ban.name, ban.reason) for ban in ann.client.bans(tea.id)] == [("bob", "enough")]
    with pytest.raises(RefusedError, match="no such group"):
        bob.client.send_group(tea.id, "hello?").result(WAIT)
    ann.client.unban_member(tea.id, bob.id)
    ann.client.change_group(tea.id, join="password", password="green tea")
    assert bob.client.join_group(tea.id, "green tea").name == "green tea"


def test_events_of_a_group(server: ServerProcess, enter: Enter) -> None:
    """Each once, to a removed user, too; and in the history."""
    came: queue.SimpleQueue[ChatMessage] = queue.SimpleQueue()
    ann, bob = enter(server.port, "ann", devices=True).log_in(), enter(server.port, "bob").log_in()
    cat = enter(server.port, "cat", devices=True, on_group_event=came.put).log_in()
    tea = ann.client.create_group("tea")
    cat.client.join_group(tea.id)
    assert came.get(timeout=WAIT).text == "joined the group"
    bob.client.join_group(tea.id)
    joined = came.get(timeout=WAIT)
    assert joined.event is not None
    assert (joined.event.event, joined.event.name) == ("joined", "bob")
    ann.client.remove_member(tea.id, cat.id)
    removed = came.get(timeout=WAIT)
    assert removed.event is not None
    assert (removed.sender_name, removed.text) == ("ann", "removed cat")
    assert cat.client.account is not None
    assert cat.client.account.groups == ()
    page = ann.client.history(group_id=tea.id)
    words = [message.event.event for message in page.messages if message.event is not None]
    assert words == ["created", "joined", "joined", "removed"]
    assert came.empty()


def test_a_contact_that_agrees(make_server: Callable[..., ServerProcess], enter: Enter) -> None:
    server = make_server('[chat]\nfriend_requests = "approve"\n')
    notices: queue.SimpleQueue[FriendNotice] = queue.SimpleQueue()
    ann = enter(server.port, "ann", on_friend_notice=notices.put).log_in()
    bob = enter(server.port, "bob", on_friend_notice=notices.put).log_in()
    assert ann.client.add_friend(bob.id) is None
    asked = notices.get(timeout=WAIT)
    assert (asked.event, asked.user_id, asked.name) == ("asked", ann.id, "ann")
    assert [item.user_id for item in bob.client.friend_requests()] == [ann.id]
    friend = bob.client.answer_friend(ann.id, accept=True)
    assert friend is not None
    assert friend.name == "ann"
    assert notices.get(timeout=WAIT) == FriendNotice("accepted", bob.id, "bob", "online")
    assert ann.client.account is not None
    assert [item.id for item in ann.client.account.friends] == [bob.id]
    bob.client.remove_friend(ann.id)
    with pytest.raises(RefusedError, match="not in your list"):
        ann.client.remove_friend(bob.id)


def test_conversations(server: ServerProcess, enter: Enter) -> None:
    read: queue.SimpleQueue[ReadNotice] = queue.SimpleQueue()
    typing: queue.SimpleQueue[TypingNotice] = queue.SimpleQueue()
    ann = enter(server.port, "ann", devices=True, on_read=read.put).log_in()
    bob = enter(server.port, "bob", devices=True, on_typing=typing.put).log_in()
    ann.client.send(bob.id, "hello").result(WAIT)
    bob.reader.wait_for(1)
    message = bob.reader.messages[0]
    (entry,) = bob.client.conversations().conversations
    assert (entry.user_id, entry.name, entry.last.text, entry.unread) == (ann.id, "ann", "hello", 1)
    assert message.seq is not None
    assert bob.client.mark_read(message.seq, user_id=ann.id) == message.seq
    assert read.get(timeout=WAIT) == ReadNotice(bob.id, bob.id, None, message.seq)
    ann.client.typing(user_id=bob.id)
    assert typing.get(timeout=WAIT) == TypingNotice(ann.id, None)
    bob.client.mute(user_id=ann.id)
    bob.client.logout()
    account = bob.client.login(bob.id, PASSWORD)
    assert account.muted_users == {ann.id}
    assert [item.unread for item in account.conversations] == [0]
    bob.client.set_receipts(False)
    assert not bob.client.receipts()
    (entry,) = ann.client.conversations().conversations
    assert entry.other_read is None
    with pytest.raises(RefusedError, match="no conversation"):
        ann.client.mark_read(1, user_id=99)


def test_the_same_account_elsewhere(server: ServerProcess, enter: Enter) -> None:
    """Clients without a mailbox of their own: one at a time."""
    ann = enter(server.port, "ann", device="laptop", devices=False).log_in()
    other = ChatClient("127.0.0.1", server.port, timing=QUICK)
    with other:
        with pytest.raises(RefusedError, match="this account is using") as caught:
            other.login(ann.id, PASSWORD)
        assert caught.value.errno == 2
    again = ChatClient("127.0.0.1", server.port, device="laptop", devices=False, timing=QUICK)
    with again:
        again.login(ann.id, PASSWORD)  # takes over at once
        with pytest.raises(ReplacedError, match="has logged in elsewhere"):
            while True:
                with suppress(ConnectionLostError):  # the connection ends before the client stops
                    ann.client.add_friend(1)
        assert ann.client.state is State.STOPPED
        assert again.state is State.ONLINE


def test_a_server_that_drains(server: ServerProcess, enter: Enter) -> None:
    ann, bob = (enter(server.port, name).log_in() for name in ("ann", "bob"))
    sendings = [ann.client.send(bob.id, str(number)) for number in range(50)]
    server.stop()
    sendings += [ann.client.send(bob.id, str(number)) for number in range(50, 100)]
    server.start()
    all_confirmed(sendings)
    assert bob.reader.wait_for(100) == [str(number) for number in range(100)]


def test_logout_revokes_the_token(server: ServerProcess, enter: Enter, tmp_path: Path) -> None:
    ann = enter(server.port, "ann", folder=tmp_path).log_in()
    ann.client.close()
    again = ChatClient("127.0.0.1", server.port, folder=tmp_path, timing=QUICK)
    with again:
        again.login(ann.id)
        (token,) = server.query("SELECT count(*) FROM token")
        assert token == (1,)
        again.logout()
        assert server.query("SELECT count(*) FROM token") == [(0,)]
        with pytest.raises(NotLoggedInError):
            again.send(ann.id, "hi")


# ---------------------------------------------------------------------- lost connections


@pytest.mark.parametrize("nth", [1, 7])
@pytest.mark.parametrize("cut", list(Cut), ids=lambda cut: cut.value)
@pytest.mark.parametrize(
    ("way", "msgid"),
    [
        (Way.UP, CHAT),
        (Way.DOWN, CHAT_ACK),
        (Way.DOWN, CHAT),
        (Way.UP, DELIVERED),
    ],
    ids=["chat", "chat ack", "delivery", "delivered"],
)
def test_the_connection_is_cut(
    server: ServerProcess, enter: Enter, way: Way, msgid: int, cut: Cut, nth: int
) -> None:
    with FrameProxy(server.port) as proxy:
        ann = enter(proxy.port, "ann").log_in()
        bob = enter(server.port, "bob").log_in()
        proxy.policy = policy = CutOnce(way, msgid, cut, nth)
        talk(ann, bob, 30)
        assert policy.happened.is_set() or msgid == DELIVERED
        ann.client.close()


@pytest.mark.parametrize("cut", list(Cut), ids=lambda cut: cut.value)
@pytest.mark.parametrize(("way", "msgid"), [(Way.UP, LOGIN), (Way.DOWN, LOGIN_ACK)])
def test_the_connection_is_cut_at_the_login(
    server: ServerProcess, enter: Enter, way: Way, msgid: int, cut: Cut
) -> None:
    with FrameProxy(server.port) as proxy:
        ann = enter(proxy.port, "ann")
        bob = enter(server.port, "bob").log_in()
        waiting = [bob.client.send(ann.id, f"bob {number}") for number in range(10)]
        all_confirmed(waiting)
        proxy.policy = policy = CutOnce(way, msgid, cut)
        ann.log_in()
        assert policy.happened.is_set()
        assert ann.reader.wait_for(10) == [f"bob {number}" for number in range(10)]
        # The same for the login by token, after another lost connection.
        first, second = CutOnce(Way.UP, CHAT, Cut.AFTER), CutOnce(way, msgid, cut)
        proxy.policy = lambda where, message: first(where, message) or second(where, message)
        talk(ann, bob, 10)
        assert first.happened.is_set()
        assert second.happened.is_set()
        ann.client.close()


@pytest.mark.parametrize("limit", [0, 1, 10, 63, 64, 65, 100, 200, 350, 500, 1000, 2500])
def test_every_connection_is_cut_after_some_bytes(
    server: ServerProcess, enter: Enter, limit: int
) -> None:
    with FrameProxy(server.port) as proxy:
        ann = enter(proxy.port, "ann").log_in()
        bob = enter(server.port, "bob").log_in()
        proxy.bytes_until_cut = [limit] * 8
        proxy.policy = CutOnce(Way.UP, CHAT, Cut.BEFORE)
        talk(ann, bob, 20)
        assert proxy.connections > 2
        ann.client.close()


def talk(ann: Person, bob: Person, count: int) -> None:
    """Both write; each message arrives once and in order, and the server has none left."""
    read = len(ann.reader.texts)
    theirs = [bob.client.send(ann.id, f"bob {number}") for number in range(count)]
    ours = [ann.client.send(bob.id, f"ann {number}") for number in range(count)]
    all_confirmed(ours)
    all_confirmed(theirs)
    assert bob.reader.wait_for(count) == [f"ann {number}" for number in range(count)]
    assert ann.reader.wait_for(read + count)[read:] == [f"bob {number}" for number in range(count)]
    # One more message each: a repetition would arrive before it.
    last = [bob.client.send(ann.id, "end"), ann.client.send(bob.id, "end")]
    all_confirmed(last[:1])
    assert ann.reader.wait_for(read + count + 1)[read + count :] == ["end"]
    assert bob.reader.wait_for(count + 1)[count:] == ["end"]
    assert ann.client.flush(WAIT)


@pytest.mark.parametrize("seed", range(6))
def test_cut_at_random(server: ServerProcess, enter: Enter, seed: int) -> None:
    """Some thirty connections, each cut somewhere."""
    chance = random.Random(seed)
    lock = threading.Lock()
    cuts = 30

    def policy(way: Way, message: dict[str, Any]) -> Cut | None:
        nonlocal cuts
        with lock:
            if cuts == 0 or chance.random() > 0.1:
                return None
            cuts -= 1
            return chance.choice(list(Cut))

    with FrameProxy(server.port) as proxy:
        ann = enter(proxy.port, "ann").log_in()
        bob = enter(server.port, "bob").log_in()
        proxy.policy = policy
        talk(ann, bob, 300)
        ann.client.close()


# ---------------------------------------------------------------------- kills


def test_the_server_is_killed_with_a_thousand_messages_in_flight(
    server: ServerProcess, enter: Enter
) -> None:
    ann, bob = (enter(server.port, name).log_in() for name in ("ann", "bob"))
    sendings = [ann.client.send(bob.id, str(number)) for number in range(1000)]
    sendings[100].result(WAIT)
    server.kill()
    assert any(not sending.done() for sending in sendings)
    server.start()
    all_confirmed(sendings)
    assert bob.reader.wait_for(1000) == [str(number) for number in range(1000)]
    assert server.query("SELECT count(*) FROM message") == [(1000,)]
    ann.client.send(bob.id, "end").result(WAIT)
    assert bob.reader.wait_for(1001)[1000:] == ["end"]


def test_the_server_is_killed_again_and_again(server: ServerProcess, enter: Enter) -> None:
    ann, bob = (enter(server.port, name).log_in() for name in ("ann", "bob"))
    sendings: list[Sending] = []
    for round_number in range(5):
        sendings += [ann.client.send(bob.id, f"{round_number}.{n}") for n in range(200)]
        sendings[200 * round_number + 20].result(WAIT)
        server.kill()
        server.start()
    all_confirmed(sendings)
    expected = [f"{round_number}.{n}" for round_number in range(5) for n in range(200)]
    assert bob.reader.wait_for(1000) == expected


WRITER = """
import sys
from client import ChatClient, Timing
port, user_id, to, folder, run, count = sys.argv[1:]
client = ChatClient("127.0.0.1", int(port), folder=folder,
                    timing=Timing(first_backoff=0.02, longest_backoff=0.1, chat_acks=30))
client.start()
client.login_soon(int(user_id))
for number in range(int(count)):
    text = f"{run}.{number}"
    client.send(int(to), text)
    print(text, flush=True)
client.flush(60)
client.close()
print("closed", flush=True)
"""

READER = """
import sys
from client import ChatClient, Timing
port, user_id, folder = sys.argv[1:]
with ChatClient("127.0.0.1", int(port), folder=folder,
                timing=Timing(first_backoff=0.02, longest_backoff=0.1)) as client:
    client.login(int(user_id))
    for message in client.messages():
        print(message.text, flush=True)
        sys.stdin.readline()
"""


class Program:
    """A client in a process of its own, to be killed."""

    def __init__(self, code: str, *args: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, args)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def lines(self, count: int | None = None) -> list[str]:
        """So many lines of its output, or all until it ends."""
        assert self.process.stdout is not None
        found: list[str] = []
        while (count is None or len(found) < count) and (line := self.process.stdout.readline()):
            found.append(line.rstrip("\n"))
        return found

    def kill(self) -> list[str]:
        """kill -9; returns its output until then."""
        self.process.send_signal(signal.SIGKILL)
        rest = self.lines()
        self.process.wait(WAIT)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return rest

    def go_on(self, count: int) -> None:
        """Let it go on to the next message, so often."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n" * count)
        self.process.stdin.flush()


def test_a_program_that_writes_is_killed(
    server: ServerProcess, enter: Enter, tmp_path: Path
) -> None:
    """A message arrives once after ``send`` has returned, whenever the program is killed."""
    bob = enter(server.port, "bob").log_in()
    ann = enter(server.port, "ann", folder=tmp_path).log_in()
    ann.client.close()
    chance = random.Random(5)
    written: list[str] = []
    for run in range(8):
        program = Program(WRITER, server.port, ann.id, bob.id, tmp_path, run, 10_000)
        written += program.lines(chance.randint(1, 400))
        written += program.kill()
        server.wait_until_offline(ann.id)
    program = Program(WRITER, server.port, ann.id, bob.id, tmp_path, "last", 3)
    assert program.lines() == ["last.0", "last.1", "last.2", "closed"]
    program.kill()
    texts = bob.reader.wait_for(len(written) + 3)
    while "last.2" not in texts:  # it is in the file, and the kill came before the print
        texts = bob.reader.wait_for(len(texts) + 1)
    assert len(texts) == len(set(texts)), "something came twice"
    assert set(written) <= set(texts), "something was lost"
    in_the_order_of_writing = [text for text in texts if text in set(written)]
    assert in_the_order_of_writing == written


def test_a_program_that_reads_is_killed(
    server: ServerProcess, enter: Enter, tmp_path: Path
) -> None:
    """No message is lost. Only the message in hand comes twice."""
    ann = enter(server.port, "ann", folder=tmp_path).log_in()
    ann.client.close()
    bob = enter(server.port, "bob").log_in()
    expected = [str(number) for number in range(600)]
    all_confirmed([bob.client.send(ann.id, text) for text in expected])
    chance = random.Random(6)
    read: list[str] = []
    for _ in range(8):
        program = Program(READER, server.port, ann.id, tmp_path)
        count = chance.randint(1, 60)
        program.go_on(count)
        lines = program.lines(chance.randint(1, count + 1))
        lines += program.kill()
        read += lines[read[-1:] == lines[:1] :]  # the first may be the message in hand at the kill
        server.wait_until_offline(ann.id)
    program = Program(READER, server.port, ann.id, tmp_path)
    program.go_on(len(expected))
    last = program.lines(1)
    while last[-1] != expected[-1]:
        last += program.lines(1)
    program.kill()
    assert read + last[read[-1:] == last[:1] :] == expected


# ---------------------------------------------------------------------- history and ways out


def test_history_page_by_page(server: ServerProcess, enter: Enter) -> None:
    ann, bob = (enter(server.port, name).log_in() for name in ("ann", "bob"))
    sendings = []
    for number in range(60):
        sender, receiver = (ann, bob) if number % 2 else (bob, ann)
        sendings.append(sender.client.send(receiver.id, str(number)))
        sendings[-1].result(WAIT)
    page = ann.client.history(user_id=bob.id, limit=40)
    assert [message.text for message in page.messages] == [str(n) for n in range(20, 60)]
    assert page.more
    assert (page.messages[0].sender_id, page.messages[0].to_id) == (bob.id, ann.id)
    assert page.messages[0].seq == sendings[20].result().seq
    rest = ann.client.history(user_id=bob.id, before=page.messages[0].seq, limit=40)
    assert [message.text for message in rest.messages] == [str(n) for n in range(20)]
    assert not rest.more
    with pytest.raises(RefusedError):
        ann.client.history(group_id=9999)


def test_ways_out(server: ServerProcess, enter: Enter) -> None:
    ann, bob, cat = (enter(server.port, name).log_in() for name in ("ann", "bob", "cat"))
    tea = ann.client.create_group("tea")
    for person in (bob, cat):
        person.client.join_group(tea.id)
    assert [member.name for member in ann.client.members(tea.id)] == ["ann", "bob", "cat"]
    ann.client.remove_member(tea.id, bob.id)
    with pytest.raises(RefusedError) as caught:
        bob.client.send_group(tea.id, "hello?").result(WAIT)
    assert caught.value.errno == 9
    cat.client.leave_group(tea.id)
    assert cat.client.account is not None
    assert cat.client.account.groups == ()
    assert [member.name for member in ann.client.members(tea.id)] == ["ann"]
    ann.client.dissolve_group(tea.id)
    with pytest.raises(RefusedError, match="no such group"):
        bob.client.join_group(tea.id)
    ann.client.add_friend(bob.id)
    ann.client.remove_friend(bob.id)
    with pytest.raises(RefusedError):
        ann.client.remove_friend(bob.id)


def test_tls_at_the_server_itself(make_server: Callable[..., ServerProcess]) -> None:
    pem = PROJECT / "tests" / "muduopy" / "certs" / "localhost.pem"
    server = make_server(f'[server]\ntls_certificate = "{pem}"\ntls_key = "{pem}"\n')
    with ChatClient("localhost", server.port, tls=make_context(str(pem)), timing=QUICK) as client:
        user_id = client.register("ann", PASSWORD)
        client.login(user_id, PASSWORD)
        sendings = [client.send(user_id, str(number) * 1000) for number in range(200)]
        all_confirmed(sendings)
        texts = [message.text for message in client.messages(timeout=1.0)]
        assert texts == [str(number) * 1000 for number in range(200)]
    with pytest.raises(ConnectError, match="certificate is not valid"):
        ChatClient("localhost", server.port, tls=True, timing=QUICK).connect()


def test_the_test_in_the_guide(server: ServerProcess) -> None:
    guide = (PROJECT / "docs" / "client.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", guide, re.S)[-1], names)
    names["test_hello"](server.port)


@pytest.mark.parametrize("registers_by_itself", [True, False])
def test_a_server_that_was_set_up_anew(
    server: ServerProcess, tmp_path: Path, registers_by_itself: bool
) -> None:
    """At the same address, with the same numbers: the files of the old one do not count."""
    for life in ("first", "second"):
        with ChatClient("127.0.0.1", server.port, folder=tmp_path, timing=QUICK) as client:
            if registers_by_itself or life == "first":
                user_id = client.register("ann", PASSWORD)
            else:
                with Wire(server.port) as wire:
                    user_id = wire.register("ann")
            assert user_id == 1
            client.login(user_id, PASSWORD)
            for number in range(3):
                client.send(user_id, f"{life} {number}").result(WAIT)
            texts = [message.text for message in client.messages(timeout=1.0)]
            assert texts == [f"{life} {number}" for number in range(3)]
        server.stop()
        for path in server.folder.glob("chat.db*"):
            path.unlink()
        server.start()


def test_a_restored_backup(server: ServerProcess, tmp_path: Path) -> None:
    """A message after the restore has the number of one that was shown and is lost."""
    options: dict[str, Any] = {"timing": QUICK, "folder": tmp_path / "ann"}

    def talk(text: str) -> tuple[int | None, list[str], str]:
        with (
            ChatClient("127.0.0.1", server.port, **options) as ann,
            ChatClient("127.0.0.1", server.port, timing=QUICK) as bob,
        ):
            account = ann.login("ann", PASSWORD)
            bob.login("bob", PASSWORD)
            seq = bob.send_to("ann", text).result(WAIT).seq
            return seq, [next(ann.messages(WAIT)).text], account.epoch

    with ChatClient("127.0.0.1", server.port, timing=QUICK) as client:
        for name in ("ann", "bob"):
            client.register(name, PASSWORD)
    talk("before the backup")
    server.stop()
    backup = server.database.read_bytes()
    server.start()
    lost, _, former = talk("lost")
    server.stop()
    for path in server.database.parent.glob("chat.db?*"):
        path.unlink()
    server.database.write_bytes(backup)
    command = [*server.command(), "--new-epoch"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    epoch = done.stdout.removeprefix("new epoch: ").strip()
    server.start()
    again, texts, now = talk("lost")  # the same sender and text: the check sum may be the same
    assert (again, texts, now) == (lost, ["lost"], epoch)
    assert now != former
    refused = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("chatserver: database: ")


def test_a_member_with_a_full_mailbox_gets_every_message_of_the_group(
    make_server: Callable[..., ServerProcess], enter: Enter
) -> None:
    """Once and in order, although the server is killed. A sender learns of the full mailbox."""
    server = make_server("[limits]\nmailbox_rows = 40\n")
    ann, bob = enter(server.port, "ann").log_in(), enter(server.port, "bob").log_in()
    tea = ann.client.create_group("tea", "")
    bob.client.join_group(tea.id)
    bob.client.logout()
    texts: list[str] = []

    def tell() -> None:
        texts.append(f"message {len(texts)}")
        ann.client.send_group(tea.id, texts[-1]).result(WAIT)

    while not any("too full for messages to group" in line for line in server.log):
        tell()
    for _ in range(250):
        tell()
    private = 0
    with pytest.raises(RefusedError) as refused:
        while True:
            ann.client.send(bob.id, "to you").result(WAIT)
            private += 1
    assert refused.value.errno == 12
    bob.log_in()
    bob.reader.wait_for(len(texts) - 200)
    server.kill()
    server.start()
    bob.reader.wait_for(len(texts) + private)
    assert [text for text in bob.reader.texts if text != "to you"] == texts
    assert bob.reader.texts.count("to you") == private


def test_the_own_account(server: ServerProcess, enter: Enter, tmp_path: Path) -> None:
    ann, bob = (
        enter(server.port, "ann", folder=tmp_path).log_in(),
        enter(server.port, "bob").log_in(),
    )
    assert ann.client.rename("Anna") == "Anna"
    ann.client.change_password(PASSWORD, "another-1")
    ann.client.send(bob.id, "hi").result(WAIT)
    assert bob.reader.wait_for(1) == ["hi"]
    assert bob.reader.messages[0].sender_name == "Anna"
    with pytest.raises(RefusedError):
        ann.client.delete_account(PASSWORD)
    ann.client.delete_account("another-1")
    assert ann.client.account is None
    with pytest.raises(RefusedError) as refused:
        bob.client.send(ann.id, "still there?").result(WAIT)
    assert refused.value.errno == 5
    page = bob.client.history(user_id=ann.id)
    assert [message.sender_name for message in page.messages] == [f"deleted  {ann.id}"]
    with pytest.raises(RefusedError):
        ann.client.login(ann.id, "another-1")
