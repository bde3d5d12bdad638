"""A SOCKS 4a proxy: `python -m examples.socks4a [PORT]`, then `curl -x socks4a://127.0.0.1:PORT`.

A connection waits for the request (4, 1, port, address, user NUL, for 4a host NUL). Then it becomes
a tunnel, by another message callback. A worker resolves names, because that blocks.
"""

from functools import partial

from examples import _run
from examples._tunnel import Tunnel
from muduopy import Buffer, EventLoop, InetAddress, TcpConnection, TcpServer, ThreadPool

MAX_REQUEST = 512
GRANTED, REFUSED = bytes([0, 90, 0, 0, 0, 0, 0, 0]), bytes([0, 91, 0, 0, 0, 0, 0, 0])


def on_request(workers: ThreadPool, connection: TcpConnection, buffer: Buffer, when: float) -> None:
    data = buffer.peek()
    user_end = data.find(b"\0", 8)
    named = data[4:7] == bytes(3) and data[7:8] != b"\0"  # 4a: 0.0.0.x stands for a name
    host_end = data.find(b"\0", user_end + 1) if named and user_end > 0 else user_end
    if len(data) < 9 or host_end < 0:
        if len(data) > MAX_REQUEST:
            refuse(connection)
        return
    buffer.retrieve(host_end + 1)
    if data[:2] != b"\4\1":
        refuse(connection)
        return
    host = data[user_end + 1 : host_end].decode("latin-1") if named else dotted(data[4:8])
    port = int.from_bytes(data[2:4], "big")
    connection.stop_read()

    def found(address: InetAddress | None, error: BaseException | None) -> None:
        if address is None or not connection.connected:
            refuse(connection)
            return
        grant = partial(connection.send, GRANTED)
        connection.context = Tunnel(connection, address, grant, partial(refuse, connection))

    if not workers.try_run_for(connection.loop, lambda: InetAddress.resolve(host, port), found):
        refuse(connection)


def dotted(address: bytes) -> str:
    return ".".join(str(part) for part in address)


def refuse(connection: TcpConnection) -> None:
    connection.send(REFUSED)
    connection.shutdown()
    connection.set_message_callback(ignore)
    connection.start_read()  # to notice the client's end


def ignore(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    buffer.retrieve_all()


def on_connection(connection: TcpConnection) -> None:
    if not connection.connected and isinstance(connection.context, Tunnel):
        connection.context.near_went()
        connection.context = None


def main() -> None:
    workers = ThreadPool(2, "resolver")
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(1080), "socks4a", half_close=True)
        server.set_connection_callback(on_connection)
        server.set_message_callback(partial(on_request, workers))
        _run.serve(loop, server)
    workers.stop(drain=False)


if __name__ == "__main__":
    main()
