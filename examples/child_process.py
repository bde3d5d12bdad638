"""A subprocess through a Channel: `python -m examples.child_process COMMAND [ARGUMENT...]`.

The loop reads the output when there is some, and runs other callbacks meanwhile. The end of the
pipe is the end of the output.
"""

import subprocess
import sys

from examples import _run
from muduopy import Channel, EventLoop


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with EventLoop() as loop, subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE) as process:
        pipe = process.stdout
        assert pipe is not None

        def read() -> None:
            data = pipe.read1()  # does not block, as the pipe is readable
            print(f"{len(data)} bytes: {data!r}", flush=True)
            if not data:
                channel.disable_all()
                loop.quit()

        channel = Channel(loop, pipe.fileno())
        channel.read_callback = channel.close_callback = read
        channel.enable_reading()
        _run.run(loop)
        channel.disable_all()
        print("exit status", process.wait(), flush=True)


if __name__ == "__main__":
    main()
