"""Starts MariaDB, Redis, nginx and chat servers for one folder, and waits until they are ready.

They listen on 127.0.0.1 only and write below that folder. Its secrets are random, and only its
owner can read them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from chat.admin.socket_file import FOLDER_VARIABLE
from chat.backends import BUS_PASSWORD, DATABASE_PASSWORD
from chat.chatcluster.errors import ClusterError
from chat.chatcluster.processes import Process, run, start

HOST = "127.0.0.1"
DATABASE = "chat"
USER = "chat"

# Debian has servers in folders that are not on an ordinary user's PATH.
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")

PACKAGES = {
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "redis-server": "redis-server",
    "nginx": "nginx",
}

CHATSERVER = (sys.executable, "-P", "-m", "chat.app")
"""-P: Python does not import a chat.py or queue.py of the current folder."""

GREETING_SECONDS = 1.0

MARIADB_OPTIONS = (
    "--innodb-flush-log-at-trx-commit=1",  # a message is flushed before it is acknowledged
    "--innodb-buffer-pool-size=128M",
    "--max-connections=200",
    "--character-set-server=utf8mb4",
    "--skip-name-resolve",
    "--skip-log-bin",
)

NGINX_CONF = """\
# Written by chatcluster: the shipped conf/nginx.conf, for this folder.
{load}
daemon off;
pid nginx.pid;
error_log error.log;
worker_processes 1;
events {{ worker_connections 16384; }}
stream {{
    include stream.conf;
}}
"""


Born = Callable[[Process], object]
"""Saves the identity of a program, before the program is ready."""


def _ignore(process: Process) -> None:
    pass


def missing_packages() -> list[str]:
    """The Debian packages that a cluster needs and this machine lacks."""
    missing = {package for name, package in PACKAGES.items() if _find(name) is None}
    nginx = _find("nginx")
    if nginx is None or not _has_stream(nginx):
        missing.add("libnginx-mod-stream")
    return sorted(missing)


def start_mariadb(
    folder: Path,
    port: int,
    password: str,
    born: Born = _ignore,
    *,
    options: Sequence[str] = (),
) -> Process:
    """Start the database; the first time, make its files. Raises ClusterError."""
    data = folder / "data"
    log = folder / "mariadb.log"
    # A folder for temporary files of its own. A MariaDB that starts deletes the temporary tables in
    # its folder. Example: A is making its tables, with a temporary one in /tmp. Meanwhile B starts
    # with /tmp, too, and deletes it. A fails.
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    environment = {"TMPDIR": str(temporary)}
    # It runs as the user of this command; as root only with this option.
    user = ["--user=root"] if os.geteuid() == 0 else []
    if not data.exists():
        for left in folder.glob("data.new*"):  # of a command that was killed
            shutil.rmtree(left, ignore_errors=True)
        # A new name, because the script of that command may still be writing there.
        making = Path(tempfile.mkdtemp(prefix="data.new-", dir=folder))
        # A relative path: MariaDB's script fails at a blank in an absolute one.
        where = f"--datadir=./{making.name}"
        install = [_program("mariadb-install-db"), "--no-defaults", where, *user]
        install += ["--skip-test-db", "--auth-root-authentication-method=socket"]
        run(install, log, folder, environment)
        making.rename(data)  # so "data" is complete, or absent
    bootstrap = folder / "init.sql"
    _write_private(
        bootstrap,
        # One statement a line, as --init-file requires. The collation is that of db/schema.sql.
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
        f"CREATE USER IF NOT EXISTS {USER}@'{HOST}' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON {DATABASE}.* TO {USER}@'{HOST}';\n",
    )
    command = [
        *(_program("mariadbd"), "--no-defaults", *user, f"--datadir={data}", f"--port={port}"),
        *(f"--bind-address={HOST}", "--socket=mysqld.sock", f"--pid-file={folder}/mariadb.pid"),
        *(f"--init-file={bootstrap}", *MARIADB_OPTIONS, *options),
    ]
    return start(command, log, lambda: _greets(port), born, environment)


def start_redis(folder: Path, port: int, password: str, born: Born = _ignore) -> Process:
    """Start the bus, which stores nothing on disk. Raises ClusterError."""
    folder.mkdir(parents=True, exist_ok=True)
    conf = folder / "redis.conf"
    _write_private(
        conf,
        f'bind {HOST}\nport {port}\ndir "{folder}"\nsave ""\nappendonly no\n'
        f"requirepass {password}\nprotected-mode yes\ndaemonize no\n",
    )
    command = [_program("redis-server"), str(conf)]
    return start(command, folder / "redis.log", lambda: accepts(port), born)


def start_nginx(
    folder: Path, shipped: Path, listen: int, servers: Sequence[str], born: Born = _ignore
) -> Process:
    """Start the balancer, by ``shipped`` (conf/nginx.conf). Raises ClusterError."""
    folder.mkdir(parents=True, exist_ok=True)
    load = f"load_module {STREAM_MODULE};" if STREAM_MODULE.exists() else ""
    (folder / "nginx.conf").write_text(NGINX_CONF.format(load=load), encoding="utf-8")
    (folder / "stream.conf").write_text(stream_part(shipped), encoding="utf-8")
    (folder / "listen.conf").write_text(f"listen {HOST}:{listen};\n", encoding="utf-8")
    write_upstream(folder, servers)
    command = [_program("nginx"), "-p", f"{folder}/", "-e", "error.log", "-c", "nginx.conf"]
    return start(command, folder / "nginx.log", lambda: accepts(listen), born)


def write_upstream(folder: Path, servers: Sequence[str]) -> None:
    """Write the list of servers that get clients after nginx's next start or reload."""
    new = folder / "chatservers.new"
    new.write_text("".join(f"{line}\n" for line in servers), encoding="utf-8")
    new.rename(folder / "chatservers.conf")


