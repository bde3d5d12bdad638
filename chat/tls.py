"""The server's certificate: from two settings to a TLS context."""

from __future__ import annotations

import ssl

from chat.config import ConfigError, ServerConfig


def tls_context(config: ServerConfig) -> ssl.SSLContext | None:
    """How connections are encrypted; None: not at all. Raises ConfigError."""
    if not config.tls_certificate:
        if config.tls_key:
            raise ConfigError("server.tls_key: is of no use without server.tls_certificate")
        return None
    if config.proxy_protocol:
        raise ConfigError("server.proxy_protocol: a balancer that writes it must do the TLS, too")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key or None)
    except ssl.SSLError as exc:
        reason = (exc.reason or str(exc)).replace("_", " ").lower()
        raise ConfigError(f"server.tls_certificate: {config.tls_certificate}: {reason}") from exc
    except OSError as exc:  # which does not say which of the two files it was
        files = ", ".join(name for name in (config.tls_certificate, config.tls_key) if name)
        raise ConfigError(f"server.tls_certificate: {files}: {exc.strerror}") from exc
    return context
