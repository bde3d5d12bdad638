"""The server's certificate, and mistakes in its settings."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from chat.config import ConfigError, ServerConfig
from chat.tls import tls_context

PEM = Path(__file__).parents[1] / "muduopy" / "certs" / "localhost.pem"


def test_none() -> None:
    assert tls_context(ServerConfig()) is None


def test_old_versions_are_refused() -> None:
    context = tls_context(ServerConfig(tls_certificate=str(PEM)))
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_key_and_certificate_in_one_file_or_two(tmp_path: Path) -> None:
    assert tls_context(ServerConfig(tls_certificate=str(PEM))) is not None
    text = PEM.read_text()
    begin = text.index("-----BEGIN CERTIFICATE")
    end = text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_text(text[begin:end])
    key.write_text(text[:begin] + text[end:])
    assert tls_context(ServerConfig(tls_certificate=str(certificate), tls_key=str(key))) is not None
    with pytest.raises(ConfigError, match=r"cert\.pem: holds no private key; set server\.tls_key"):
        tls_context(ServerConfig(tls_certificate=str(certificate)))


def test_an_encrypted_key_is_not_asked_for(tmp_path: Path) -> None:
    """OpenSSL would ask for the passphrase at the terminal, and a service would wait forever."""
    key = tmp_path / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-aes256", "-pass", "pass:secret", "-out", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ConfigError, match=r"key\.pem is encrypted; remove its passphrase"):
        tls_context(ServerConfig(tls_certificate=str(PEM), tls_key=str(key)))


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (ServerConfig(tls_key="x"), r"^server\.tls_key: "),
        (ServerConfig(tls_certificate="/no/such"), "/no/such: No such file"),
        (ServerConfig(tls_certificate=__file__), r"^server\.tls_certificate: .*: "),
        (
            ServerConfig(tls_certificate=str(PEM), proxy_protocol=True),
            r"^server\.proxy_protocol: ",
        ),
    ],
)
def test_mistakes(config: ServerConfig, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        tls_context(config)
