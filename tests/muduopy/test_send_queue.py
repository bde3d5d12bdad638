"""SendQueue: the chunks that it accepts, their order, and its signal to the loop."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from muduopy.file_part import FilePart
from muduopy.send_queue import SendQueue
from tests.muduopy.netkit import WAIT


@pytest.fixture
def part(tmp_path: Path) -> Iterator[FilePart]:
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    with path.open("rb") as file:
        part = FilePart(file)
    yield part
    part.close()


def test_the_first_chunk_asks_for_a_take() -> None:
    queue = SendQueue()
    assert [queue.put(chunk) for chunk in (b"a", b"b", b"c")] == [True, False, False]
    assert queue.take() == [b"abc"]
    assert queue.put(b"d")
    assert queue.take() == [b"d"]


def test_an_empty_queue_has_nothing_to_take() -> None:
    assert SendQueue().take() == []


def test_files_keep_their_place(part: FilePart) -> None:
    queue = SendQueue()
    queue.put(b"before")
    queue.put(part)
    queue.put(b"after")
    assert queue.take() == [b"before", part, b"after"]


def test_a_sealed_queue_drops_chunks(part: FilePart) -> None:
    queue = SendQueue()
    queue.put(b"in time")
    queue.seal()
    queue.seal()
    open_files = len(os.listdir("/proc/self/fd"))
    assert queue.sealed
    assert not queue.put(b"too late")
    assert not queue.put(part)
    assert len(os.listdir("/proc/self/fd")) == open_files - 1
    assert queue.take() == [b"in time"]


def test_many_threads_and_one_loop() -> None:
    """Each chunk is taken once, and the chunks of a thread stay in order."""
    queue, wanted = SendQueue(), threading.Semaphore(0)

    def send(name: int) -> None:
        pause = random.Random(name)
        for number in range(500):
            if queue.put(b"%d:%d " % (name, number)):
                wanted.release()
            if pause.random() < 0.05:
                os.sched_yield()

    threads = [threading.Thread(target=partial(send, name)) for name in range(4)]
    for thread in threads:
        thread.start()
    taken = b""
    while taken.count(b" ") < 2000:
        assert wanted.acquire(timeout=WAIT)
        taken += b"".join(chunk for chunk in queue.take() if isinstance(chunk, bytes))
    for thread in threads:
        thread.join(WAIT)
    words = [tuple(map(int, word.split(b":"))) for word in taken.split()]
    for name in range(4):
        assert [number for sender, number in words if sender == name] == list(range(500))
