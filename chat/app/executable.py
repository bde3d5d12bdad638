"""``bin/chatserver``: the command line, the log, one App, and the exit status."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from chat.admin.server import THREADS as ADMIN_THREADS
from chat.app.app import FLUSH_SECONDS, App
from chat.backends import open_database
from chat.cli import Arguments, parse_arguments, read_again
from chat.config import Config
from chat.epoch import begin_epoch
from chat.exit_status import DRAINED, FAILED, REPORTED, STOPPED, report
from chat.process.file_limit import fit_file_limit
from chat.process.journal import ERROR_MARK, JournalFormat, is_journal
from chat.process.log_format import new_format
from chat.process.log_queue import LogQueue
from chat.process.signals import block_signals
from chat.service.request_workers import hash_threads

LOG_SECONDS = 5.0
"""Between two reports of the lines that were left out of the log."""


def main(argv: Sequence[str] | None = None) -> int:
    """The executable. Returns the exit status, see exit_status.py."""
    arguments = parse_arguments(argv)
    config = arguments.config
    if arguments.new_epoch:
        return _begin_epoch(arguments)
    block_signals()
    journal, lines = is_journal(sys.stderr), new_format(config.server.log_format)
    logs = LogQueue(sys.stderr, JournalFormat(lines) if journal else lines)
    root = logging.getLogger()
    root.setLevel(config.server.log_level.upper())
    root.addHandler(logs)
    logs.start()
    try:
        problem, status = _serve(argv, arguments, logs)
    finally:
        root.removeHandler(logs)
        if not logs.close_in(FLUSH_SECONDS):
            # The reader of the log has stopped. The interpreter would wait for the log's thread.
            os._exit(FAILED)
    if problem:
        mark = ERROR_MARK if journal else ""
        print(f"{mark}chatserver: {problem}", file=sys.stderr)  # noqa: T201
    return status


def _begin_epoch(arguments: Arguments) -> int:
    """``--new-epoch``. Returns the exit status."""
    try:
        database = open_database(arguments.config.database)
        try:
            epoch = begin_epoch(database)
        finally:
            database.close()
    except REPORTED as exc:
        problem, status = report(exc, arguments.address)
        print(f"chatserver: {problem}", file=sys.stderr)  # noqa: T201
        return status
    print(f"new epoch: {epoch}")  # noqa: T201
    return STOPPED


def _serve(argv: Sequence[str] | None, arguments: Arguments, logs: LogQueue) -> tuple[str, int]:
    """Run a server until it ends. Returns a line about a failure, and the exit status."""
    config = arguments.config
    workers = config.server.workers + hash_threads(config.server.hash_threads) + ADMIN_THREADS
    connections = fit_file_limit(config.server.max_connections, workers)
    config = _with_connections(config, connections)

    def reread() -> Config:
        new, wanted = read_again(argv), arguments.config.server.max_connections
        # An unchanged setting keeps the lower number that the file descriptors allow. Otherwise
        # each reload would report a change.
        same = new.server.max_connections == wanted
        return _with_connections(new, connections) if same else new

    try:
        app = App(arguments.address, config, arguments.also, reread, logs)
        app.start()
        logs.begin_to_drop()
        app.report_every(LOG_SECONDS, logs.limit.report)
        app.run()
    except REPORTED as exc:
        return report(exc, arguments.address)
    if app.lease_lost:
        return "another server has started under this one's name", FAILED
    return "", DRAINED if app.drained else STOPPED


def _with_connections(config: Config, connections: int) -> Config:
    return replace(config, server=replace(config.server, max_connections=connections))
