"""Metrics: the counters of a server in Prometheus' text format, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import GCCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from chat.counters import Histogram
from chat.delivery.commit_queue import MAX_CHARACTERS, MAX_ROWS, MAX_WAITING
from chat.protocol import ErrNo, MsgType
from chat.status.health import stuck_loops, troubles
from chat.status.watched import Watched
from chat.version import __version__

_NAMES = {int(kind): kind.name for kind in MsgType}

Series = Mapping[str, float]
"""Values by the one label of their metric."""


class ServerCollector(Collector):
    """Reads all counters of one server. Any thread: see ``Watched``."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        """The families, in the order of docs/deploy.md."""
        for part in _PARTS:
            yield from part(self._watched)


class MetricsPage:
    """The page ``/metrics``. The registry is its own, not the library's global one."""

    def __init__(self, watched: Watched) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(ServerCollector(watched))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        """The page. Any thread, one at a time."""
        return generate_latest(self._registry)


# ---------------------------------------------------------------------- parts of the page


def _health(watched: Watched) -> Iterator[Metric]:
    info = InfoMetricFamily("chat", "This server.")
    database = watched.config().database.url.partition(":")[0]
    info.add_metric(
        [],
        {
            "version": __version__,
            "node": watched.node,
            "delivery": watched.config().chat.delivery,
            "database": database,
        },
    )
    yield info
    found = troubles(watched)
    yield _gauge("chat_alive", "1: no loop is stuck (/healthz).", not stuck_loops(watched))
    yield _gauge("chat_ready", "1: the server can do its work (/readyz).", not any(found.values()))
    yield _gauges(
        "chat_trouble",
        "1: this keeps the server from its work.",
        "kind",
        {kind: bool(text) for kind, text in found.items()},
    )


def _connections(watched: Watched) -> Iterator[Metric]:
    counters = list(watched.server.counters.values())
    census = [one.census for one in counters]
    yield _gauges(
        "chat_connections",
        "Connections: guests have not logged in. Counted every 5 s.",
        "kind",
        {
            "guest": sum(one.guests for one in census),
            "classic": sum(one.classic for one in census),
            "v2": sum(one.v2 for one in census),
        },
    )
    most = watched.config().server.max_connections
    yield _gauge("chat_connections_limit", "server.max_connections.", most)
    yield _gauge("chat_users_online", "Users with a login at this server.", watched.logins.count)
    yield _counter(
        "chat_connections_accepted", "Accepted connections.", sum(one.accepted for one in counters)
    )
    yield _counters(
        "chat_connections_turned_away",
        "Refused connections. full: server.max_connections; address, rate: of one address; "
        "banned: by chatctl; stranger: not in server.proxy_from.",
        "reason",
        watched.server.admission.refused.counts,
    )
    yield _counter(
        "chat_connections_gone_early",
        "Connections that had ended before the server accepted them.",
        watched.server.gone_early,
    )
    yield _counter(
        "chat_tls_handshakes_ended",
        "TLS handshakes that ended for others: limits.tls_handshakes.",
        watched.server.handshakes_ended,
    )
    yield _counters(
        "chat_connections_closed",
        "Connections that the server has ended, by reason.",
        "reason",
        _sum(one.closed.counts for one in counters),
    )
    yield _counter(
        "chat_received_bytes", "Bytes of all connections.", sum(one.received for one in census)
    )
    yield _counter("chat_sent_bytes", "Bytes to all connections.", sum(one.sent for one in census))


def _requests(watched: Watched) -> Iterator[Metric]:
    counters = list(watched.server.counters.values())
    yield _counters(
        "chat_requests",
        "Requests that were taken up, by message.",
        "request",
        {
            kind.name: sum(one.requests[kind] for one in counters)
            for kind in MsgType
            if any(one.requests[kind] for one in counters)
        },
    )
    refusals = CounterMetricFamily(
        "chat_refusals",
        "Requests that were refused, by message and error; none: no message of the protocol.",
        labels=["request", "error"],
    )
    for number in range(len(counters[0].refusals) if counters else 0):
        for errno in ErrNo:
            count = sum(one.refusals[number][errno] for one in counters)
            if count:
                refusals.add_metric([_NAMES.get(number, "none"), errno.name], count)
    yield refusals
    yield _counter("chat_logins", "Successful logins.", sum(one.logins for one in counters))
    yield _counter("chat_registrations", "New users.", sum(one.registrations for one in counters))
    yield _histogram("chat_hash_seconds", "Time to hash a password.", watched.passwords.seconds)


