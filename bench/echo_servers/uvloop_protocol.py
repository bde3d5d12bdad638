"""The asyncio echo server on uvloop.

python bench/echo_servers/uvloop_protocol.py 127.0.0.1 PORT
"""

import uvloop
from asyncio_protocol import main

if __name__ == "__main__":
    uvloop.run(main())
