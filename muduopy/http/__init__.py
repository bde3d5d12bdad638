"""A small HTTP/1.1 server on TcpServer. It needs only the standard library.

    from muduopy import EventLoop, InetAddress
    from muduopy.http import HttpRequest, HttpResponse, HttpServer

    def answer(request: HttpRequest, response: HttpResponse) -> None:
        response.set_text(f"hello, {request.path}\\n")

    loop = EventLoop()
    server = HttpServer(loop, InetAddress("127.0.0.1", 8000), "hello")
    server.set_http_callback(answer)
    server.start()
    loop.loop()

For readers of the source: HttpServer makes an HttpSession for each connection. The session moves
bytes, calls the callbacks and sets timers; it has no rule of HTTP. It has an HttpContext, which
decides which requests are read, answered and refused, in which order and until when; it has no
socket. The context has a RequestReader, which cuts the bytes into requests, and a queue of
HttpExchanges. An exchange is one request with its response.
"""

from muduopy.http.body_writer import BodyWriter
from muduopy.http.errors import BadRequestError, BadResponseError, HttpError
from muduopy.http.http_files import HttpFiles
from muduopy.http.http_headers import HttpHeaders
from muduopy.http.http_limits import HttpLimits
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse, UpgradeCallback
from muduopy.http.http_server import HttpServer
from muduopy.http.http_session import HttpCallback, HttpSession
from muduopy.http.http_upload import HttpUpload, UploadCallback
from muduopy.http.inspector import Inspector, InspectorCommand

__all__ = [
    "BadRequestError",
    "BadResponseError",
    "BodyWriter",
    "HttpCallback",
    "HttpError",
    "HttpFiles",
    "HttpHeaders",
    "HttpLimits",
    "HttpRequest",
    "HttpResponse",
    "HttpServer",
    "HttpSession",
    "HttpUpload",
    "Inspector",
    "InspectorCommand",
    "UpgradeCallback",
    "UploadCallback",
]
