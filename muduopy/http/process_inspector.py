"""The pages about this process: ``/proc/...`` of the Inspector.

All functions: any thread. They show the present values of the kernel and the interpreter.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from types import FrameType

from muduopy.http import procfs

_MEMORY_FIELDS = "VmPeak VmSize VmLck VmHWM VmRSS RssAnon RssFile VmData VmStk VmSwap".split()


def overview() -> str:
    status = procfs.fields(procfs.read_text("/proc/self/status"))
    usage = os.times()
    python = sys.version.split()[0]
    return procfs.table(
        [
            ("pid", pid()),
            ("command", _command_line()),
            ("directory", _working_directory()),
            ("python", f"{python} ({sys.implementation.name})"),
            ("up", f"{_up_seconds():.0f} s"),
            ("processor", f"{usage.user:.2f} s user, {usage.system:.2f} s system"),
            ("memory", status.get("VmRSS", "?")),
            (
                "threads",
                f"{threading.active_count()} of Python, {status.get('Threads', '?')} in all",
            ),
            ("files", f"{len(_descriptors())} open of {_most_files()} allowed"),
        ]
    )


def pid() -> str:
    return str(os.getpid())


def status() -> str:
    return procfs.read_text("/proc/self/status")


def threads() -> str:
    """Every Python thread with its stack, innermost call last."""
    known = {thread.ident: thread for thread in threading.enumerate()}
    # One snapshot of all stacks. A thread that begins or ends meanwhile is shown without its name.
    frames = sys._current_frames().items()
    return "\n".join(sorted(_stack(known.get(ident), frame) for ident, frame in frames))


def files() -> str:
    """Every open descriptor and its target."""
    return procfs.table([(str(number), what) for number, what in _descriptors()])


def memory() -> str:
    """The counters of the kernel and of the garbage collector."""
    kernel = procfs.fields(procfs.read_text("/proc/self/status"))
    rows = [(name, kernel[name]) for name in _MEMORY_FIELDS if name in kernel]
    for generation, (count, stats) in enumerate(zip(gc.get_count(), gc.get_stats(), strict=True)):
        rows.append(
            (
                f"gc {generation}",
                f"{count} counted, {stats['collections']} collections, "
                f"{stats['collected']} collected",
            )
        )
    return procfs.table(rows)


PROCESS_COMMANDS: Mapping[str, tuple[Callable[[], str], str]] = {
    "overview": (overview, "this process at a glance"),
    "pid": (pid, "its number"),
    "status": (status, "its status in the kernel"),
    "threads": (threads, "its Python threads and their stacks"),
    "files": (files, "its open descriptors"),
    "memory": (memory, "its memory"),
}


def _stack(thread: threading.Thread | None, frame: FrameType) -> str:
    title = "a thread without a name"
    if thread is not None:
        daemon = ", daemon" if thread.daemon else ""
        title = f"{thread.name} (thread {thread.native_id}{daemon})"
    return title + "\n" + "".join(traceback.format_stack(frame))


def _command_line() -> str:
    return procfs.read_text("/proc/self/cmdline").replace("\0", " ").strip()


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError as exc:  # the directory was removed
        return str(exc)


def _up_seconds() -> float:
    stat = procfs.read_text("/proc/self/stat")
    try:
        ticks = int(stat.rpartition(")")[2].split()[19])  # 22nd field: start after boot
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (IndexError, ValueError, OSError, AttributeError):
        return float("nan")


def _descriptors() -> list[tuple[int, str]]:
    try:
        numbers = sorted(int(name) for name in os.listdir("/proc/self/fd"))
    except OSError:
        return []
    found = []
    for number in numbers:
        try:
            found.append((number, os.readlink(f"/proc/self/fd/{number}")))
        except OSError:  # closed meanwhile, for example the one that listed the directory
            continue
    return found


def _most_files() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
