"""Builds the TLS context of the server from the settings for its certificate and key."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path

from chat.config import ConfigError, ServerConfig
from muduopy import Address, InetAddress

log = logging.getLogger(__name__)


def tls_context(config: ServerConfig) -> ssl.SSLContext | None:
    """The context for TLS connections; None without a certificate. Raises ConfigError."""
    if not config.tls_certificate:
        if config.tls_key:
            raise ConfigError("server.tls_key: is of no use without server.tls_certificate")
        return None
    if config.proxy_protocol:
        raise ConfigError("server.proxy_protocol: a balancer that writes it must do the TLS, too")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever the system's OpenSSL allows

    def no_passphrase() -> str:  # without this OpenSSL would ask for it at the terminal
        raise ConfigError(
            f"server.tls_key: {config.tls_key or config.tls_certificate} is encrypted; remove its "
            "passphrase, for example with: openssl pkey -in KEY -out NEW"
        )

    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key or None, no_passphrase)
    except ssl.SSLError as exc:
        if not config.tls_key and _lacks_key(config.tls_certificate):
            raise ConfigError(
                f"server.tls_certificate: {config.tls_certificate}: holds no private key; "
                "set server.tls_key to the file that does"
            ) from exc
        files = " and ".join(filter(None, (config.tls_certificate, config.tls_key)))
        reason = (exc.reason or "damaged file").replace("_", " ").lower()
        raise ConfigError(
            f"server.tls_certificate: {files}: {reason}; they must be a certificate and its key "
            "in PEM"
        ) from exc
    except OSError as exc:  # it does not name the file
        files = ", ".join(name for name in (config.tls_certificate, config.tls_key) if name)
        raise ConfigError(f"server.tls_certificate: {files}: {exc.strerror}") from exc
    return context


def is_open_to_others(addresses: Iterable[Address]) -> bool:
    """Can another machine connect to one of these addresses? Pure."""
    hosts = [address.ip for address in addresses if isinstance(address, InetAddress)]
    return not all(ip_address(host.partition("%")[0]).is_loopback for host in hosts)


def warn_without_tls(config: ServerConfig, addresses: Sequence[Address]) -> None:
    """Warn of passwords that others can read. Behind a balancer the balancer does the TLS."""
    if config.tls_certificate or config.proxy_protocol or not is_open_to_others(addresses):
        return
    log.warning(
        "passwords and messages cross the network without TLS: set server.tls_certificate, or "
        "listen at 127.0.0.1 behind a balancer that does the TLS (docs/deploy.md)"
    )


def _lacks_key(file: str) -> bool:
    text = Path(file).read_bytes()
    return b"CERTIFICATE-----" in text and b"PRIVATE KEY-----" not in text
