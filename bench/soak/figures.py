"""The samples of a soak run, the verdict on flat lines, and their plot."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LAG_AIM = 50.0  # milliseconds, the 99th percentile of the whole run

TOLERANCE = {"memory": 0.05, "descriptors": 0.05, "threads": 0.0, "p99": 1.0}
"""The share by which a line may be higher in the last third of a run than in the second one.

The latency depends on the other programs of the machine, so it only must not double.
"""
SLACK = {"memory": 4.0, "descriptors": 8.0, "threads": 1.0, "p99": 5.0}
"""A smaller difference is none: MiB, numbers, milliseconds."""

UNITS = {"memory": "MiB", "descriptors": "", "threads": "", "p99": "ms"}


@dataclass(frozen=True)
class Sample:
    """One interval of a run.

    Attributes:
        seconds: since the start of the run.
        memory: resident, in MiB.
        p50, p99: of the deliveries of the witness pair, in milliseconds.
        login: the longest login, in milliseconds.
        lag: the 99th percentile of the loops' lag, in milliseconds; an upper bound.
    """

    seconds: float
    memory: float
    descriptors: int
    threads: int
    p50: float
    p99: float
    login: float
    lag: float


def thirds(samples: Sequence[Sample], name: str) -> tuple[float, float]:
    """The medians of a line in the second and in the last third. The first third warms up."""
    third = max(len(samples) // 3, 1)
    values = [float(getattr(sample, name)) for sample in samples]
    return statistics.median(values[third : 2 * third] or values), statistics.median(
        values[-third:]
    )


def rising_lines(samples: Sequence[Sample]) -> list[str]:
    """The lines that are not flat, one text each."""
    found = []
    for name, tolerance in TOLERANCE.items():
        before, after = thirds(samples, name)
        if after > before * (1 + tolerance) and after - before > SLACK[name]:
            found.append(f"{name} rises: {before:.1f}, then {after:.1f} {UNITS[name]}".rstrip())
    return found


def plot(samples: Sequence[Sample], title: str, file: Path) -> None:
    """Draw the lines as a PNG. It needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    minutes = [sample.seconds / 60 for sample in samples]
    parts = [
        ("memory, MiB", ["memory"]),
        ("descriptors, threads", ["descriptors", "threads"]),
        ("delivery, ms", ["p50", "p99"]),
        ("loop lag p99, ms", ["lag"]),
    ]
    figure, axes = pyplot.subplots(len(parts), 1, sharex=True, figsize=(9, 9))
    for axis, (label, names) in zip(axes, parts, strict=True):
        for name in names:
            axis.plot(minutes, [getattr(sample, name) for sample in samples], label=name)
        axis.set_ylabel(label)
        axis.set_ylim(0, axis.get_ylim()[1] * 1.05)
        axis.grid(alpha=0.3)
        if len(names) > 1:
            axis.legend(loc="lower right")
    axes[0].set_title(title, fontsize=10)
    axes[-1].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(file, dpi=110)
