"""Serves a folder: `python -m examples.http_files FOLDER [PORT]`, then open it in a browser.

The kernel copies large files from its cache to the sockets. Try a range, and a second visit:

    curl -r 0-99 127.0.0.1:8000/film.mp4
    curl -I -H 'If-None-Match: "…"' 127.0.0.1:8000/index.html
"""

import sys

from muduopy import EventLoop, InetAddress
from muduopy.http import HttpFiles, HttpServer


def main() -> None:
    folder, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    with EventLoop() as loop:
        server = HttpServer(loop, InetAddress("127.0.0.1", port), "files")
        server.set_http_callback(HttpFiles(folder))
        server.set_thread_num(2)
        server.start()
        print(f"serving {folder} on {server.address}", flush=True)
        loop.loop()


if __name__ == "__main__":
    main()
