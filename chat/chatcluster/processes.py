"""Process: a program that runs on when the command that started it has ended.

It is remembered as its pid and the time at which the kernel says it began: a pid alone may be
somebody else's by tomorrow, and nothing is ever signalled that was not started here.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chat.chatcluster.errors import ClusterError

READY_SECONDS = 30.0
KILL_SECONDS = 10.0
POLL_SECONDS = 0.02
LAST_LINES = 5

SESSION, BEGAN = 3, 19
"""Where these stand in /proc/PID/stat, counted from the state."""

WHEN_TOLD = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")
"""Becomes the program that follows when it is told to. Should we be killed before we have written
it down, it is never told, and ends."""


@dataclass(frozen=True, slots=True)
class Process:
    """A started program, by identity. Owns nothing: it lives on until it is stopped."""

    pid: int
    began: int  # ticks since boot, field 22 of /proc/PID/stat

    @property
    def alive(self) -> bool:
        return _began(self.pid) == self.began

    def send(self, number: int) -> bool:
        """Signal it; False if it is gone."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)  # from here on it is this one or nobody
            try:
                if self.alive:
                    signal.pidfd_send_signal(handle, number)
                    return True
            finally:
                os.close(handle)
        return False

    def kill(self) -> None:
        """kill -9, with whatever it has started itself."""
        self.send(signal.SIGKILL)
        for member in self._session():
            member.send(signal.SIGKILL)
            member.wait(KILL_SECONDS)
        self.wait(KILL_SECONDS)

    def _session(self) -> list[Process]:
        """The processes of its session, of which it is, or was, the leader.

        While one of them lives the kernel gives the leader's number to nobody else; where
        somebody else has it, none of ours is left.
        """
        leader = _began(self.pid)
        if leader is not None and leader != self.began:
            return []
        found = []
        for entry in Path("/proc").iterdir():
            pid = int(entry.name) if entry.name.isdigit() else self.pid
            stat = _stat(pid) if pid != self.pid else None
            if stat is not None and int(stat[SESSION]) == self.pid:
                found.append(Process(pid, int(stat[BEGAN])))
        return found

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False if it still runs."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)  # ours, if this very command started it
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                if self.alive:
                    poll = select.poll()
                    poll.register(handle, select.POLLIN)
                    poll.poll(seconds * 1000)
            finally:
                os.close(handle)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return not self.alive

    def stop(self, seconds: float, number: int = signal.SIGTERM) -> bool:
        """Ask it to end, then make it; False if it had to be made. Nothing of it is left."""
        by_itself = not self.send(number) or self.wait(seconds)
        self.kill()
        return by_itself


def start(
    command: Sequence[str],
    log: Path,
    ready: Callable[[], bool],
    born: Callable[[Process], object],
    environment: dict[str, str] | None = None,
) -> Process:
    """Start a program, detached, its output going to ``log``; return when it is ready.

    ``born`` is called as soon as it runs, to write it down. Raises ClusterError, with the end of
    its log, if it ends or is not ready in time.
    """
    with log.open("ab") as output:
        size = output.tell()
        child = subprocess.Popen(
            [*WHEN_TOLD, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C and a closed terminal are not meant for it
        )
    began = _began(child.pid)
    process = Process(child.pid, began if began is not None else -1)
    assert child.stdin is not None
    with child.stdin:
        born(process)
        child.stdin.write(b"go\n")
    deadline = time.monotonic() + READY_SECONDS
    while child.poll() is None:
        if ready():
            child.returncode = 0  # it is not waited for: say no ResourceWarning
            return process
        if time.monotonic() > deadline:
            process.stop(1.0)
            break
        time.sleep(POLL_SECONDS)
    raise ClusterError(f"{Path(command[0]).name} did not start: {_last_words(log, size)}")


def run(command: Sequence[str], log: Path, folder: Path) -> None:
    """Run a program to its end in ``folder``. Raises ClusterError if it fails."""
    with log.open("ab") as output:
        size = output.tell()
        status = subprocess.call(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    if status:
        raise ClusterError(f"{Path(command[0]).name} failed: {_last_words(log, size)}")


def _began(pid: int) -> int | None:
    """When a process began; None if it is gone, or dead and only not collected yet."""
    stat = _stat(pid)
    return None if stat is None else int(stat[BEGAN])


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None as above."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields


def _last_words(log: Path, since: int) -> str:
    with log.open("rb") as text:
        text.seek(since)
        lines = text.read().decode(errors="replace").strip().splitlines()
    return " | ".join(lines[-LAST_LINES:]) or f"it said nothing ({log})"
