"""Inspector: its pages about a real process, and its time-outs."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from muduopy import EventLoop, EventLoopThread, ThreadPool
from muduopy.http import Inspector, procfs
from tests.muduopy.http.httpkit import Answer, HttpClient, get
from tests.muduopy.netkit import (
    LOOPBACK,
    WAIT,
    ErrorLog,
    RunningServer,
    ServerMaker,
    call_in,
    echo,
    eventually,
)


class RunningInspector:
    """An Inspector in a loop thread of its own."""

    def __init__(self) -> None:
        self._thread = EventLoopThread("inspector-base")
        self.loop = self._thread.start_loop()
        self.inspector = call_in(self.loop, lambda: Inspector(self.loop, LOOPBACK))
        call_in(self.loop, self.inspector.start)

    def get(self, path: str) -> Answer:
        client = HttpClient(self.inspector.address)
        try:
            return client.ask(get(path, "Connection: close"))
        finally:
            client.close()

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        text = answer.body.decode()
        assert text.endswith("\n")
        return text

    def stop(self) -> None:
        stopped = threading.Event()
        self.inspector.stop(WAIT, stopped.set)
        assert stopped.wait(2 * WAIT)
        assert self._thread.stop(WAIT)


@pytest.fixture
def running(no_leaks: None) -> Iterator[RunningInspector]:
    running = RunningInspector()
    yield running
    running.stop()


def rows(page: str) -> dict[str, list[str]]:
    """The cells of a table, by the first of each line."""
    return {cells[0]: cells[1:] for cells in (re.split(r"  +", x) for x in page.splitlines())}


# ---------------------------------------------------------------------- pages


def test_the_list_of_pages(running: RunningInspector) -> None:
    page = running.page("/")
    assert page.startswith(f"inspector, pid {os.getpid()}\n")
    for path in ("/proc/overview", "/proc/threads", "/sys/meminfo", "/loops/overview"):
        assert f"\n{path} " in page
    for path in re.findall(r"^(/\S+)", page, re.MULTILINE):
        assert running.page(path)


def test_process_pages(running: RunningInspector) -> None:
    assert running.page("/proc/pid") == f"{os.getpid()}\n"
    overview = rows(running.page("/proc"))
    assert overview["pid"] == [str(os.getpid())]
    assert overview["directory"] == [os.getcwd()]
    assert 0 <= float(overview["up"][0].removesuffix(" s")) < 86_400
    assert f"\nPid:\t{os.getpid()}\n" in running.page("/proc/status")
    assert "kB" in rows(running.page("/proc/memory"))["VmRSS"][0]


def test_open_files(running: RunningInspector) -> None:
    read, write = os.pipe()
    found = rows(running.page("/proc/files"))
    os.close(read)
    os.close(write)
    assert found[str(read)] == found[str(write)]
    assert found[str(read)][0].startswith("pipe:")


def test_stacks_of_threads(running: RunningInspector) -> None:
    gate, there = threading.Event(), threading.Event()

    def a_place_to_wait_at() -> None:
        there.set()
        gate.wait()

    thread = threading.Thread(target=a_place_to_wait_at, name="waiting one")
    thread.start()
    assert there.wait(WAIT)
    page = running.page("/proc/threads")
    gate.set()
    thread.join()
    stack = page.partition(f"waiting one (thread {thread.native_id})\n")[2].partition("\n\n")[0]
    assert "in a_place_to_wait_at" in stack
    assert "MainThread (thread" in page
    assert "inspector-base (thread" in page


def test_system_pages(running: RunningInspector) -> None:
    overview = rows(running.page("/sys"))
    assert overview["host"] == [os.uname().nodename]
    assert overview["processors"] == [str(os.cpu_count())]
    assert running.page("/sys/version").startswith("Linux")
    assert "MemTotal:" in running.page("/sys/meminfo")


@pytest.mark.parametrize("path", ["/none", "/proc/none", "/none/none", "/%2e%2e/etc/passwd"])
def test_no_such_page(running: RunningInspector, path: str) -> None:
    answer = running.get(path)
    assert answer.status == 404
    assert answer.body.startswith(b"no page")


def test_a_kernel_file_that_is_not_there() -> None:
    assert procfs.read_text("/proc/none") == "/proc/none: No such file or directory\n"
    assert procfs.table([]) == ""


# ---------------------------------------------------------------------- commands


def test_add_and_remove(running: RunningInspector) -> None:
    inspector = running.inspector
    inspector.add("cache", "size", lambda method, words: f"{method} {words}", "how large")
    assert running.page("/cache/size/of/it") == "GET ('of', 'it')\n"
    assert running.page("/cache") == "/cache/size  how large\n"
    assert "/cache/size" in running.page("/")
    inspector.add("cache", "overview", lambda method, words: "all of it\n")
    assert running.page("/cache/") == "all of it\n"
    inspector.add("cache", "size", lambda method, words: "")
    assert running.page("/cache/size") == "\n"
    inspector.remove("cache", "size")
    inspector.remove("cache", "size")
    assert running.get("/cache/size").status == 404
    inspector.remove("cache", "overview")
    assert running.get("/cache").status == 404
    inspector.remove("cache", "overview")


@pytest.mark.parametrize(("module", "command"), [("", "x"), ("x", ""), ("a/b", "x"), ("x", "/")])
def test_impossible_names(running: RunningInspector, module: str, command: str) -> None:
    with pytest.raises(ValueError, match="not a word"):
        running.inspector.add(module, command, lambda method, words: "")


def test_a_command_that_raises(running: RunningInspector, errors: ErrorLog) -> None:
    def bad(method: str, words: tuple[str, ...]) -> str:
        raise LookupError("lost")

    running.inspector.add("bad", "one", bad)
    answer = running.get("/bad/one")
    assert (answer.status, answer.body) == (500, b"LookupError: lost\n")
    assert errors.exceptions == ["lost"]
    assert running.get("/proc/pid").status == 200


def has_queued(pool: ThreadPool, count: int) -> bool:
    return pool.queue_size == count


def test_a_slow_command_blocks_no_loop_and_the_queue_is_bounded(
    running: RunningInspector,
) -> None:
    gate, there = threading.Event(), threading.Event()

    def slow(method: str, words: tuple[str, ...]) -> str:
        there.set()
        assert gate.wait(WAIT)
        return "done"

    running.inspector.add("slow", "one", slow)
    clients = [HttpClient(running.inspector.address) for _ in range(18)]
    clients[0].send(get("/slow/one"))
    assert there.wait(WAIT)
    worker = running.inspector._worker
    assert worker is not None
    for number, client in enumerate(clients[1:17], 1):
        client.send(get("/proc/pid"))
        eventually(partial(has_queued, worker, number))
    assert clients[17].ask(get("/proc/pid")).status == 503
    gate.set()
    assert clients[0].answer().body == b"done\n"
    assert {client.answer().status for client in clients[1:17]} == {200}
    for client in clients:
        client.close()


def test_asking_a_loop(running: RunningInspector, other_loop: EventLoop) -> None:
    inspector = running.inspector
    inspector.add(
        "other",
        "thread",
        lambda method, words: inspector.ask(other_loop, lambda: threading.current_thread().name),
    )
    assert running.page("/other/thread") == "other\n"


def test_asking_a_loop_that_raises_or_is_busy(
    running: RunningInspector, other_loop: EventLoop
) -> None:
    with pytest.raises(ZeroDivisionError):
        running.inspector.ask(other_loop, lambda: 1 // 0)
    gate = threading.Event()
    other_loop.queue_in_loop(lambda: gate.wait(WAIT))
    with pytest.raises(TimeoutError):
        running.inspector.ask(other_loop, lambda: None, 0.01)
    gate.set()


def test_stopping_before_start_and_repr(other_loop: EventLoop) -> None:
    inspector = call_in(other_loop, lambda: Inspector(other_loop, LOOPBACK, "one"))
    assert repr(inspector) == f"<Inspector one at {inspector.address}>"
    stopped = threading.Event()
    inspector.stop(0.0, stopped.set)
    assert stopped.wait(WAIT)


def test_start_is_idempotent(running: RunningInspector) -> None:
    call_in(running.loop, running.inspector.start)
    assert running.page("/proc/pid")


# ---------------------------------------------------------------------- loops


@pytest.fixture
def watched(running: RunningInspector, run_server: ServerMaker) -> RunningServer:
    """A server with two loops, which the inspector watches."""
    server = run_server(2, lambda server: server.set_message_callback(echo))
    server.call(lambda: running.inspector.watch_pool(server.server.thread_pool))
    running.inspector.watch("base", server.loop)
    return server


def test_loops(running: RunningInspector, watched: RunningServer) -> None:
    watched.accept()
    watched.accept()
    watched.accept()
    page = running.page("/loops")
    header = re.split(r"  +", page.splitlines()[0])
    assert header == ["loop", "passes", "queued", "connections", "busy", "answers in"]
    table = rows(page)
    assert set(table) == {"loop", "base", "test-loop0", "test-loop1"}
    assert [table[name][2] for name in ("base", "test-loop0", "test-loop1")] == ["0", "2", "1"]
    for name in ("base", "test-loop0"):
        assert int(table[name][0]) > 0
        assert table[name][4].endswith("ms")
    running.inspector.unwatch("base")
    running.inspector.unwatch("base")
    assert "base" not in running.page("/loops")


def test_no_loops(running: RunningInspector) -> None:
    assert running.page("/loops/overview") == "no loops are watched\n"


def test_a_loop_that_hangs_is_seen(
    running: RunningInspector, watched: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.inspector._loops, "_ask_seconds", 0.05)
    gate, there = threading.Event(), threading.Event()
    watched.loop.queue_in_loop(there.set)
    watched.loop.queue_in_loop(lambda: gate.wait(WAIT))
    assert there.wait(WAIT)
    table = rows(running.page("/loops"))
    gate.set()
    assert table["base"][4] == "not in 0.05 s"
    assert table["base"][1] == "1"  # the pass of the ping
    assert table["test-loop0"][4].endswith("ms")


def test_a_loop_that_is_closed(running: RunningInspector) -> None:
    running.inspector._loops._ask_seconds = 0.01
    thread = EventLoopThread("gone")
    running.inspector.watch("gone", thread.start_loop())
    assert thread.stop(WAIT)
    assert rows(running.page("/loops"))["gone"][4] == "not in 0.01 s"


def test_the_inspectors_own_loop_can_be_watched(running: RunningInspector) -> None:
    running.inspector.watch("own", running.loop)
    assert rows(running.page("/loops"))["own"][4].endswith("ms")


class CountingLoop(EventLoop):
    """A loop with or without a counter of its busy time."""

    busy_seconds = 10.0


def test_the_share_of_busy_time(running: RunningInspector) -> None:
    loop = CountingLoop()
    with loop:
        running.inspector.watch("counting", loop)
        running.inspector._loops._ask_seconds = 0.01  # no thread runs it
        assert rows(running.page("/loops"))["counting"][3] == "0.0%"
        start = time.monotonic()
        loop.busy_seconds = 1010.0
        assert rows(running.page("/loops"))["counting"][3] == "100.0%"
        assert time.monotonic() - start < WAIT
