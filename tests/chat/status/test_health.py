"""Health: the reasons for 503."""

from __future__ import annotations

import time

import pytest

from chat.status.health import STUCK_SECONDS, stuck_loops, troubles
from chat.status.samples import SILENT_SECONDS
from chat.storage import StorageError
from tests.chat.loopkit import writer_held
from tests.chat.status.conftest import Stage


def wrong(stage: Stage) -> set[str]:
    """The kinds of trouble, except those of a bus that has not started."""
    return {kind for kind, text in troubles(stage.watched).items() if text} - {"bus"}


def test_a_server_at_work(stage: Stage) -> None:
    assert wrong(stage) == set()
    assert stuck_loops(stage.watched) == []
    assert troubles(stage.watched)["bus"] == "the bus receives nothing from the other servers"
    stage.bus._healthy_until = time.monotonic() + 1000
    assert troubles(stage.watched)["bus"] == ""


def test_a_start_and_an_end(stage: Stage) -> None:
    stage.draining = True
    assert troubles(stage.watched)["serving"] == "the server is draining"
    stage.draining = False
    stage.lags.clear()
    assert troubles(stage.watched)["serving"] == "the server is starting"


def test_a_loop_that_is_stuck(stage: Stage) -> None:
    stage.lags["main"].beat_at -= STUCK_SECONDS + 7
    assert stuck_loops(stage.watched) == ["loop main has been stuck for 12 s"]
    assert wrong(stage) == {"loops"}


def test_a_lease_that_has_run_out_or_is_lost(stage: Stage) -> None:
    stage.lease.renewed_at -= 11
    assert wrong(stage) == {"lease"}
    stage.lease.renewed_at += 11
    stage.lease.lost = True
    assert wrong(stage) == {"lease"}


def test_a_database_that_refuses_changes(stage: Stage) -> None:
    stage.node.database.broken = True
    stage.samples.start(stage.node.passes.loop)
    stage.node.until(lambda: stage.samples.failed)
    assert troubles(stage.watched)["database"] == "broken for the test"
    stage.node.database.broken = False
    stage.samples._probe()
    stage.node.until(lambda: not stage.samples.failed)
    assert wrong(stage) == set()


def test_a_database_that_does_not_answer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with writer_held(stage.node.database):
        stage.samples._probe()
        stage.samples._probe()  # does not wait in the queue beside the first one
        assert stage.node.database.use.waiting == 1
        later = time.monotonic() + SILENT_SECONDS + 1
        monkeypatch.setattr("chat.status.samples.time.monotonic", lambda: later)
        assert "no answer for 16 s" in troubles(stage.watched)["database"]
    stage.node.until(lambda: not stage.samples.trouble)


def test_mailbox_rows_are_counted(stage: Stage) -> None:
    ann, bob = stage.node.online("ann"), stage.node.user("bob")
    for _ in range(3):
        ann.deliver(bob)
    stage.samples._count_soon()
    stage.node.until(lambda: stage.samples.rows == 3)


def test_a_count_that_fails_keeps_the_last_one(stage: Stage) -> None:
    stage.samples.rows = 5
    stage.node.database.broken_reads = True
    with pytest.raises(StorageError):
        stage.node.database.read(lambda tx: None)
    stage.samples._count()
    assert stage.samples.rows == 5