def _messages(watched: Watched) -> Iterator[Metric]:
    counters, commits = list(watched.server.counters.values()), watched.commits
    yield _counter("chat_messages_stored", "Messages with a new row of the log.", commits.stored)
    yield _counter("chat_messages_repeated", "Messages that were stored before.", commits.repeated)
    yield _counters(
        "chat_messages_refused",
        "Messages that were not stored, by error.",
        "error",
        {errno.name: count for errno, count in commits.refused.items() if errno},
    )
    yield _histogram("chat_commit_messages", "Messages in a transaction.", commits.sizes)
    yield _counters(
        "chat_deliveries",
        "Messages to a receiver: at the commit (wake), out of the mailbox, without being stored "
        "(live), one at a time to a client of the original (paced).",
        "way",
        {
            "wake": sum(one.woken for one in counters),
            "mailbox": sum(one.read for one in counters),
            "live": sum(one.live for one in counters),
            "paced": sum(one.paced for one in counters),
        },
    )
    yield _counter("chat_mailbox_rows_added", "Mailbox rows of stored messages.", commits.rows)
    yield _counter(
        "chat_mailbox_rows_deleted", "Mailbox rows acknowledged.", watched.mailbox.deleted
    )
    rows = watched.samples.rows
    if rows is not None:
        text = "Mailbox rows of all servers, counted every 60 s up to 100,000."
        yield _gauge("chat_mailbox_rows", text, rows)


def _database(watched: Watched) -> Iterator[Metric]:
    use = watched.database.use
    yield _histogram("chat_commit_seconds", "Time of a commit.", use.commit_seconds)
    yield _histogram("chat_commit_jobs", "Pieces of work in a commit.", use.commit_jobs)
    yield _counter("chat_commit_failures", "Transactions that failed.", use.failures)
    yield _gauge("chat_pool_connections", "Database connections for reading.", use.connections)
    yield _gauge("chat_pool_idle", "Of these, connections that are not in use.", use.idle)
    yield _counter("chat_pool_waits", "Waits for a database connection.", use.waits)
    yield _counter("chat_pool_wait_seconds", "Seconds of these waits.", use.waited)
    free = watched.samples.free_bytes
    if free is not None:
        yield _gauge("chat_database_free_bytes", "Free bytes on the disk of SQLite's file.", free)
    probes = watched.bus.probe_seconds
    if probes is not None:
        yield _histogram("chat_bus_probe_seconds", "Time in which a probe came back.", probes)


def _queues(watched: Watched) -> Iterator[Metric]:
    commit = watched.commits.lengths
    workers, hashers = watched.workers, watched.hashers
    yield _gauges(
        "chat_queue_length",
        "What waits in a queue now.",
        "queue",
        {
            "commit": commit.messages,
            "commit_characters": commit.characters,
            "commit_rows": commit.rows,
            "writer": watched.database.use.waiting,
            "workers": workers.queue_size,
            "hashers": hashers.queue_size,
            "turns": watched.server.waiting_turns,
        },
    )
    yield _gauges(
        "chat_queue_limit",
        "What a queue can hold; further requests are refused.",
        "queue",
        {
            "commit": MAX_WAITING,
            "commit_characters": MAX_CHARACTERS,
            "commit_rows": MAX_ROWS,
            "workers": workers.max_queue,
            "hashers": hashers.max_queue,
        },
    )


def _loops(watched: Watched) -> Iterator[Metric]:
    family = HistogramMetricFamily(
        "chat_loop_lag_seconds", "How late a loop ran a timer: four a second.", labels=["loop"]
    )
    for name, lag in list(watched.lags.items()):
        family.add_metric([name], _buckets(lag.seconds), lag.seconds.total)
    yield family


def _logs(watched: Watched) -> Iterator[Metric]:
    logs = watched.logs
    if logs is not None:
        yield _counters("chat_log_lines", "Log lines by level.", "level", logs.lines.counts)
        yield _counter(
            "chat_log_lines_left_out", "Log lines beyond ten of a kind.", logs.limit.total
        )
        yield _counter("chat_log_lines_dropped", "Log lines that were not taken.", logs.dropped)


_PARTS = (_health, _connections, _requests, _messages, _database, _queues, _loops, _logs)


# ---------------------------------------------------------------------- families


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauges(name: str, text: str, label: str, values: Series) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counters(name: str, text: str, label: str, values: Series) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(name, text, _buckets(histogram), histogram.total)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulative counts by upper bound, as Prometheus has them."""
    found: list[tuple[str, float]] = []
    count = 0
    bounds = [*(f"{bound:g}" for bound in histogram.bounds), "+Inf"]
    for bound, more in zip(bounds, list(histogram.counts), strict=True):
        count += more
        found.append((bound, count))
    return found


def _sum(tables: Iterable[Mapping[str, int]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for table in tables:
        for key, value in table.items():
            found[key] = found.get(key, 0) + value
    return found
