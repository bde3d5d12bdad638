from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.room import Anchor, HistoryState, Room, RoomKey
from client.ui.text import times
from client.values import ChatMessage, Conversation, GroupNotice
from tests.client.ui.uikit import BOB, at, item, texts


def room(*seqs: int) -> Room:
    made = Room(RoomKey(False, 2), "bob")
    for seq in seqs:
        made.receive(item(seq, str(seq)))
    return made


def mine(mid: str, text: str = "mine") -> MessageItem:
    return MessageItem(1, "ann", text, at(0), 2000.0, Mark.SENDING, mid=mid)


def history_of(room: Room) -> HistoryState:
    return room.history


def anchor_of(room: Room) -> Anchor | None:
    return room.anchor


def marked(room: Room) -> tuple[MessageItem | None, MessageItem | None]:
    return room.divider, room.wanted


def test_messages_are_in_the_order_of_seq() -> None:
    made = room(3, 5, 4, 1)
    assert texts(made) == ["1", "3", "4", "5"]
    assert made.oldest_seq == 1
    assert made.unread == 4
    assert made.active == 1000.0


def test_each_seq_once() -> None:
    made = room(3)
    assert not made.receive(item(3, "again"))
    assert texts(made) == ["3"]
    assert made.unread == 1


def test_a_message_without_seq_stays_at_its_place() -> None:
    made = room(3)
    made.receive(item(None, "a"))
    made.receive(item(None, "b"))
    made.receive(item(4, "4"))
    made.receive(item(None, "c"))
    made.receive(item(2, "2"))
    assert texts(made) == ["2", "3", "a", "b", "4", "c"]
    assert [made.index(e) for e in made.items] == [0, 1, 2, 3, 4, 5]


def test_an_own_message_stands_last_until_it_has_a_seq() -> None:
    made = room(3)
    made.write(mine("m1", "one"))
    made.write(mine("m2", "two"))
    made.receive(item(6, "6"))
    assert texts(made) == ["3", "6", "one", "two"]
    stored = made.confirm("m1", 4, at(9))
    assert stored is not None
    assert (stored.mark, stored.seq, stored.time_text, stored.mid) == (Mark.STORED, 4, at(9), None)
    assert texts(made) == ["3", "one", "6", "two"]
    made.confirm("m2", None, at(9))
    assert texts(made) == ["3", "one", "6", "two"]
    made.receive(item(7, "7"))
    assert texts(made) == ["3", "one", "6", "two", "7"]
    assert made.confirm("m1", 4, at(9)) is None


def test_a_message_to_oneself_arrives_before_its_acknowledgement() -> None:
    made = room()
    made.write(mine("m1", "note"))
    made.receive(item(4, "note", mine=True))
    made.confirm("m1", 4, at(0))
    assert texts(made) == ["note"]
    assert made.unread == 0


def test_a_failed_message_stays_at_its_place() -> None:
    made = room(3)
    made.write(mine("m1"))
    failed = made.fail("m1", "no such user")
    assert failed is not None
    assert (failed.mark, failed.failure, made.failed) == (Mark.FAILED, "no such user", [failed])
    made.receive(item(4, "4"))
    assert texts(made) == ["3", "mine", "4"]
    made.forget(failed)
    assert texts(made) == ["3", "4"]
    assert made.fail("m1", "again") is None


def test_a_failed_message_that_is_stored_after_all() -> None:
    made = room(3)
    made.write(mine("m1"))
    made.fail("m1", "why")
    made.confirm("m1", 9, at(0))
    assert made.failed == []
    assert texts(made) == ["3", "mine"]


def test_history_is_inserted_before_without_repetitions() -> None:
    made = room(5, 6)
    made.mark_shown(made.items)
    page = [item(seq, str(seq), mine=seq == 4) for seq in (3, 4, 5)]
    assert made.add_older(page, more=True) == 2
    assert made.history is HistoryState.MORE
    assert texts(made) == ["3", "4", "5", "6"]
    assert made.add_older([], more=False) == 0
    assert history_of(made) is HistoryState.COMPLETE
    assert made.unread == 0


def test_the_divider_stands_above_the_first_new_message() -> None:
    made = room(1, 2)
    made.open()
    assert made.mark_shown(made.items)
    assert made.unread == 0
    made.leave()
    made.receive(item(4, "4"))
    made.receive(item(3, "3", mine=True))
    made.receive(item(5, "5"))
    assert made.unread == 2
    made.open()
    assert made.divider is not None
    assert made.divider.text == "4"
    assert made.wanted is made.divider
    made.write(mine("m1"))
    assert marked(made) == (None, None)  # an answer marks all as read