def stream_part(shipped: Path) -> str:
    """The inside of ``stream { … }`` in the shipped nginx.conf."""
    text = shipped.read_text(encoding="utf-8")
    begin = text.index("stream {") + len("stream {")
    return text[begin : text.rindex("}")]


def start_chatserver(
    log: Path,
    port: int,
    config: Path,
    database: str,
    redis: str,
    password: str,
    born: Born = _ignore,
    program: Sequence[str] = CHATSERVER,
) -> Process:
    """Start a chat server. ``password``: of the database and the bus. Raises ClusterError."""
    command = [
        *(*program, HOST, str(port), "--config", str(config)),
        *("--db", database, "--redis", redis),
    ]
    # Not on the command line, which all users of the machine can read.
    secrets = {DATABASE_PASSWORD: password, BUS_PASSWORD: password}
    folder = {FOLDER_VARIABLE: str(log.parent)}  # for the admin socket
    return start(command, log, lambda: accepts(port), born, {**secrets, **folder})


def free_port() -> int:
    """A free port below the ephemeral range, where no outgoing connection can take it."""
    for _ in range(1000):
        port = 10000 + int.from_bytes(os.urandom(2), "big") % 22000
        if not _taken(port):
            return port
    raise ClusterError("no free port from 10000 to 32000")


def require_free(port: int) -> None:
    """Raises ClusterError if the port is in use."""
    if _taken(port):
        raise ClusterError(f"port {port} is in use by another program")


def accepts(port: int) -> bool:
    """True if a program listens at the port."""
    with socket.socket() as probe:
        probe.settimeout(GREETING_SECONDS)
        return probe.connect_ex((HOST, port)) == 0


def _greets(port: int) -> bool:
    """True if MariaDB sends its greeting, which it does after its init file has run."""
    try:
        with socket.create_connection((HOST, port), GREETING_SECONDS) as probe:
            return bool(probe.recv(1))
    except OSError:
        return False


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _find(name: str) -> str | None:
    return shutil.which(name, path=SYSTEM_PATH)


def _program(name: str) -> str:
    found = _find(name)
    if found is None:
        raise ClusterError(f"{name} is missing: apt install {PACKAGES[name]}")
    return found


def _has_stream(nginx: str) -> bool:
    if STREAM_MODULE.exists():
        return True
    built = subprocess.run([nginx, "-V"], capture_output=True, text=True, check=False).stderr
    return "--with-stream " in built or "--with-stream\n" in built


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
