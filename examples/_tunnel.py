"""Tunnel: passes the bytes of two connections to each other. For tcprelay and socks4a.

Back-pressure: while the output that waits for one side is above the mark, the other side is not
read. So a slow reader slows its sender down, and costs little memory.
"""

from collections.abc import Callable

from muduopy import Address, Buffer, TcpClient, TcpConnection

HIGH_WATER, LOW_WATER = 1024 * 1024, 64 * 1024


class Tunnel:
    """A client of this server (`near`) and the target server (`far`), in one loop."""

    def __init__(
        self,
        near: TcpConnection,
        to: Address,
        opened: Callable[[], object] = lambda: None,
        failed: Callable[[], object] | None = None,
    ) -> None:
        """`failed` is called when the target cannot be reached. The default closes `near`."""
        self._near = near
        self._opened = opened
        self._failed = failed or near.force_close
        self._client = TcpClient(near.loop, to, f"to {to}", half_close=True)
        self._client.set_connection_callback(self.on_far)
        self._client.set_connect_failed_callback(self.on_failure)
        near.stop_read()  # until the far connection is up
        near.set_message_callback(keep)
        self._client.connect()

    def on_far(self, far: TcpConnection) -> None:
        if not far.connected:
            self._near.shutdown()
            self._near.start_read()  # to notice the client's end
            return
        self._opened()
        join(self._near, far)
        join(far, self._near)
        self._near.start_read()

    def on_failure(self, reason: OSError, retry: float | None) -> None:
        self._client.stop()
        self._failed()

    def near_went(self) -> None:
        """End the far connection, because the client is gone."""
        self._client.disconnect()  # sends the waiting output first


def join(source: TcpConnection, target: TcpConnection) -> None:
    """Pass the bytes of `source` to `target`, and then its end."""

    def pass_on(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        target.send(buffer.retrieve_all())

    source.set_message_callback(pass_on)
    source.set_half_close_callback(lambda connection: target.shutdown())
    target.set_high_water_callback(lambda connection, waiting: source.stop_read(), HIGH_WATER)
    target.set_low_water_callback(lambda connection, waiting: source.start_read(), LOW_WATER)
    if source.input_buffer:
        target.send(source.input_buffer.retrieve_all())


def keep(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    """Leave the bytes in the buffer: `join` passes them on."""