def test_no_divider_without_new_messages() -> None:
    made = room(1)
    made.open()
    made.mark_shown(made.items)
    made.leave()
    made.open()
    assert (made.divider, made.wanted) == (None, None)


def test_only_shown_messages_are_read() -> None:
    made = room(*range(1, 11))
    made.open()
    assert made.unread == 10
    assert made.mark_shown(made.items[0:3])
    assert not made.mark_shown(made.items[0:3])
    assert made.mark_shown(made.items[8:])
    assert (made.unread, made.read_seq) == (5, 3.0)
    first = made.first_unread()
    assert first is not None
    assert first.text == "4"
    assert [made.unread_above(index) for index in (0, 3, 5, 8, 10)] == [0, 0, 2, 5, 5]
    made.mark_shown(made.items)
    assert (made.unread, made.read_seq, made.first_unread()) == (0, 10.0, None)


def test_history_restores_the_unread_messages_of_an_earlier_run() -> None:
    made = Room(RoomKey(False, 2), "bob")
    made.unloaded, made.read = 4, (3.0, 0)
    made.open()
    assert (made.unread, made.seeking, made.wanted) == (4, True, None)
    made.add_older([item(seq, str(seq), mine=seq == 8) for seq in (7, 8, 9)], more=True)
    assert (made.unread, made.unloaded, made.read_seq) == (4, 2, 3.0)
    made.add_older([item(seq, str(seq)) for seq in (3, 4)], more=True)
    assert (made.unread, made.unloaded) == (3, 0)  # the fourth one is not on the server any more
    first = made.first_unread()
    assert first is not None
    assert first.text == "4"


def test_messages_that_cannot_be_loaded_are_not_unread() -> None:
    made = Room(RoomKey(False, 2), "bob")
    made.unloaded = 4
    made.open()
    made.set_no_history()
    assert (made.unread, made.seeking, made.history) == (0, False, HistoryState.UNAVAILABLE)


def test_new_messages_without_seq_are_unread() -> None:
    made = room(1)
    made.open()
    made.mark_shown(made.items)
    made.leave()
    made.receive(item(None, "direct"))
    made.open()
    assert made.divider is not None
    assert made.divider.text == "direct"


def test_catching_up_without_a_gap() -> None:
    made = room(1, 2, 3)
    made.add_older([], more=False)
    made.anchor = Anchor(made.items[0], 0)
    made.stale = True
    made.catch_up([item(seq, str(seq), mine=seq == 4) for seq in (3, 4)], more=True)
    assert texts(made) == ["1", "2", "3", "4"]
    assert (made.history, made.stale) == (HistoryState.COMPLETE, False)
    assert made.anchor is not None
    made.catch_up([], more=False)
    assert texts(made) == ["1", "2", "3", "4"]


def test_catching_up_over_a_gap_keeps_unconfirmed_messages() -> None:
    made = room(1, 2)
    made.write(mine("m1"))
    made.add_older([], more=False)
    made.anchor = Anchor(made.items[0], 0)
    made.catch_up([item(seq, str(seq)) for seq in (8, 9)], more=True)
    assert texts(made) == ["8", "9", "mine"]
    assert history_of(made) is HistoryState.MORE
    assert anchor_of(made) is None
    assert made.receive(item(2, "2"))
    made.confirm("m1", 10, at(0))
    assert texts(made) == ["2", "8", "9", "mine"]


def test_catching_up_with_the_whole_history() -> None:
    made = room(1, 2)
    made.catch_up([item(seq, str(seq)) for seq in (3, 4)], more=False)
    assert texts(made) == ["1", "2", "3", "4"]


def test_an_event_of_the_group_does_not_move_the_room() -> None:
    made = Room(RoomKey(True, 7), "")
    event = item(9, "ann has joined")
    event.mark, event.time = Mark.NOTICE, 5000.0
    made.add_older([item(3, "3"), event], more=False)
    assert made.active == 1000.0


