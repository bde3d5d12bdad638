"""pingpong and roundtrip."""

from __future__ import annotations

import re
import struct

from tests.examples.examplekit import Example, read_exactly


def test_pingpong() -> None:
    with (
        Example("pingpong_server", 0, 1) as server,
        Example(
            "pingpong_client", "127.0.0.1", server.ports[0], 2, 1024, 4, 1, servers=0
        ) as client,
    ):
        assert re.fullmatch(r"[1-9]\d* bytes read, [1-9]\d* messages read", client.line())
        assert "bytes each" in client.line()
        assert "MiB/s throughput" in client.line()
        client.process.wait()


def test_roundtrip() -> None:
    with Example("roundtrip", "server", 0) as server:
        plain = server.connect()
        plain.sendall(struct.pack("=qq", 12345, 0)[:10])  # muduo sends in host byte order
        plain.sendall(struct.pack("=qq", 12345, 0)[10:])
        sent, theirs = struct.unpack("=qq", read_exactly(plain, 16))
        assert sent == 12345
        assert theirs > 1_700_000_000_000_000
        with Example("roundtrip", "client", "127.0.0.1", server.ports[0], servers=0) as client:
            for _ in range(2):
                found = re.fullmatch(r"round trip (\d+) clock error (-?\d+)", client.line())
                assert found
                assert abs(int(found[2])) <= int(found[1])  # the same clock
