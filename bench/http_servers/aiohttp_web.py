"""JSON over aiohttp.

python bench/http_servers/aiohttp_web.py 127.0.0.1 PORT
"""

import json
import sys

from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    body = json.dumps({"message": "Hello, World!"}).encode()
    return web.Response(body=body, content_type="application/json")


if __name__ == "__main__":
    app = web.Application()
    app.add_routes([web.get("/", answer)])
    web.run_app(app, host=sys.argv[1], port=int(sys.argv[2]), access_log=None, print=None)
