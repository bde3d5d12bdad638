"""RedisAddress: a Redis URL in its parts, and a check of it at the start.

redis://[USER[:PASSWORD]@]HOST[:PORT]            one server
rediss://…?ca=FILE                               the same through TLS
redis+cluster://HOST:PORT,HOST:PORT,…            a Redis Cluster, by some of its servers
rediss+cluster://…
"""

from __future__ import annotations

import logging
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.bus.base import BusRefusedError

log = logging.getLogger(__name__)

DEFAULT_PORT = 6379
SCHEMES = ("redis", "rediss", "redis+cluster", "rediss+cluster")
FORM = "redis://HOST:PORT, rediss://HOST:PORT or redis+cluster://HOST:PORT,HOST:PORT"

CONNECT_SECONDS = 1.0
REPLY_SECONDS = 1.0
"""How long a link, or a blocking call, waits for Redis. Redis is near; a longer wait would delay
all messages."""

Host = tuple[str, int]
"""Name or address, and port."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """The hosts of Redis, and the login there.

    Attributes:
        hosts: one server; for a cluster, the servers to ask for its layout.
        user: None: Redis' default user.
        password: empty: log in without one.
        tls: connect through TLS.
        ca: a file with the certificates to trust; None: the system's.
        cluster: the hosts belong to a Redis Cluster.
    """

    hosts: tuple[Host, ...]
    user: str | None = None
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: str | None = None
    cluster: bool = False

    def __str__(self) -> str:
        return ",".join(f"{host}:{port}" for host, port in self.hosts)

    def tls_context(self) -> ssl.SSLContext | None:
        """None without TLS. Raises OSError if the file of certificates cannot be used."""
        return ssl.create_default_context(cafile=self.ca) if self.tls else None

    def client(self, host: Host) -> redis.Redis:
        """A blocking client of one server, for rare questions. Close it."""
        options = {"ssl": True, "ssl_ca_certs": self.ca} if self.tls else {}
        return redis.Redis(
            *host,
            username=self.user,
            password=self.password or None,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=REPLY_SECONDS,
            retry=Retry(NoBackoff(), 0),
            **options,  # type: ignore[arg-type]
        )


def parse_redis_url(url: str, password: str = "") -> RedisAddress:
    """``password``: used if the URL has none. Raises ValueError, without the password."""
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, in_url = login.partition(":")
    path = parts.path.removeprefix("/")
    if parts.scheme not in SCHEMES or (path and not (path.isascii() and path.isdigit())):
        raise ValueError(f"not of the form {FORM}")
    cluster = parts.scheme.endswith("+cluster")
    hosts = tuple(_host(place) for place in places.split(","))
    if len(hosts) > 1 and not cluster:
        raise ValueError("several servers are for redis+cluster:// only")
    tls = parts.scheme.startswith("rediss")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    ca = options.pop("ca", None)
    if options or (ca and not tls):
        raise ValueError(f"unknown option {next(iter(options), 'ca')!r}")
    return RedisAddress(hosts, unquote(user) or None, unquote(in_url) or password, tls, ca, cluster)


def check_redis(address: RedisAddress) -> None:
    """Connect once, at the start of the server. Blocks for a moment.

    A server that does not answer is only logged, because the bus connects again in any case.
    Raises BusRefusedError for an error of the settings: a wrong password, host name or certificate.
    """
    for host in address.hosts:
        client = address.client(host)
        try:
            client.ping()
        except redis.AuthenticationError as exc:
            raise BusRefusedError(f"{address}: wrong user or password") from exc
        except (redis.ConnectionError, redis.TimeoutError, OSError) as exc:
            if isinstance(_root(exc), socket.gaierror | ssl.SSLError):
                raise BusRefusedError(f"{address}: {_root(exc)}") from exc
            log.warning("Redis does not answer yet, mailboxes are polled: %s", exc)
        except redis.RedisError as exc:
            raise BusRefusedError(f"{address}: {exc}") from exc
        else:
            return
        finally:
            client.close()


def _host(place: str) -> Host:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError("a host is missing")
    return (parts.hostname, parts.port or DEFAULT_PORT)


def _root(exc: BaseException) -> BaseException:
    while exc.__cause__ is not None or exc.__context__ is not None:
        exc = exc.__cause__ or exc.__context__  # type: ignore[assignment]
    return exc
