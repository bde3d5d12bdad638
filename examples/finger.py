"""RFC 1288, finger, the smallest useful server, step by step: `python -m examples.finger [PORT]`.

Then `printf 'lilei\\r\\n' | nc 127.0.0.1 1079`.
"""

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer
from muduopy.codec import FrameHandler, LineCodec

# A real server would ask a database, on a worker pool: see examples/sudoku.py.
USERS = {"lilei": "Li Lei is happy and well.", "hanmeimei": "Han Meimei is having lunch."}


# 4. A line has arrived: answer, then close. `shutdown` sends the answer first.
def on_line(connection: TcpConnection, line: bytes, when: float) -> None:
    user = line.decode(errors="replace").strip()
    connection.send((USERS.get(user, "No such user") + "\r\n").encode())
    connection.shutdown()


def main() -> None:
    # 1. A loop: it belongs to the thread that makes it, and waits for all events.
    with EventLoop() as loop:
        # 2. A server, which binds here (an address in use raises OSError).
        server = TcpServer(loop, _run.address(1079), "finger", idle_timeout=60)
        # 3. Cut the arriving bytes into lines of at most 512 bytes.
        server.set_message_callback(FrameHandler(LineCodec(max_size=512), on_line))
        # 5. Listen, and run the loop until Ctrl-C.
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
