"""Router: messages reach the right pumps, each loop in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chat.bus import LocalBus, Received
from chat.connection.loop_counters import LoopCounters
from chat.delivery.codec import Copy, EventWake, Payload
from chat.delivery.router import Router
from chat.group_event import GroupEvent
from chat.login.registry import LoginRegistry
from chat.mailbox_number import mailbox_of, owner
from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT, ONE_CHAT, decode
from muduopy import EventLoop, EventLoopThread
from tests.chat.loopkit import WAIT, Passes


class StubLogin:
    """A login whose pump takes everything; ``got`` has the written frames of each call."""

    def __init__(self, loop: EventLoop, user_id: int) -> None:
        self.loop = loop
        self.mailbox, self.user_id = user_id, owner(user_id)
        self.groups: frozenset[int] = frozenset()
        self.pump = self.connection = self
        self.writes: list[list[int]] = []
        self.dirty = 0
        self.refuse = False
        self.counters = LoopCounters("test")
        self.contiguous: list[bool] = []

    def push(self, message: ChatMessage, contiguous: bool, out: list[bytes]) -> None:
        assert self.loop.is_in_loop_thread
        self.contiguous.append(contiguous)
        if not self.refuse:
            out.append(message.frame(v2=True))

    def mark_dirty(self) -> None:
        assert self.loop.is_in_loop_thread
        self.dirty += 1

    def send_mail(self, frames: list[bytes]) -> None:
        assert self.loop.is_in_loop_thread
        self.writes.append([decode(frame)["seq"] for frame in frames])


class RecordingBus(LocalBus[Payload]):
    """Keeps the published messages."""

    def __init__(self, alone: bool = False) -> None:
        self.published: list[Payload] = []
        self._alone = alone

    @property
    def alone(self) -> bool:
        return self._alone

    def publish(self, payloads: Sequence[Payload]) -> None:
        self.published += payloads


class Board:
    """A router of logins that write down their frames."""

    def __init__(self, passes: Passes) -> None:
        self.passes = passes
        self.registry = LoginRegistry()
        self.bus = RecordingBus()
        self.router = Router(self.registry, self.bus)

    def login(self, user_id: int, *groups: int, loop: EventLoop | None = None) -> Any:
        login: Any = StubLogin(loop or self.passes.loop, user_id)
        self.registry.add(login, frozenset(groups))
        return login

    def wake(self, *messages: ChatMessage, contiguous: bool = True) -> None:
        self.router.wake([Received(message, contiguous, True) for message in messages])
        self.passes.settle()


@pytest.fixture
def board(passes: Passes) -> Board:
    return Board(passes)


def to_one(seq: int, user_id: int) -> ChatMessage:
    message = ChatMessage(seq, ONE_CHAT, 99, "ann", user_id, "hi", "now")
    message.receivers = frozenset((user_id,))
    return message


def to_group(seq: int, group_id: int, *receivers: int) -> ChatMessage:
    message = ChatMessage(seq, GROUP_CHAT, 99, "ann", group_id, "hi", "now")
    message.receivers = frozenset(receivers)
    return message


def test_to_one(board: Board) -> None:
    one, other = board.login(1), board.login(2)
    board.wake(to_one(5, 1), to_one(6, 3))
    assert one.writes == [[5]]
    assert other.writes == []


def test_frames_for_one_connection_go_out_together(board: Board) -> None:
    one, other = board.login(1, 7), board.login(2, 7)
    board.wake(to_one(5, 1), to_group(6, 7, 1, 2), to_one(7, 1), to_one(8, 2))
    assert one.writes == [[5, 6, 7]]
    assert other.writes == [[6, 8]]


def test_only_those_it_was_stored_for_see_it(board: Board) -> None:
    """A member of this node's list may be one of tomorrow, or the sender."""
    one, two, three = board.login(1, 7), board.login(2, 7), board.login(3)
    board.wake(to_group(5, 7, 2, 3))
    assert (one.writes, two.writes) == ([], [[5]])
    assert three.writes == [], "not registered for that group: the mailbox has it"


def test_what_the_pump_keeps_is_not_written(board: Board) -> None:
    one = board.login(1)
    one.refuse = True
    board.wake(to_one(5, 1))
    assert one.writes == []


@pytest.mark.parametrize("contiguous", [True, False])
def test_contiguous_is_handed_on(board: Board, contiguous: bool) -> None:
    one = board.login(1)
    board.wake(to_one(5, 1), contiguous=contiguous)
    assert one.contiguous == [contiguous]


def test_a_login_that_is_not_complete(board: Board) -> None:
    one = board.login(1)
    one.refuse = True  # as an inactive pump does
    board.wake(to_one(5, 1))
    assert one.contiguous == [True], "the pump hears of it, and will look"
    assert one.writes == []


def test_in_doubt_each_pump_looks(board: Board) -> None:
    logins = [board.login(1), board.login(2, 7)]
    board.router.on_doubt()
    board.passes.settle()
    assert [login.dirty for login in logins] == [1, 1]


def test_each_loop_gets_its_share(board: Board) -> None:
    thread = EventLoopThread("other")
    other_loop = thread.start_loop()
    try:
        here, there = board.login(1, 7), board.login(2, 7, loop=other_loop)
        board.wake(to_group(5, 7, 1, 2), to_one(6, 2))
        board.router.on_doubt()
    finally:
        assert thread.stop(WAIT)
    board.passes.settle()
    assert (here.writes, there.writes) == ([[5]], [[5, 6]])
    assert (here.dirty, there.dirty) == (1, 1)


