"""A small HTTP server: `python -m examples.http_hello [PORT]`, then `curl 127.0.0.1:8000/`."""

import sys
import time
from collections.abc import Callable
from functools import partial

from muduopy import EventLoop, InetAddress, ThreadPool

try:
    from muduopy.http import HttpRequest, HttpResponse, HttpServer
except ModuleNotFoundError as exc:
    sys.exit(f"{exc}")

Page = Callable[[HttpRequest, HttpResponse], object]


def hello(request: HttpRequest, response: HttpResponse) -> None:
    response.set_text("Hello! Try /time, /echo and /slow, too.\n")


def show_time(request: HttpRequest, response: HttpResponse) -> None:
    response.set_text(time.strftime("%Y-%m-%d %H:%M:%S\n"))


def echo(request: HttpRequest, response: HttpResponse) -> None:
    """Answers with the posted body: `curl --data-binary @file 127.0.0.1:8000/echo`."""
    response.set_header("Content-Type", request.headers.get("content-type", "text/plain"))
    response.body = request.body


def slow(workers: ThreadPool, request: HttpRequest, response: HttpResponse) -> None:
    """Computes in a worker, so that the loop can serve other clients meanwhile."""

    def work() -> None:
        total = sum(number * number for number in range(1_000_000))
        response.set_text(f"{total}\n")
        response.finish()

    response.defer()
    if not workers.try_run(work):
        response.set_text("too busy\n", 503)
        response.finish()


def on_request(pages: dict[str, Page], request: HttpRequest, response: HttpResponse) -> None:
    """Called for each request, in the loop of its connection."""
    page = pages.get(request.path)
    if page is None:
        response.set_text(f"there is no {request.path}\n", 404)
        return
    page(request, response)


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    workers = ThreadPool(2)
    pages: dict[str, Page] = {
        "/": hello,
        "/time": show_time,
        "/echo": echo,
        "/slow": partial(slow, workers),
    }
    with EventLoop() as loop:
        server = HttpServer(loop, InetAddress("127.0.0.1", port), "hello")
        server.set_http_callback(partial(on_request, pages))
        server.start()
        print(f"listening on {server.address}", flush=True)
        loop.loop()


if __name__ == "__main__":
    main()
