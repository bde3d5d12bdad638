"""The process of bench.attacks.witness, started and asked by another one."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence

from bench import common
from bench.attacks.accounts import WITNESSES
from bench.attacks.witness import Findings


class WitnessProcess:
    """Three users whose service is measured. Used by one thread at a time."""

    def __init__(
        self,
        server: common.Server,
        address: str | None = None,
        *,
        tls: bool = False,
        users: Sequence[int] = WITNESSES,
    ) -> None:
        """Wait until the pair is logged in. Raises BenchError if it cannot.

        ``address``: the one that its PROXY lines announce; None for no such lines.
        """
        command = [sys.executable, "-m", "bench.attacks.witness", str(server.port), address or "-"]
        command += ["--users", ",".join(map(str, users))]
        self._server = server
        self._process = subprocess.Popen(
            command + (["--tls"] if tls else []),
            cwd=common.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._line() != "READY":
            self.close()
            raise common.BenchError(f"the witnesses cannot log in:\n{server.last_words()}")

    def measure(self, seconds: float) -> Findings:
        """What the witnesses meet in that time. Raises BenchError if they lose a connection."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{seconds}\n")
            self._process.stdin.flush()
        line = self._line()
        if not line:
            words = self._server.last_words()
            raise common.BenchError(f"the witnesses have lost their connections:\n{words}")
        return Findings(**json.loads(line))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(common.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
