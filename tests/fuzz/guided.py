"""The decoders under atheris, a fuzzer that searches for inputs that reach new lines.

    python -m pip install atheris
    python -m tests.fuzz.guided --seconds 60

atheris exists for CPython on Linux, and is no dependency of this project. The first inputs are
frames of the other fuzzer. An input that fails is written to a file in the current folder.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from bench import common

FIRST_INPUTS = 500
MAX_INPUT = 4096  # bytes


def write_first_inputs(folder: Path, seed: int) -> None:
    """Frames of all dialects, each in a file."""
    from chat.config import ClassicConfig
    from chat.dialect_files import load_dialects
    from chat.protocol import Limits
    from tests.fuzz.frames import ENDS, FrameMaker

    maker = FrameMaker(random.Random(seed), Limits(), "secret-1")
    tables = (None, *load_dialects(ClassicConfig().dialects).by_name)
    ends = list(ENDS.values())
    for number in range(FIRST_INPUTS):
        frame = maker.frame(tables[number % len(tables)], 7) + ends[number % len(ends)]
        (folder / f"{number}").write_bytes(frame[:MAX_INPUT])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        import atheris
    except ImportError as exc:
        raise common.BenchError("needs atheris: python -m pip install atheris") from exc
    # It measures the modules that are imported here for the first time.
    with atheris.instrument_imports(include=["chat"]):
        from tests.fuzz.decoders import one_input
    with tempfile.TemporaryDirectory(prefix="chat-fuzz-") as folder:
        write_first_inputs(Path(folder), options.seed)
        limits = [f"-max_total_time={options.seconds}", f"-seed={options.seed}"]
        atheris.Setup([sys.argv[0], folder, *limits, f"-max_len={MAX_INPUT}"], one_input)
        atheris.Fuzz()  # ends the process


if __name__ == "__main__":
    common.run_main(main)
