"""Echo over Twisted, on its epoll reactor.

python bench/echo_servers/twisted_protocol.py 127.0.0.1 PORT
"""

# The library need not be installed.
# mypy: disable-error-code="import-not-found,import-untyped,misc"

import sys

from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import reactor  # noqa: E402
from twisted.internet.protocol import Factory, Protocol  # noqa: E402


class Echo(Protocol):
    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


if __name__ == "__main__":
    reactor.listenTCP(
        int(sys.argv[2]), Factory.forProtocol(Echo), backlog=1024, interface=sys.argv[1]
    )
    reactor.run()