# ---------------------------------------------------------------------- committed here


def test_a_message_to_a_user_who_is_here_is_not_published(board: Board) -> None:
    one = board.login(1)
    here, there, group = to_one(5, 1), to_one(6, 2), to_group(7, 8, 1, 2)
    board.router.announce([here, there, group])
    board.passes.settle()
    assert one.writes == [[5]], "not registered for that group"
    assert one.contiguous == [True]
    assert board.bus.published == [there, group]


def test_alone_nothing_is_published(board: Board) -> None:
    bus = RecordingBus(alone=True)
    Router(board.registry, bus).announce([to_one(5, 1), to_group(6, 8, 1)])
    assert bus.published == []


def copied(seq: int, sender: int, target: int, *receivers: int) -> ChatMessage:
    """A message for several devices."""
    message = ChatMessage(seq, ONE_CHAT, sender, "ann", target, "hi", "now")
    message.receivers = frozenset(receivers)
    return message


def test_all_devices_of_both_users(board: Board) -> None:
    """Those that are here are woken; a publication goes to the users with devices elsewhere."""
    phone, laptop = mailbox_of(1, 5), mailbox_of(1, 6)
    here = [board.login(2), board.login(mailbox_of(2, 7)), board.login(laptop)]
    all_here = copied(5, 1, 2, 2, mailbox_of(2, 7), laptop)
    board.router.announce([all_here])
    board.passes.settle()
    assert [login.writes for login in here] == [[[5]], [[5]], [[5]]]
    assert board.bus.published == []
    board.router.announce([copied(6, 1, 2, 2, mailbox_of(2, 8), laptop, phone)])
    board.router.announce([copied(7, 1, 2, 2, phone)])
    board.router.announce([copied(8, 1, 2, 2, mailbox_of(2, 8))])
    board.passes.settle()
    assert [login.writes for login in here] == [
        [[5], [6], [7], [8]],
        [[5]],
        [[5], [6]],
    ]
    published = []
    for payload in board.bus.published:
        message = payload.message if isinstance(payload, Copy) else payload
        assert isinstance(message, ChatMessage)
        published.append((type(payload), payload.topic, message.seq))
    assert published == [
        (ChatMessage, (ONE_CHAT, 2), 6),
        (Copy, (ONE_CHAT, 1), 6),
        (Copy, (ONE_CHAT, 1), 7),
        (ChatMessage, (ONE_CHAT, 2), 8),
    ]


def test_each_publication_wakes_the_devices_of_its_user(board: Board) -> None:
    laptop, bob = board.login(mailbox_of(1, 6)), board.login(2)
    message = copied(5, 1, 2, 2, laptop.mailbox)
    board.wake(message)
    assert (laptop.writes, bob.writes) == ([], [[5]])
    board.router.wake_copies([Received(Copy(message), True, True)])
    board.passes.settle()
    assert (laptop.writes, bob.writes) == ([[5]], [[5]])
    assert (laptop.dirty, bob.dirty) == (0, 0)


# ---------------------------------------------------------------------- events of groups


def of_group(seq: int, group_id: int, *receivers: int) -> GroupEvent:
    event = GroupEvent(seq, group_id, "now", {"event": "removed", "userid": 2, "by": 1})
    event.receivers = frozenset(receivers)
    return event


def test_an_event_reaches_devices_in_no_group(board: Board) -> None:
    """A removed user is registered for the group no longer, and hears its topic no longer."""
    phone, laptop, gone = mailbox_of(1, 5), mailbox_of(1, 6), mailbox_of(2, 7)
    logins = [board.login(phone, 8), board.login(gone)]
    event = of_group(5, 8, phone, laptop, gone, mailbox_of(2, 9))
    board.router.announce_event(event, {2})
    board.passes.settle()
    assert [login.writes for login in logins] == [[[5]], [[5]]]
    wakes = [payload for payload in board.bus.published if isinstance(payload, EventWake)]
    assert [(wake.topic, wake.user_id) for wake in wakes] == [
        ((ONE_CHAT, 2), 2),
        ((GROUP_CHAT, 8), 0),
    ]
    assert len(wakes) == len(board.bus.published)


def test_an_event_whose_receivers_are_here_is_not_published(board: Board) -> None:
    phone = board.login(mailbox_of(1, 5))
    board.router.announce_event(of_group(5, 8, phone.mailbox), set())
    board.passes.settle()
    assert (phone.writes, board.bus.published) == ([[5]], [])


def test_alone_no_event_is_published(board: Board) -> None:
    bus = RecordingBus(alone=True)
    Router(board.registry, bus).announce_event(of_group(5, 8, mailbox_of(1, 5)), {1})
    assert bus.published == []


def test_an_event_from_another_node(board: Board) -> None:
    """On the topic of a user only that one is woken, and its pump reads the mailbox."""
    phone, gone = board.login(mailbox_of(1, 5), 8), board.login(mailbox_of(2, 7))
    event = of_group(5, 8, phone.mailbox, gone.mailbox)
    board.router.wake_events([Received(EventWake(event, 2), True, True)])
    board.passes.settle()
    assert (phone.contiguous, gone.contiguous) == ([], [False])
    board.router.wake_events([Received(EventWake(of_group(6, 8, phone.mailbox), 0), True, True)])
    board.passes.settle()
    assert (phone.contiguous, gone.contiguous) == ([True], [False])
