"""GuestGate: passes the input of guests on to the service, and closes those that abuse it.

A guest is a connection without a login. The gate reads the line of the PROXY protocol, which comes
first. It finds out whether the peer speaks HTTP, and applies the bounds of GuestInput. After the
login, input does not pass here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.connection.admission import RETRY_SECONDS, Refusal
from chat.connection.connection import AnyConnection, Front
from chat.connection.first_line import Speech, speech_of
from chat.connection.proxy_protocol import BadProxyLineError, split_proxy_line
from chat.limits.bans import Bans
from chat.protocol import Limits

if TYPE_CHECKING:
    from chat.connection.server import FrameService

BeginHttp = Callable[[AnyConnection, bytes], Front]
"""Has HTTP served on a connection; gets the first bytes."""

log = logging.getLogger(__name__)


class GuestGate:
    """The input of all guests. All methods: the connection's loop.

    Attributes:
        limits: they may be replaced at any time.
    """

    def __init__(
        self,
        service: FrameService,
        limits: Limits,
        login_seconds: float,
        bans: Bans,
        begin_http: BeginHttp | None,
    ) -> None:
        """``bans``: refuses addresses that a balancer announces. ``begin_http``: None: no HTTP."""
        self._service = service
        self._bans = bans
        self.limits = limits
        self._login_seconds = login_seconds
        self._begin_http = begin_http

    def receive(self, connection: AnyConnection, data: bytes, now: float) -> None:
        """These bytes have arrived."""
        guest = connection.guest
        if guest.announced is not None:
            guest.note(data, len(data), now)
            data = self._introduce(connection, guest.announced + data, now)
            if not data:
                return
        if guest.first is not None:
            data = self._listen(connection, guest.first + data, now)
            if not data:
                return
        if guest.spent > self.limits.guest_bytes and not connection.closed:
            log.warning("%s: sends too many bytes without a login; closing", connection.label)
            connection.counters.closed.add("bytes")
            connection.refuse(
                Refusal("too many bytes without a login: log in first", RETRY_SECONDS)
            )
        guest.spent += len(data)
        connection.last_seen = now
        if not connection.framer.held:
            guest.begun_at = None
        self._service.receive(connection, data)
        guest.note(data, connection.framer.held, now)

    def check(self, connection: AnyConnection, now: float) -> None:
        """Close the connection if its time is over. To be called every few seconds."""
        guest, flow = connection.guest, connection.flow
        if flow.busy or connection.front is not None:
            return
        if guest.announced is None and not (guest.first or connection.framer.held):
            guest.begun_at = None
        elif guest.is_slow(now, self.limits.frame_seconds) and not flow.pending:
            log.warning("%s: has not completed a frame in time; closing", connection.label)
            connection.counters.closed.add("slow")
            connection.abandon()
            return
        if connection.known and not connection.v2:
            return  # the original's menu, at which a user may wait without limit
        if now - guest.since > self._login_seconds:
            connection.close("idle", reconnect=True)

    def _listen(self, connection: AnyConnection, data: bytes, now: float) -> bytes:
        """Find out whether the peer speaks HTTP; returns the bytes of one that does not."""
        guest = connection.guest
        speech = speech_of(data)
        if speech is Speech.UNKNOWN:
            guest.first = data
            guest.note(data, len(data), now)
            return b""
        guest.first = None
        if speech is Speech.LINES:
            return data
        assert self._begin_http is not None
        connection.front = self._begin_http(connection, data)
        return b""

    def _introduce(self, connection: AnyConnection, data: bytes, now: float) -> bytes:
        """Read the client's address from the balancer's line; returns the bytes after the line.

        Returns no bytes while the line is not complete.
        """
        try:
            found = split_proxy_line(data)
        except BadProxyLineError as exc:
            log.warning(
                "%s: no line of the PROXY protocol: %s; closing (see server.proxy_protocol)",
                connection.label,
                exc,
            )
            connection.counters.closed.add("proxy")
            connection.tcp.force_close()
            return b""
        if found is None:
            connection.guest.announced = data
            return b""
        connection.guest.announced = None
        host, rest = found
        if host is None:  # the balancer's own connection
            return rest
        return rest if self.announce(connection, host, now) else b""

    def announce(self, connection: AnyConnection, host: str, now: float) -> bool:
        """A balancer or proxy has named the client. False: the connection is refused."""
        connection.introduce(host, connection.label.number)
        if self._bans.banned(host):
            log.info("%s: is banned, refused", connection.label)
            connection.counters.closed.add("banned")
            connection.abandon()
            return False
        refusal = None if connection.ticket is None else connection.ticket.announce(host, now)
        if refusal is not None:
            connection.refuse(refusal)
            return False
        return True
