"""Process: a program that goes on after the end of the command that started it.

A Process is a pid together with the time of its start. The kernel gives a free pid to another
program, so the pid alone is not enough. Example: ``node-6000`` ran as pid 700 and ended; an editor
has got pid 700. Its start time differs, so ``chatcluster down`` does not signal it.
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
"""The time for a program to become ready."""

KILL_SECONDS = 10.0
"""The time for the kernel to end a killed process."""

POLL_SECONDS = 0.02

LAST_LINES = 5
"""Lines of a log in the error about a program that did not start."""

SESSION, BEGAN = 3, 19
"""Their places in /proc/PID/stat, counted from the state."""

AFTER_A_LINE = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")
"""Waits for a line of input, then becomes the program that follows.

Example: the command starts a server and is killed before it has saved the pid. The shell reads the
end of its input and ends, so no unknown server stays."""


@dataclass(frozen=True, slots=True)
class Process:
    """The identity of a started program, which runs until it is stopped.

    Attributes:
        pid: of the program, and of its session.
        began: clock ticks from the boot of the machine to its start: field 22 of /proc/PID/stat.
    """

    pid: int
    began: int

    @property
    def alive(self) -> bool:
        return _began(self.pid) == self.began

    def send_signal(self, number: int) -> bool:
        """Send a signal; False if the program has ended."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)  # from here on no other program can take its place
            try:
                if self.alive:
                    signal.pidfd_send_signal(handle, number)
                    return True
            finally:
                os.close(handle)
        return False

    def kill(self) -> None:
        """End it and its child processes with kill -9."""
        self.send_signal(signal.SIGKILL)
        for member in self._session():
            member.send_signal(signal.SIGKILL)
            member.wait(KILL_SECONDS)
        self.wait(KILL_SECONDS)

    def _session(self) -> list[Process]:
        """The other processes of its session: its children, and their children.

        The session has the pid of its leader, this process. The kernel gives that number to no
        other process while a member lives. So a new process with this pid means that none is left.
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
            os.waitpid(self.pid, os.WNOHANG)  # our child, if this command has started it
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
        """End it and its children: by a signal, after ``seconds`` by kill -9 (then False)."""
        by_itself = not self.send_signal(number) or self.wait(seconds)
        self.kill()
        return by_itself


def start(
    command: Sequence[str],
    log: Path,
    ready: Callable[[], bool],
    born: Callable[[Process], object],
    environment: dict[str, str] | None = None,
) -> Process:
    """Start a program that goes on after this command; returns when ``ready`` says so.

    Its output goes to ``log``. ``born`` is called before the program runs, to save its identity.
    Raises ClusterError, with the end of the log, if it ends or is not ready in time.
    """
    with log.open("ab") as output:
        size = output.tell()
        child = subprocess.Popen(
            [*AFTER_A_LINE, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C and a closed terminal do not end it
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
            child.returncode = 0  # it goes on, which Popen would report as a ResourceWarning
            return process
        if time.monotonic() > deadline:
            process.stop(1.0)
            break
        time.sleep(POLL_SECONDS)
    raise ClusterError(f"{Path(command[0]).name} did not start: {_last_words(log, size)}")


def run(
    command: Sequence[str], log: Path, folder: Path, environment: dict[str, str] | None = None
) -> None:
    """Run a program to its end in ``folder``. Raises ClusterError if it fails."""
    with log.open("ab") as output:
        size = output.tell()
        status = subprocess.call(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    if status:
        raise ClusterError(f"{Path(command[0]).name} failed: {_last_words(log, size)}")


def _began(pid: int) -> int | None:
    """The start time of a process; None if it has ended, even if it is a zombie."""
    stat = _stat(pid)
    return None if stat is None else int(stat[BEGAN])


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None if the process has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields


def _last_words(log: Path, since: int) -> str:
    """The errors in the log since that offset, or its last lines. For the user."""
    with log.open("rb") as text:
        text.seek(since)
        lines = text.read().decode(errors="replace").strip().splitlines()
    errors = [line for line in lines if "error" in line.lower()]
    return " | ".join((errors or lines)[-LAST_LINES:]) or f"it said nothing ({log})"
