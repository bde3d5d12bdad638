"""RedisAddress: what a URL says of Redis, and whether somebody is there.

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
ANSWER_SECONDS = 1.0
"""Redis is next door; who waits longer holds everybody up."""

Host = tuple[str, int]
"""Name or address, and port."""


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is, and who we are there.

    Attributes:
        hosts: one server; of a cluster, those to ask for the others.
        ca: a file with the certificates to trust, None for the system's.
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
        """How to encrypt; None: not at all. Raises OSError if the file cannot be used."""
        return ssl.create_default_context(cafile=self.ca) if self.tls else None

    def client(self, host: Host) -> redis.Redis:
        """A blocking client of one server, for what is asked rarely. Close it."""
        options = {"ssl": True, "ssl_ca_certs": self.ca} if self.tls else {}
        return redis.Redis(
            *host,
            username=self.user,
            password=self.password or None,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            **options,  # type: ignore[arg-type]
        )


def parse_redis_url(url: str, password: str = "") -> RedisAddress:
    """``password``: where the URL has none. Raises ValueError, which does not show it."""
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
    """Say at the start what would otherwise only be seen in the log. Blocks for a moment.

    That nobody answers is no reason not to start: Redis may be away at any time. Raises
    BusRefusedError for what will not mend itself.
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
