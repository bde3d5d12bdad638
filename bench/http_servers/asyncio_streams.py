"""JSON and large bodies over asyncio's streams, written by hand, with little of HTTP.

python bench/http_servers/asyncio_streams.py 127.0.0.1 PORT
"""

import asyncio
import json
import sys

PART = bytes(64 * 1024)


async def receive(reader: asyncio.StreamReader, length: int) -> bytes:
    received = 0
    while received < length:
        received += len(await reader.read(min(len(PART), length - received)))
    return str(received).encode()


async def send(writer: asyncio.StreamWriter, size: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // len(PART)):
        writer.write(PART)
        await writer.drain()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b" ", 2)
            path, _, query = target.partition(b"?")
            body = json.dumps({"message": "Hello, World!"}).encode()
            if method == b"PUT":
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                body = await receive(reader, int(length))
            elif path == b"/down":
                await send(writer, int(query))
                continue
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, sys.argv[1], int(sys.argv[2]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
