"""JSON over uvicorn.

python bench/http_servers/uvicorn_asgi.py 127.0.0.1 PORT [h11|httptools]
"""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    body = json.dumps({"message": "Hello, World!"}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        app,
        host=sys.argv[1],
        port=int(sys.argv[2]),
        http=sys.argv[3] if len(sys.argv) > 3 else "h11",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
