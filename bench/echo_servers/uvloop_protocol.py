"""The asyncio echo server on uvloop.

python bench/echo_servers/uvloop_protocol.py 127.0.0.1 PORT
"""

# The library need not be installed.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

import uvloop
from asyncio_protocol import main

if __name__ == "__main__":
    uvloop.run(main())
