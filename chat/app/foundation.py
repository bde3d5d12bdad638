"""Foundation: the parts below all others: database, bus, main loop, threads, clock."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from chat.admin.server import THREADS as ADMIN_THREADS
from chat.backends import find_bus, open_bus, open_database
from chat.config import Config, ConfigError
from chat.delivery.codec import MessageBus
from chat.process.clock import Clock
from chat.service.request_workers import hash_threads, new_hashers
from chat.storage import Database
from muduopy import EventLoop, ThreadPool

WORKER_QUEUE = 4096


@dataclass(frozen=True, slots=True)
class Foundation:
    """Parts that know neither users nor connections.

    Attributes:
        node: the name of this server among the servers of the database.
        loop: the main loop.
        workers, hashers: the threads for SQL, and for passwords.
    """

    node: str
    clock: Clock
    loop: EventLoop
    workers: ThreadPool
    hashers: ThreadPool
    database: Database
    bus: MessageBus

    def start_threads(self) -> None:
        """Start both pools. Raises ConfigError if the system has no more threads."""
        try:
            self.workers.start()
            self.hashers.start()
        except RuntimeError as exc:
            raise ConfigError(
                f"server.workers, server.hash_threads: no more threads to be had: {exc}"
            ) from exc

    def stop_threads(self) -> None:
        """Stop both pools, and drop the requests in their queues."""
        self.workers.stop(drain=False)
        self.hashers.stop(drain=False)

    def close(self) -> None:
        """Close the bus, the database and the loop, after the threads that use them."""
        self.bus.close()
        self.database.close()
        self.loop.run_queued()
        self.loop.close()


def open_foundation(config: Config, node: str, undo: contextlib.ExitStack) -> Foundation:
    """Open the database, and construct the rest. ``undo`` gets the calls that close it.

    Raises StorageError, BusRefusedError, OSError, ConfigError.
    """
    bus_address = find_bus(config.bus)  # a mistake shows before tables are created
    hashing = hash_threads(config.server.hash_threads)
    # One more for the main thread, which uses the database at the start and the end.
    threads = config.server.workers + hashing + ADMIN_THREADS + 1
    database = open_database(config.database, threads=threads)
    undo.callback(database.close)
    loop = EventLoop()
    undo.callback(loop.close)
    workers = ThreadPool(config.server.workers, "worker", WORKER_QUEUE)
    hashers = new_hashers(hashing)
    bus = open_bus(bus_address, node, loop, workers)
    return Foundation(node, Clock(), loop, workers, hashers, database, bus)
