"""muduo's ping-pong benchmark, the client.

    python -m examples.pingpong_client HOST PORT THREADS BLOCK_BYTES SESSIONS SECONDS

Each session sends a block, and sends back all bytes that it receives. At the end it prints the
rate.
"""

from examples import _run
from muduopy import Buffer, EventLoop, EventLoopThreadPool, TcpClient, TcpConnection


class Session:
    """One connection. Thread of its loop."""

    def __init__(self, client: TcpClient, block: bytes) -> None:
        self.client = client
        self.bytes_read = self.messages_read = 0
        self._block = block
        client.set_connection_callback(self.on_connection)
        client.set_message_callback(self.on_message)

    def on_connection(self, connection: TcpConnection) -> None:
        if connection.connected:
            connection.set_tcp_no_delay(True)
            connection.send(self._block)

    def on_message(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        self.messages_read += 1
        self.bytes_read += len(buffer)
        connection.send(buffer.retrieve_all())


def main() -> None:
    address, threads, size = _run.peer(2055), _run.number(3, 0), _run.number(4, 16384)
    count, seconds = _run.number(5, 1), _run.number(6, 1)
    with EventLoop() as loop:
        pool = EventLoopThreadPool(loop, "pingpong", threads)
        pool.start()
        sessions = [
            Session(TcpClient(pool.get_next_loop(), address, f"C{number}"), bytes(size))
            for number in range(count)
        ]

        def finish() -> None:
            for session in sessions:
                session.client.close()
            loop.run_after(0.1, loop.quit)

        for session in sessions:
            session.client.connect()
        loop.run_after(seconds, finish)
        _run.run(loop)
        pool.stop()
    total = sum(session.bytes_read for session in sessions)
    messages = sum(session.messages_read for session in sessions)
    print(f"{total} bytes read, {messages} messages read")
    print(f"{total / max(messages, 1):.0f} bytes each")
    print(f"{total / (1 << 20) / seconds:.3f} MiB/s throughput", flush=True)


if __name__ == "__main__":
    main()
