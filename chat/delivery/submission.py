"""Submission: one message on its way into the log, and the outcome. It writes no rows itself.

    no attempt yet   NONE ──┐
    retried      IN_DOUBT ──┼──▶ STORED      a new row of the log
                 REPEATED ──┘    ADDED       receivers added to a row (``direct``)
                                 RECOVERED   the row of an own attempt before
                                 REPEATED    the row of an earlier send of the client
                                 REFUSED     no row

The states on the left are those before an attempt, because a transaction is repeated as a whole
when its outcome is not known. Example: the connection to the database is lost during the COMMIT of
A's message to B. Maybe it was committed. The second attempt finds a row with its ``mid``. In state
IN_DOUBT the row is the first attempt's, and B was not woken for it: RECOVERED. In state NONE it is
the row of an earlier send of A, for which B was woken: REPEATED.
"""

from __future__ import annotations

import itertools
import secrets
from collections import defaultdict
from collections.abc import Sequence
from enum import Enum

from chat.login.login import Login
from chat.mailbox.pump import Pump
from chat.message import ChatMessage
from chat.protocol import ErrNo, Message, MsgType, encode

FULL_SECONDS = 10
"""``retry_after`` of a message for which the mailbox has no place. For longer than the quota
believes its last count of that mailbox."""


class Outcome(Enum):
    """See the module's text."""

    NONE = "none"
    IN_DOUBT = "in doubt"
    STORED = "stored"
    ADDED = "added"
    RECOVERED = "recovered"
    REPEATED = "repeated"
    REFUSED = "refused"


# Looked up once: an attribute of an Enum costs a call.
NONE, IN_DOUBT, REPEATED, REFUSED = (
    Outcome.NONE,
    Outcome.IN_DOUBT,
    Outcome.REPEATED,
    Outcome.REFUSED,
)
ANNOUNCED = (Outcome.STORED, Outcome.ADDED, Outcome.RECOVERED)
"""The receivers are woken. A tuple: its search compares identities, and calls no ``__hash__``."""


class Submission:
    """Made in the sender's loop, decided by the writer thread, answered in the sender's loop.

    Attributes:
        login: the sender's; None if the sender is at another node, which has acknowledged it.
        generation, mailbox: of the sender's login; 0 without one.
        message: the commit gives it ``seq`` and ``receivers``.
        mid: unique for the sender. The server makes one if the client gave none, because a
            repeated transaction must find its row.
        rid: of the request, repeated in the acknowledgement; None: it has none.
        only: in ``direct``, the receivers that have not got the message live; None: all.
        joins: in ``direct``: a row of the log with its ``mid`` may be for other receivers.
        rows: the number of mailbox rows, as it was estimated when the message was sent.
        diverted: in ``direct``, the pumps of receivers that could not take the message live. They
            take nothing live until ``settle_diverted``.
        outcome: as above; changed by commit_transaction.py, ``retry`` and ``refuse``.
        errno, errmsg: valid when REFUSED.
        seq, time: of the row, for the acknowledgement.
    """

    __slots__ = (
        "diverted",
        "errmsg",
        "errno",
        "generation",
        "joins",
        "login",
        "mailbox",
        "message",
        "mid",
        "only",
        "outcome",
        "rid",
        "rows",
        "seq",
        "time",
    )

    def __init__(
        self,
        login: Login | None,
        generation: int,
        message: ChatMessage,
        mid: str | None = None,
        rid: str | None = None,
        only: frozenset[int] | None = None,
        rows: int = 1,
    ) -> None:
        self.login = login
        self.generation = generation
        self.mailbox = 0 if login is None else login.mailbox
        self.message = message
        self.mid = mid or new_mid()
        self.rid = rid
        self.only = only
        self.joins = only is not None
        self.rows = rows
        self.diverted: tuple[Pump, ...] = ()
        self.outcome = NONE
        self.errno = ErrNo.OK
        self.errmsg = ""
        self.seq = 0
        self.time = message.time

    def __repr__(self) -> str:
        return f"<Submission {self.mid} of user {self.message.sender} {self.outcome.value}>"

    def retry(self) -> None:
        """The transaction is repeated, because its outcome is not known. Writer thread."""
        if self.outcome is not REPEATED:
            self.outcome = IN_DOUBT
        self.seq = 0
        self.time = self.message.time

    def refuse(self, errno: ErrNo, errmsg: str) -> None:
        """It is not stored. The thread that has the submission at the time."""
        self.outcome = REFUSED
        self.seq = 0
        self.errno = errno
        self.errmsg = errmsg

    def settle_diverted(self) -> None:
        """The message is in the mailboxes, or has failed: its pumps take live messages again.

        Any thread.
        """
        for pump in self.diverted:
            pump.connection.loop.queue_in_loop(pump.store_settled)

    def ack(self) -> Message:
        """CHAT_ACK for a v2 sender."""
        if self.outcome is not REFUSED:
            return chat_ack(self.mid, self.seq, self.time, self.rid)
        ack = chat_ack(self.mid, 0, "", self.rid)
        del ack["time"]
        ack["errno"] = int(self.errno)
        ack["errmsg"] = self.errmsg
        if self.errno in (ErrNo.UNAVAILABLE, ErrNo.TOO_MANY):
            ack["retry_after"] = 1
        elif self.errno == ErrNo.MAILBOX_FULL:
            ack["retry_after"] = FULL_SECONDS
        return ack


def answer_senders(submissions: Sequence[Submission]) -> None:
    """Answer the senders, each with one write. The loop of all these senders."""
    by_login: defaultdict[Login, list[Submission]] = defaultdict(list)
    for submission in submissions:
        if submission.login is not None:
            by_login[submission.login].append(submission)
    for login, its in by_login.items():
        answer_sender(login, its)


def answer_sender(login: Login, submissions: Sequence[Submission]) -> None:
    """Acknowledge these messages of one login, or report their refusal. Its loop."""
    connection = login.connection
    if connection.v2:
        connection.send_frames([encode(submission.ack()) for submission in submissions])
    else:
        for submission in submissions:
            if submission.outcome is REFUSED:
                connection.send_error(submission.errno, submission.errmsg)
    refused = [submission.errno for submission in submissions if submission.outcome is REFUSED]
    if refused:
        connection.flow.pay_refusals(len(refused) - refused.count(ErrNo.UNAVAILABLE))
    connection.flow.unblock(len(submissions), sum([submission.rows for submission in submissions]))


def chat_ack(mid: str | None, seq: int, time: str, rid: str | None) -> Message:
    """CHAT_ACK of success; ``seq`` 0: for a live message, which has none. Pure."""
    ack: Message = {"msgid": MsgType.CHAT_ACK, "errno": 0, "time": time}
    if mid is not None:
        ack["mid"] = mid
    if seq:
        ack["seq"] = seq
    if rid is not None:
        ack["rid"] = rid
    return ack


# Random for each process, then counted: unique, without the price of a UUID (2 µs) per message.
_prefix = secrets.token_hex(12)
_count = itertools.count(1)


def new_mid() -> str:
    """A message id where the client gave none. Any thread."""
    return f"{_prefix}-{next(_count)}"
