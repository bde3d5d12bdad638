"""Multiplexer: passes the bytes of many clients over one connection. For multiplexer."""

from collections import deque

from muduopy import (
    Address,
    Buffer,
    EventLoop,
    HostAddress,
    InetAddress,
    TcpClient,
    TcpConnection,
    TcpServer,
)

MAX_CLIENTS = 10
MAX_PACKET = 255
HEADER_BYTES = 3


class Multiplexer:
    """Numbers the clients, and connects to the backend. All of it runs in one loop."""

    def __init__(
        self, loop: EventLoop, address: Address, backend: InetAddress | HostAddress
    ) -> None:
        self.server = TcpServer(loop, address, "multiplexer")
        self.server.set_connection_callback(self._client_changed)
        self.server.set_message_callback(self._from_client)
        self.server.set_high_water_callback(lambda client, waiting: client.force_close())
        self.client = TcpClient(loop, backend, "backend")
        self.client.set_connection_callback(self._backend_changed)
        self.client.set_message_callback(self._from_backend)
        self.client.enable_retry()
        self.client.connect()
        self._backend: TcpConnection | None = None
        self._free: deque[int] = deque()  # numbers; empty while there is no backend
        self._clients: dict[int, TcpConnection] = {}

    # ------------------------------------------------------------------ clients

    def _client_changed(self, client: TcpConnection) -> None:
        if not client.connected:
            self._client_went(client)
        elif not self._free:
            client.shutdown()
        else:
            number = self._free.popleft()
            client.context = number
            self._clients[number] = client
            self._tell(f"CONN {number} FROM {client.peer_address} IS UP\r\n")

    def _client_went(self, client: TcpConnection) -> None:
        number = client.context
        if isinstance(number, int) and self._clients.get(number) is client:
            del self._clients[number]
            self._free.append(number)
            self._tell(f"CONN {number} FROM {client.peer_address} IS DOWN\r\n")

    def _from_client(self, client: TcpConnection, buffer: Buffer, when: float) -> None:
        number = client.context
        if not isinstance(number, int):
            buffer.retrieve_all()
            return
        while buffer:
            self._send(number, buffer.retrieve_as_bytes(min(len(buffer), MAX_PACKET)))

    # ------------------------------------------------------------------ the backend

    def _tell(self, words: str) -> None:
        self._send(0, words.encode())

    def _send(self, number: int, data: bytes) -> None:
        if self._backend is not None:
            self._backend.send(bytes([len(data)]) + number.to_bytes(2, "little") + data)

    def _backend_changed(self, backend: TcpConnection) -> None:
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.shutdown()
        if backend.connected:
            self._backend = backend
            self._free = deque(range(1, MAX_CLIENTS + 1))
            backend.set_high_water_callback(lambda conn, waiting: self._pause())
            backend.set_low_water_callback(lambda conn, waiting: self._resume())
        else:
            self._backend = None
            self._free.clear()

    def _pause(self) -> None:
        for client in self._clients.values():
            client.stop_read()

    def _resume(self) -> None:
        for client in self._clients.values():
            client.start_read()

    def _from_backend(self, backend: TcpConnection, buffer: Buffer, when: float) -> None:
        while len(buffer) >= HEADER_BYTES:
            header = buffer.peek(HEADER_BYTES)
            if len(buffer) < HEADER_BYTES + header[0]:
                return
            buffer.retrieve(HEADER_BYTES)
            data = buffer.retrieve_as_bytes(header[0])
            number = int.from_bytes(header[1:], "little")
            if number == 0:
                self._obey(data)
            elif number in self._clients:
                self._clients[number].send(data)

    def _obey(self, words: bytes) -> None:
        command, _, number = words.partition(b" ")
        if command == b"DISCONNECT" and number.strip().isdigit():
            client = self._clients.get(int(number))
            if client is not None:
                client.shutdown()
