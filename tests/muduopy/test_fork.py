"""fork(): the child has the parent's memory, but none of its threads and none of its loops."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable
from functools import partial

import pytest

from muduopy import EventLoop, LoopError, ThreadPool, WrongThreadError, current_loop
from tests.muduopy.netkit import WAIT, LinkMaker, Passes, in_turn


def in_child(check: Callable[[], object]) -> str:
    """Run a check in a forked child; returns its failure as text."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        failure = ""
        try:
            check()
        except BaseException:  # noqa: BLE001 - reported to the parent
            failure = traceback.format_exc()
        os.write(write_end, failure.encode()[-4000:])
        os._exit(0)
    os.close(write_end)
    with open(read_end, encoding="utf-8") as report:
        text = report.read()
    os.waitpid(child, 0)
    return text


def test_an_inherited_loop_belongs_to_no_thread(loop: EventLoop) -> None:
    ran: list[str] = []

    def check() -> None:
        for refused in (loop.loop, loop.run_queued, loop.assert_in_loop_thread):
            with pytest.raises(WrongThreadError, match="before a fork"):
                refused()
        loop.queue_in_loop(lambda: ran.append("queued"))
        loop.run_in_loop(lambda: ran.append("inline"))
        with pytest.raises(LoopError):
            loop.run_after(0.0, lambda: ran.append("timer"))
        loop.quit()
        loop.close()
        assert not ran
        assert "closed" in repr(loop)

    assert in_child(check) == ""


def test_the_child_makes_loops_of_its_own(loop: EventLoop) -> None:
    def check() -> None:
        assert current_loop() is None
        with EventLoop() as own:
            ran: list[str] = []
            own.run_after(0.0, in_turn(partial(ran.append, "timer"), own.quit))
            own.loop()
            assert ran == ["timer"]
            with pytest.raises(LoopError):
                EventLoop()

    assert in_child(check) == ""


def test_the_parent_notices_nothing(passes: Passes, make_link: LinkMaker) -> None:
    link = make_link().up()

    def check() -> None:
        link.conn.send(b"from the child")
        link.conn.shutdown()
        link.conn.force_close()
        passes.loop.close()

    assert in_child(check) == ""
    link.peer.sendall(b"hello")
    link.until_seen(b"hello")
    link.conn.send(b"from the parent")
    assert link.peer.recv(100) == b"from the parent"
    assert passes.loop is current_loop()


def test_loops_that_are_gone_do_not_matter() -> None:
    with EventLoop():
        pass

    def check() -> None:
        with EventLoop():
            pass

    assert in_child(check) == ""


def test_a_pool_that_has_started_is_stopped_in_the_child(loop: EventLoop) -> None:
    pool = ThreadPool(1)
    running, go_on = threading.Event(), threading.Event()
    pool.run(in_turn(running.set, go_on.wait))
    assert running.wait(WAIT)

    def check() -> None:
        with EventLoop() as own:
            assert not pool.run(own.quit)
            assert not pool.try_run(own.quit)
            assert not pool.try_run_for(own, own.quit, lambda result, error: None)
            assert pool.stop()

    with pool._lock:  # the child must not wait for it
        failure = in_child(check)
    assert failure == ""
    go_on.set()
    assert pool.run(lambda: None)
    assert pool.stop()


def test_a_pool_that_has_not_started_is_of_use_in_the_child() -> None:
    pool = ThreadPool(1)

    def check() -> None:
        with EventLoop() as own:
            assert pool.try_run_for(own, lambda: 1, lambda result, error: own.quit())
            own.loop()
            assert pool.stop()

    assert in_child(check) == ""
    assert pool.stop()
