"""MessageFramer: text messages are frames, in order, up to the limit of the moment."""

from __future__ import annotations

from chat.web.message_framer import MessageFramer


def test_a_message_that_need_not_wait_is_the_frame() -> None:
    framer = MessageFramer(10)
    assert framer.whole(b"{}") == b"{}"
    assert framer.held == 0


def test_waiting_messages_come_in_order() -> None:
    framer = MessageFramer(10)
    for frame in (b"1", b"22", b"333"):
        framer.feed(frame)
    assert framer.held == 6
    assert framer.whole(b"4") is None
    assert framer.take(2) == [b"1", b"22"]
    assert framer.taken == 2
    assert framer.take(2) == [b"333"]
    assert framer.held == 0


def test_nothing_is_taken_after_a_message_that_is_too_large() -> None:
    framer = MessageFramer(3)
    for frame in (b"1", b"4444", b"2"):
        framer.feed(frame)
    assert framer.take(10) == [b"1"]
    assert framer.too_large
    assert framer.take(10) == []
    assert framer.whole(b"1") is None


def test_the_limit_of_a_guest_holds_until_the_login() -> None:
    framer = MessageFramer(3)
    framer.feed(b"1")
    framer.max_frame = 10
    framer.feed(b"4444")
    assert framer.take(10) == [b"1", b"4444"]


def test_frames_become_text_messages() -> None:
    framer = MessageFramer(10)
    assert framer.pack_one(b"{}") == b"\x81\x02{}"
    assert framer.pack([b"{}", b"[]"]) == b"\x81\x02{}\x81\x02[]"


def test_bytes_that_made_no_message_are_a_surplus_once() -> None:
    framer = MessageFramer(100, received=5000)
    assert framer.whole(b"x" * 100) is not None
    assert framer.surplus(5106) == 0
    assert framer.surplus(5106 + 150) == 0  # the half of a message, perhaps
    surplus = framer.surplus(5106 + 10_000)
    assert 9_500 < surplus < 10_000
    assert framer.surplus(5106 + 10_000) == 0
