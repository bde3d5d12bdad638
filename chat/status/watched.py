"""Watched: the parts of a server that the status page reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chat.config import Config
from chat.connection.server import ChatServer
from chat.delivery.codec import MessageBus
from chat.delivery.commit_queue import CommitQueue
from chat.login.lease import Lease
from chat.login.passwords import Passwords
from chat.login.registry import LoginRegistry
from chat.mailbox.mailbox import Mailbox
from chat.process.log_queue import LogQueue
from chat.process.loop_lag import LoopLag
from chat.status.samples import Samples
from chat.storage import Database
from muduopy import EventLoop, ThreadPool


@dataclass(frozen=True, slots=True)
class Watched:
    """References only. Any thread; each part states which of its values any thread may read.

    Attributes:
        node: the name of this server.
        config: returns all settings, which a reload replaces.
        server: its connections.
        lags: the lag of each loop, by the name of its thread; filled when the server starts.
        loops: the loops, by the same names.
        lease: None for a database without other servers.
        workers, hashers: the pools of threads.
        stopping: True from the first signal on.
        logs: None for a server that does not write its log itself.
    """

    node: str
    config: Callable[[], Config]
    server: ChatServer
    logins: LoginRegistry
    commits: CommitQueue
    mailbox: Mailbox
    database: Database
    bus: MessageBus
    lease: Lease | None
    workers: ThreadPool
    hashers: ThreadPool
    passwords: Passwords
    samples: Samples
    lags: Mapping[str, LoopLag]
    loops: Mapping[str, EventLoop]
    stopping: Callable[[], bool]
    logs: LogQueue | None = None
