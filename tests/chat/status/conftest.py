"""A page with every metric: of a real server, with a lease and the bus of a cluster."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from chat.bus.redis.redis_bus import RedisBus
from chat.bus.redis.url import RedisAddress
from chat.config import Config
from chat.delivery.codec import PayloadCodec
from chat.login.lease import Lease
from chat.process.log_format import TextFormat
from chat.process.log_queue import LogQueue
from chat.process.loop_lag import LoopLag
from chat.status.samples import Samples
from chat.status.watched import Watched
from tests.chat.nodekit import Node


class Stage:
    """A server, and the parts of it that a test may break.

    Attributes:
        node: the server.
        watched: its parts. The bus has not started, so it is deaf.
        draining: the answer of ``Watched.stopping``.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.draining = False
        loop = node.passes.loop
        address = RedisAddress((("127.0.0.1", 1),))
        self.bus = RedisBus(loop, node.workers, address, "node-1", PayloadCodec())
        self.samples = Samples(node.database, node.workers)
        self.lease = Lease(
            node.database, "node-1", "here", lambda: (0, ""), lambda whole: None, lambda: None
        )
        self.lags = {"main": LoopLag(loop)}
        self.watched = Watched(
            "node-1",
            Config,
            node.server,
            node.logins,
            node.delivery.commits,
            node.mailbox,
            node.database,
            self.bus,
            self.lease,
            node.workers,
            node.hashers,
            node.context.passwords,
            self.samples,
            self.lags,
            {"main": loop},
            lambda: self.draining,
            LogQueue(io.StringIO(), TextFormat()),
        )


@pytest.fixture
def stage(make_node: Callable[..., Node]) -> Stage:
    return Stage(make_node())
