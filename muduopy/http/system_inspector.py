"""The pages about the machine: ``/sys/...`` of the Inspector. All functions: any thread."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from functools import partial

from muduopy.http import procfs


def overview() -> str:
    memory = procfs.fields(procfs.read_text("/proc/meminfo"))
    up = procfs.read_text("/proc/uptime").split()[0]
    return procfs.table(
        [
            ("host", platform.node()),
            ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
            ("processors", str(os.cpu_count())),
            ("load", " ".join(f"{load:.2f}" for load in os.getloadavg())),
            ("memory", f"{memory.get('MemAvailable', '?')} of {memory.get('MemTotal', '?')} free"),
            ("up", f"{up} s"),
        ]
    )


SYSTEM_COMMANDS: Mapping[str, tuple[Callable[[], str], str]] = {
    "overview": (overview, "this machine at a glance"),
    **{
        name: (partial(procfs.read_text, f"/proc/{name}"), help)
        for name, help in (
            ("loadavg", "its load"),
            ("version", "its kernel"),
            ("cpuinfo", "its processors"),
            ("meminfo", "its memory"),
            ("stat", "its counters"),
        )
    },
}
