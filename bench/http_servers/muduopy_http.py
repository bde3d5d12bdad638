"""JSON and large bodies over muduopy.http.

python bench/http_servers/muduopy_http.py 127.0.0.1 PORT [SUB_LOOPS]
"""

import json
import sys
from collections.abc import Iterator

from muduopy import EventLoop, InetAddress
from muduopy.http import HttpRequest, HttpResponse, HttpServer, HttpUpload

PART = bytes(64 * 1024)


def parts(size: int) -> Iterator[bytes]:
    for _ in range(size // len(PART)):
        yield PART


def on_request(request: HttpRequest, response: HttpResponse) -> None:
    if request.path == "/down":
        response.set_source(parts(int(request.query)), int(request.query))
    else:
        response.body = json.dumps({"message": "Hello, World!"}).encode()
        response.set_header("Content-Type", "application/json")


def on_upload(request: HttpRequest, response: HttpResponse, upload: HttpUpload) -> None:
    upload.set_part_callback(len)
    upload.set_end_callback(lambda: response.set_text(str(upload.received)))


def main() -> None:
    loop = EventLoop()
    server = HttpServer(loop, InetAddress(sys.argv[1], int(sys.argv[2])), "bench")
    server.set_http_callback(on_request)
    server.set_upload_callback(on_upload)
    server.set_thread_num(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    server.start()
    loop.loop()


if __name__ == "__main__":
    main()
