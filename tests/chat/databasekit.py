"""The database server that the tests start: MariaDB, or the MySQL that CHAT_TEST_MYSQLD names.

CHAT_TEST_MYSQLD is a path, or a command that runs it and passes its arguments on. So the whole
suite can be run against both.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from chat.chatcluster import services
from chat.chatcluster.processes import Process, run, start
from chat.storage import StorageError
from chat.storage.mysql.connection import MysqlAddress, MysqlConnection

MYSQLD = shlex.split(os.environ.get("CHAT_TEST_MYSQLD", ""))
IS_MYSQL = bool(MYSQLD)

SHARED_LOCK = "FOR SHARE" if IS_MYSQL else "LOCK IN SHARE MODE"
"""The SQL of a shared lock for NOWAIT. Only MariaDB has LOCK IN SHARE MODE NOWAIT."""

MYSQL_OPTIONS = (
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=128M",
    "--max-connections=200",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--mysqlx=OFF",
)


def _ignore(process: Process) -> None:
    pass


def start_database(
    folder: Path,
    port: int,
    password: str,
    born: Callable[[Process], object] = _ignore,
    *,
    options: Sequence[str] = (),
) -> Process:
    """Start the database, as services.start_mariadb does. Raises ClusterError."""
    if not IS_MYSQL:
        return services.start_mariadb(folder, port, password, born, options=options)
    data, log = folder / "data", folder / "mysqld.log"
    who = ["--user=root"] if os.geteuid() == 0 else []
    if not data.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(
            [*MYSQLD, "--no-defaults", "--initialize-insecure", f"--datadir={data}", *who],
            log,
            folder,
        )
    # After kill -9 it names an ended process, whose pid another process may have got.
    (data / "mysqld.sock.lock").unlink(missing_ok=True)
    bootstrap = folder / "init.sql"
    account = f"{services.USER}@'{services.HOST}'"
    bootstrap.write_text(
        f"CREATE DATABASE IF NOT EXISTS {services.DATABASE} "
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
        f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON {services.DATABASE}.* TO {account};\n",
        encoding="utf-8",
    )
    command = [
        *(*MYSQLD, "--no-defaults", *who, f"--datadir={data}", f"--port={port}"),
        *(f"--bind-address={services.HOST}", f"--socket={data}/mysqld.sock"),
        *(f"--pid-file={data}/mysqld.pid", f"--init-file={bootstrap}", *MYSQL_OPTIONS, *options),
    ]
    process = start(command, log, lambda: _greets(port), born)
    # After one login with TLS the server caches the password, and accepts logins without TLS, too:
    # through proxies that look for COMMIT, for example.
    address = MysqlAddress(services.HOST, port, services.USER, password, services.DATABASE)
    with contextlib.suppress(StorageError):  # the test reports an error of the server
        MysqlConnection(address, "READ COMMITTED").close()
    return process


def _greets(port: int) -> bool:
    """True if the server sends its greeting, which it does after its init file has run."""
    try:
        with socket.create_connection((services.HOST, port), 1.0) as probe:
            return bool(probe.recv(1))
    except OSError:
        return False
