"""Random delays where threads hand work to one another: what a busy machine does, from a seed.

``install`` puts them

* before and after a task of a ThreadPool,
* before and after a commit of the database writer,
* before each part of a pass of an EventLoop: the events, and the queued functions,
* at the start of a thread, and after each wait for a condition or an event.

Most pauses are none, many take a few milliseconds, and few take as long as a slow disk. Each thread
draws from random numbers of its own, so the seed and the name of a thread determine its delays.

Imports nothing of the project: the servers that tests start import this before anything else.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

VARIABLE = "CHAT_TEST_DELAYS"
"""The environment variable that holds the seed. The programs that tests start read it."""

SWITCH_SECONDS = 1e-5
"""Between two threads of Python; usually 5e-3."""

OFTEN, SELDOM = 0.3, 0.02
"""How many pauses in the threads are short ones, and how many are long ones."""

SHORT_SECONDS, LONG_SECONDS = 0.003, 0.05

LOOP_SHARE = 0.2
"""A loop has many passes for one task, so its pauses are fewer."""

_chosen = [""]
"""The seed. Each choice is a new list, so that a thread notices a choice of the same seed."""

_own = threading.local()


def choose(seed: str) -> None:
    """Begin the random numbers of all threads again. Any thread."""
    global _chosen
    _chosen = [seed]


def pause(share: float = 1.0) -> None:
    """Sleep, or not, as the random numbers of this thread say. Any thread."""
    chosen = _chosen
    if getattr(_own, "chosen", None) is not chosen:
        _own.chosen = chosen
        _own.random = random.Random(f"{chosen[0]} {threading.current_thread().name}")
    drawn = _own.random.random() / share
    if drawn < SELDOM:
        time.sleep(_own.random.uniform(0, LONG_SECONDS))
    elif drawn < OFTEN:
        time.sleep(_own.random.uniform(0, SHORT_SECONDS))


def install(seed: str) -> None:
    """Put the delays into all modules that are or will be imported. Main thread, once."""
    choose(seed)
    sys.setswitchinterval(SWITCH_SECONDS)
    _surround(threading.Thread, "run", before=1.0)
    _surround(threading.Condition, "wait", after=1.0)
    for name, patch in PATCHES.items():
        if name in sys.modules:
            patch(sys.modules[name])
    sys.meta_path.insert(0, _Finder())


def _surround(owner: Any, name: str, *, before: float = 0.0, after: float = 0.0) -> None:
    """Pause before or after each call; the numbers are shares, as in ``pause``."""
    real: Callable[..., Any] = getattr(owner, name)

    def delayed(*args: Any, **options: Any) -> Any:
        if before:
            pause(before)
        try:
            return real(*args, **options)
        finally:
            if after:
                pause(after)

    setattr(owner, name, delayed)


def _tasks(module: ModuleType) -> None:
    _surround(module, "_run_contained", before=1.0, after=1.0)


def _passes(module: ModuleType) -> None:
    _surround(module.EventLoop, "_handle", before=LOOP_SHARE)
    _surround(module.EventLoop, "_run_pending", before=LOOP_SHARE)


def _commits(class_name: str) -> Callable[[ModuleType], None]:
    return lambda module: _surround(getattr(module, class_name), "commit", before=1.0, after=1.0)


PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "muduopy.thread_pool": _tasks,
    "muduopy.event_loop": _passes,
    "chat.storage.sqlite.group_commit": _commits("SqliteGroupCommit"),
    "chat.storage.mysql.group_commit": _commits("MysqlGroupCommit"),
}


class _Finder(importlib.abc.MetaPathFinder):
    """Has the modules of PATCHES patched when they have been executed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in PATCHES:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                _patch_after(spec.loader, PATCHES[name])
                return spec
        return None


def _patch_after(loader: Any, patch: Callable[[ModuleType], None]) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        patch(module)

    loader.exec_module = exec_module


def environment() -> dict[str, str]:
    """What gives the delays to a program: it finds sitecustomize.py, and the seed."""
    folder = os.path.dirname(__file__)
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    paths = os.pathsep.join([folder, *(path for path in others if path != folder)])
    return {VARIABLE: _chosen[0], "PYTHONPATH": paths}
