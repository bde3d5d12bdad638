"""asio_chat, on one loop and on several, and the hub, with muduo's bytes."""

from __future__ import annotations

import struct

import pytest

from tests.examples.examplekit import Example, read_all, read_exactly, read_line


def frame(payload: bytes) -> bytes:
    return struct.pack("!i", len(payload)) + payload


@pytest.mark.parametrize(
    ("name", "args"), [("asio_chat_server", (0,)), ("asio_chat_server_loops", (0, 3))]
)
def test_everybody_hears_everybody(name: str, args: tuple[int, ...]) -> None:
    with Example(name, *args) as server:
        clients = []
        for _ in range(5):
            clients.append(server.connect())
            clients[-1].sendall(frame(b"here"))
            for client in clients:  # a client that gets its own message is a member
                assert read_exactly(client, 8) == frame(b"here")
        words = frame(b"hello " * 10_000)
        clients[0].sendall(words[:7])
        clients[0].sendall(words[7:])
        for client in clients:
            assert read_exactly(client, len(words)) == words
        clients[1].sendall(struct.pack("!i", 65537))
        assert read_all(clients[1]) == b""  # too long


def test_the_chat_client() -> None:
    with Example("asio_chat_server", 0) as server:
        other = server.connect()
        with Example("asio_chat_client", "127.0.0.1", server.ports[0], servers=0) as client:
            client.write("grüß dich\n")
            assert client.line() == "<<< grüß dich"
            assert read_exactly(other, 15) == frame("grüß dich".encode())
            other.sendall(frame("你好".encode()))
            assert client.line() == "<<< 你好"
            client.end_input()
            assert client.process.wait(20) == 0


def test_hub() -> None:
    with Example("hub", 0) as hub:
        one, two = hub.connect(), hub.connect()
        one.sendall(b"pub weather\r\nsunny\r\n")
        one.sendall(b"sub utc_time\r\n")
        assert read_line(one) == b"pub utc_time\r\n"  # comes every second
        two.sendall(b"sub weather\r\n")
        assert (read_line(two), read_line(two)) == (b"pub weather\r\n", b"sunny\r\n")  # the last
        one.sendall(b"pub weather\r\nrain: heavy\r\n")
        assert (read_line(two), read_line(two)) == (b"pub weather\r\n", b"rain: heavy\r\n")
        two.sendall(b"unsub weather\r\nsub mood\r\n")
        for mood in (b"fine\r\n", b"better\r\n"):
            two.sendall(b"pub mood\r\n" + mood)
            assert (read_line(two), read_line(two)) == (b"pub mood\r\n", mood)
            one.sendall(b"pub weather\r\nfog\r\n")  # two has unsubscribed
        two.sendall(b"what?\r\n")
        assert read_all(two) == b""


def test_pub_and_sub() -> None:
    with Example("hub", 0) as hub:
        where = f"127.0.0.1:{hub.ports[0]}"
        with Example("pub", where, "weather", "sunny", servers=0) as pub:
            assert pub.process.wait(20) == 0
        with Example("sub", where, "weather", "mood", servers=0) as sub:
            assert sub.line() == "weather: sunny"
            with Example("pub", where, "mood", "-", servers=0) as pub:
                pub.write("good\nbetter\n")
                pub.end_input()
                assert pub.process.wait(20) == 0
            assert [sub.line(), sub.line()] == ["mood: good", "mood: better"]
