"""Settings of a database server that would prevent writing, or would expose the password."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.backends import open_database
from chat.config import ConfigError, DatabaseConfig
from chat.storage import StorageError
from chat.storage.mysql import connection as mysql_connection
from chat.storage.mysql import group_commit as mysql_group_commit
from chat.storage.mysql.connection import OFF, REQUIRED, LostConnection, MysqlConnection
from chat.storage.mysql.database import MysqlDatabase
from chat.storage.mysql.schema import prepare_schema
from chat.storage.tables import LogRow, MessageModel
from tests.chat.databasekit import IS_MYSQL
from tests.chat.loopkit import WAIT, Outcomes
from tests.chat.mariadbkit import PASSWORD, PROJECT, SCHEMA, UPGRADES, Mariadb, mariadb


@contextlib.contextmanager
def running(*options: str, tables: bool = True) -> Iterator[Mariadb]:
    server = Mariadb(*options, tables=tables)
    try:
        yield server
    finally:
        server.stop()


def test_a_small_packet() -> None:
    """With 1M, statements of many long texts were refused as too large."""
    with (
        running("--max-allowed-packet=1M") as server,
        contextlib.closing(MysqlDatabase.open(server.address)) as database,
    ):
        outcomes = Outcomes()
        text = "\U0001f600" * 4096  # the longest that there is
        rows = [LogRow(1, f"m{number}", 6, 2, text, "", None) for number in range(300)]
        database.submit(lambda tx: MessageModel(tx).insert_new(rows), outcomes)
        seqs, error = outcomes.next()
        assert error is None
        assert None not in seqs


def test_a_packet_that_is_too_small() -> None:
    with pytest.raises(StorageError, match="max_allowed_packet is 262144; set it to at least"):
        Mariadb("--max-allowed-packet=256K")


def test_a_binary_log_of_statements() -> None:
    log = ("--log-bin=binlog", "--server-id=1", "--binlog-format=STATEMENT")
    with pytest.raises(StorageError, match="set binlog_format = ROW"):
        Mariadb(*log)


def test_tables_must_have_primary_keys() -> None:
    name = "--sql-require-primary-key=ON" if IS_MYSQL else "--innodb-force-primary-key=ON"
    with running(name) as server:
        server.drop_tables()
        prepare_schema(server.address, SCHEMA, UPGRADES)


# ---------------------------------------------------------------------- TLS


CERTIFICATE = PROJECT / "tests" / "muduopy" / "certs" / "localhost.pem"
"""For localhost and 127.0.0.1, with its key in the same file."""


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A certificate of another authority."""
    made = tmp_path / "other.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=other"]
    files = ["-keyout", str(made), "-out", str(made)]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=WAIT)
    return made


@pytest.fixture(scope="module")
def encrypted() -> Iterator[Mariadb]:
    with running(f"--ssl-cert={CERTIFICATE}", f"--ssl-key={CERTIFICATE}") as server:
        yield server


@pytest.fixture
def clear() -> Iterator[Mariadb]:
    """Without TLS. MariaDB offers none unless it has a certificate."""
    if IS_MYSQL:
        with running("--tls-version=", tables=False) as server:
            yield server
    else:
        yield mariadb()


def cipher(connection: MysqlConnection) -> str:
    ((_, name),) = connection.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    connection.close()
    return str(name)


def url(server: Mariadb, options: str) -> str:
    address = server.address
    return f"mysql://{address.user}:{PASSWORD}@{address.host}:{address.port}/chat{options}"


def test_a_certificate_that_is_vouched_for(encrypted: Mariadb) -> None:
    address = dataclasses.replace(encrypted.address, tls=REQUIRED, ca=str(CERTIFICATE))
    assert cipher(MysqlConnection(address, "READ COMMITTED"))
    open_database(DatabaseConfig(url(encrypted, f"?ca={CERTIFICATE}"))).close()
    open_database(DatabaseConfig(url(encrypted, "?tls=required"))).close()


def test_another_certificate(encrypted: Mariadb, other: Path) -> None:
    with pytest.raises(StorageError, match=rf"no certificate for 127\.0\.0\.1 that {other}"):
        open_database(DatabaseConfig(url(encrypted, f"?ca={other}")))


@pytest.mark.parametrize("options", ["?tls=required", f"?ca={CERTIFICATE}"])
def test_a_server_without_tls_is_refused(clear: Mariadb, options: str) -> None:
    with pytest.raises(StorageError, match=r"offers no TLS|needs TLS"):
        open_database(DatabaseConfig(url(clear, options)))


def test_an_account_that_needs_tls(clear: Mariadb) -> None:
    """MySQL's are so by default."""
    if IS_MYSQL:
        with pytest.raises(StorageError, match=r"needs TLS.*give the server a certificate"):
            open_database(DatabaseConfig(url(clear, "")))
    else:
        open_database(DatabaseConfig(url(clear, ""))).close()


def test_tls_can_be_switched_off(encrypted: Mariadb) -> None:
    address = dataclasses.replace(encrypted.address, tls=OFF)
    assert not cipher(MysqlConnection(address, "READ COMMITTED"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("?tls=perhaps", "tls must be preferred, required, off"),
        ("?ca=/no/such/file", "No such file"),
        (f"?ca={CERTIFICATE}&tls=off", "required with ca"),
        ("?charset=gbk", "unknown option 'charset'"),
    ],
)
def test_wrong_options(options: str, words: str) -> None:
    text = f"mysql://me:{PASSWORD}@127.0.0.1/chat{options}"
    with pytest.raises(ConfigError, match=words) as raised:
        open_database(DatabaseConfig(text))
    assert PASSWORD not in str(raised.value)


# ---------------------------------------------------------------------- silence


def test_an_idle_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL has no limit for transactions alone: it would end silent connections, too, and the next
    request would wait for a new one."""
    monkeypatch.setattr(mysql_connection, "IDLE_TRANSACTION_SECONDS", 1)
    monkeypatch.setattr(mysql_group_commit, "KEEP_SECONDS", 0.25)
    server = mariadb()
    with contextlib.closing(server.new_database()) as database:
        ids = "SELECT CONNECTION_ID()"
        before = database.read(lambda tx: tx.query(ids))
        with contextlib.closing(server.connect()) as other:
            other.rows("SELECT SLEEP(2)")  # by the clock that counts
        assert database.read(lambda tx: tx.query(ids)) == before


def test_a_transaction_that_stands_still_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database frees the locks of a server that was stopped."""
    monkeypatch.setattr(mysql_connection, "IDLE_TRANSACTION_SECONDS", 1)
    server = mariadb()
    server.empty()
    with (
        contextlib.closing(server.connect()) as stopped,
        contextlib.closing(server.connect()) as other,
    ):
        stopped.run("INSERT INTO setting (name, value) VALUES ('a', 'b')")
        other.rows("SELECT SLEEP(2)")
        other.run("INSERT INTO setting (name, value) VALUES ('a', 'c')")
        other.commit()
        with pytest.raises(LostConnection):
            stopped.rows("SELECT 1")
