"""Parsing of chat messages, and of the results of a search. Pure."""

from __future__ import annotations

from chat.protocol import Message, MsgType
from client.protocol.events import ChatAnswer
from client.protocol.fields import read_id, read_objects, read_seq, read_text
from client.protocol.parsing import read_failure, read_retry_after
from client.protocol.parsing_groups import read_group_event
from client.values import ChatMessage, History, Hit, SearchPage


def read_chat(message: Message, me: int | None = None) -> ChatMessage:
    """A chat message or GROUP_EVENT_MSG, live or stored. ``me``: the user that is logged in."""
    if message.get("msgid") == MsgType.GROUP_EVENT_MSG:
        return read_group_event(message)
    in_group = message.get("msgid") == MsgType.GROUP_CHAT_MSG
    sender_id = read_id(message, "id")
    return ChatMessage(
        sender_id=sender_id,
        sender_name=read_text(message, "name"),
        time_text=read_text(message, "time"),
        text=read_text(message, "msg"),
        group_id=read_id(message, "groupid") if in_group else None,
        seq=read_seq(message),
        to_id=read_id(message, "toid"),
        mine=sender_id == me,
    )


def read_chat_answer(ack: Message) -> ChatAnswer | None:
    """A CHAT_ACK; None if it names no message."""
    mid = ack.get("mid")
    if type(mid) is not str:
        return None
    errno, errmsg = read_failure(ack)
    seq, time = read_seq(ack), read_text(ack, "time")
    return ChatAnswer(mid, errno, errmsg, seq, time, read_retry_after(ack))


def read_history(ack: Message) -> History:
    """A successful HISTORY_ACK."""
    messages = tuple(read_chat(item) for item in read_objects(ack, "messages"))
    return History(messages, ack.get("more") is True)


def read_search_page(ack: Message) -> SearchPage:
    """A successful SEARCH_ACK."""
    hits = tuple(_hit(item) for item in read_objects(ack, "messages"))
    before = ack.get("before")
    return SearchPage(hits, before if type(before) is int and ack.get("more") is True else None)


def _hit(item: Message) -> Hit:
    """A message of a SEARCH_ACK. Marks outside its text are left out."""
    message = read_chat(item)
    marks = item.get("marks")
    found = [
        (mark[0], mark[1])
        for mark in (marks if type(marks) is list else [])
        if type(mark) is list and len(mark) == 2 and all(type(place) is int for place in mark)
    ]
    size = len(message.text)
    return Hit(message, tuple((a, b) for a, b in found if 0 <= a < b <= size))