def test_a_hidden_room_returns_with_a_message() -> None:
    made = room(1)
    made.hidden = True
    made.receive(item(2))
    assert not made.hidden
    assert repr(made) == "<Room user 2: 2 items, 2 unread>"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("receive direct write stored fail forget past".split()),
            st.integers(1, 12),
        ),
        max_size=60,
    )
)
def test_any_events_keep_the_order(steps: list[tuple[str, int]]) -> None:
    made = Room(RoomKey(False, 2), "bob")
    for step, number in steps:
        mid = f"m{number}"
        if step == "receive":
            made.receive(item(number))
        elif step == "direct":
            made.receive(item(None))
        elif step == "write" and mid not in {e.mid for e in made.items}:
            made.write(mine(mid))
        elif step == "stored":
            made.confirm(mid, number + 100, at(0))
        elif step == "fail":
            made.fail(mid, "why")
        elif step == "forget" and made.failed:
            made.forget(made.failed[0])
        elif step == "past":
            made.add_older([item(seq) for seq in range(number, number + 3)], more=True)
    places = [e.place for e in made.items]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    seqs = [e.seq for e in made.items if e.seq is not None]
    assert seqs == sorted(set(seqs))
    assert [made.index(e) for e in made.items] == list(range(len(made.items)))


# ---------------------------------------------------------------------- marks of the server


def listed(last: int, read: int, unread: int, other_read: int | None = None) -> Conversation:
    message = ChatMessage(BOB, "bob", at(5), "the last one", None, last)
    return Conversation(BOB, None, "bob", message, False, read, unread, False, other_read, False)


def test_the_counts_of_the_server_are_taken() -> None:
    room = Room(RoomKey(False, BOB), "bob")
    room.take_listed(listed(9, 5, 3), "bob: the last one")
    assert (room.unread, room.told_read, room.last_line) == (3, 5, "bob: the last one")
    assert room.active > 0
    room.receive(item(8))
    room.receive(item(4))  # read elsewhere
    assert room.unread == 3
    room.receive(item(10))
    assert room.unread == 4
    room.take_listed(listed(10, 10, 0), "bob: the last one")
    assert room.unread == 0


def test_a_listed_event_is_the_last_line_and_keeps_the_place() -> None:
    event = GroupNotice("joined", 5, BOB, BOB, "bob", "bob")
    room = Room(RoomKey(True, 5), "tea")
    for active, expected in ((0.0, times.parse(at(5))), (77.0, 77.0)):
        room.active = active
        last = ChatMessage(BOB, "bob", at(5), "joined the group", 5, 9, event=event)
        entry = Conversation(None, 5, "tea", last, False, 3, 0, False, None, False)
        room.take_listed(entry, "bob joined")
        assert (room.last_line, room.active, room.unread) == ("bob joined", expected, 0)


def test_a_loaded_event_is_the_last_line() -> None:
    room = Room(RoomKey(True, 5), "tea")
    room.receive(item(8))
    line = room.last_line
    notice = item(9)
    notice.text, notice.mark = "bob joined", Mark.NOTICE
    assert room.add_event(notice)
    assert room.last_line == "bob joined" != line
    own = item(10)
    own.seq, own.mark, own.text = None, Mark.NOTICE, "a note of this terminal"
    room.add_notice(own)
    assert room.last_line == "bob joined"


def test_what_was_shown_without_a_connection_stays_read() -> None:
    room = Room(RoomKey(False, BOB), "bob")
    room.read = (9.0, 0)  # as it was saved
    room.unloaded = 1
    room.take_listed(listed(12, 5, 4), "bob: the last one")
    assert room.unread == 1
    room.take_listed(listed(12, 5, 0), "bob: the last one")
    assert room.unread == 0


def test_a_late_message_is_unread() -> None:
    """Its number is below that of a message that was shown."""
    room = Room(RoomKey(False, BOB), "bob")
    room.receive(item(9))
    room.mark_shown(room.items)
    room.receive(item(8))
    assert room.unread == 1


def test_another_device_reads_a_part() -> None:
    room = Room(RoomKey(False, BOB), "bob")
    for seq in (4, 5, 6):
        room.receive(item(seq))
    room.take_read(5)
    assert room.unread == 1
    room.take_read(3)
    assert room.unread == 1
    room.take_read(6)
    assert room.unread == 0
    assert room.told_read == 6


def test_the_receipt_moves_forward() -> None:
    room = Room(RoomKey(False, BOB), "bob")
    own = [item(seq, mine=True) for seq in (2, 4, 6)]
    for one_of in (*own, item(5)):
        room.receive(one_of)
    for seq, place in ((1, None), (3, 0), (5, 1), (4, 1), (9, 2)):
        room.set_other_read(seq)
        assert [other.receipt for other in own] == [number == place for number in range(3)]
