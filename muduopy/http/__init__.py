"""A small HTTP/1.1 server on TcpServer. Needs h11: ``pip install '.[http]'``.

    from muduopy import EventLoop, InetAddress
    from muduopy.http import HttpRequest, HttpResponse, HttpServer

    def answer(request: HttpRequest, response: HttpResponse) -> None:
        response.set_text(f"hello, {request.path}\\n")

    loop = EventLoop()
    server = HttpServer(loop, InetAddress("127.0.0.1", 8000), "hello")
    server.set_http_callback(answer)
    server.start()
    loop.loop()

Who reads on: HttpServer makes a HttpSession per connection, which moves bytes and timers and knows
nothing of HTTP. Each has a HttpContext, which decides what is read, answered and refused, in which
order and by when, and knows nothing of sockets. That is a row of HttpExchanges: one request and
its response, and the only place where h11 is used.
"""

from muduopy.http.errors import BadRequestError, BadResponseError, HttpError
from muduopy.http.http_headers import HttpHeaders
from muduopy.http.http_limits import HttpLimits
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.http.http_server import HttpServer
from muduopy.http.http_session import HttpCallback
from muduopy.http.inspector import Inspector, InspectorCommand

__all__ = [
    "BadRequestError",
    "BadResponseError",
    "HttpCallback",
    "HttpError",
    "HttpHeaders",
    "HttpLimits",
    "HttpRequest",
    "HttpResponse",
    "HttpServer",
    "Inspector",
    "InspectorCommand",
]
