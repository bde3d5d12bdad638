"""TlsSettings: arguments with which no handshake could succeed are refused at once."""

from __future__ import annotations

import ssl
import subprocess
import sys

import pytest

from muduopy.tls_settings import TlsSettings
from tests.muduopy.test_tls_transport import client_context, server_context


def test_both_sides() -> None:
    TlsSettings(server_context(), True, None, 10.0)
    TlsSettings(client_context(), False, "localhost", 10.0)


def test_the_side_must_fit_the_context() -> None:
    with pytest.raises(ValueError, match="CLIENT_AUTH"):
        TlsSettings(client_context(), True, None, 10.0)
    with pytest.raises(ValueError, match="SERVER_AUTH"):
        TlsSettings(server_context(), False, "localhost", 10.0)


@pytest.mark.parametrize("name", ["", ".example.org"])
def test_names_that_no_certificate_has(name: str) -> None:
    with pytest.raises(ValueError, match="server_hostname"):
        TlsSettings(client_context(), False, name, 10.0)


def test_a_client_that_checks_names_needs_one() -> None:
    with pytest.raises(ValueError, match="server_hostname=NAME"):
        TlsSettings(client_context(), False, None, 10.0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    TlsSettings(context, False, None, 10.0)


def test_types() -> None:
    with pytest.raises(TypeError, match="SSLContext"):
        TlsSettings("server.pem", True, None, 10.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="server_hostname is a str"):
        TlsSettings(client_context(), False, b"localhost", 10.0)  # type: ignore[arg-type]


def test_plain_connections_do_not_import_ssl() -> None:
    code = "import sys, muduopy; assert 'ssl' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
