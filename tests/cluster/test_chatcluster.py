"""The command chatcluster, with the arguments of a user."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.chatcluster import services
from tests.cluster.clusterkit import ClusterKit, alive, chatcluster, until
from tests.e2e.chatkit import PROJECT, free_port


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[ClusterKit]:
    """A cluster that is not up yet."""
    kit = ClusterKit(tmp_path / "dir")
    yield kit
    if (kit.folder / "cluster.json").exists():
        kit.do("down")


def test_from_up_to_down_and_up_again(kit: ClusterKit) -> None:
    done = kit.up()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"bin/chatclient 127.0.0.1 {kit.listen}" in done.stdout
    with kit.connect() as ann, kit.connect(0) as bob, kit.connect(1) as eve:
        ids = [wire.register(name) for wire, name in ((ann, "ann"), (bob, "bob"), (eve, "eve"))]
        nodes = [w.login(i)["node"] for w, i in zip((ann, bob, eve), ids, strict=True)]
        assert nodes[1:] == [kit.name(0), kit.name(1)]
        assert nodes[0] in nodes[1:]
        eve.chat(ids[1], "across", mid="1")
        eve.expect(20, errno=0)
        bob.expect(6, msg="across", id=ids[2])
        status = kit.do("status")
        assert f"nginx on port {kit.listen}" in status
        assert "mailboxes    1 messages" in status, status
        for number in range(2):
            (line,) = [line for line in status.splitlines() if line.startswith(kit.name(number))]
            assert f"up, pid {kit.pid(kit.name(number))}," in line
    pids = [process["pid"] for process in kit.state["processes"].values()]
    assert len(pids) == 5
    assert all(map(alive, pids))
    assert kit.do("down") == "down: 5 processes ended\n"
    assert not any(map(alive, pids))
    assert kit.do("status") == (
        f"the cluster in {kit.folder} is down; start it with: chatcluster up\n"
    )
    for port in (kit.listen, kit.port(0), kit.port(1), kit.state["mariadb_port"]):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    # The data is still there.
    assert kit.up().returncode == 0
    with kit.connect() as bob:
        assert [m["msg"] for m in bob.login(ids[1])["offlinemsg"]] == ["across"]


def test_a_folder_with_blanks_and_modules_of_other_programs(tmp_path: Path) -> None:
    """The servers do not import chat.py and queue.py of the current folder."""
    here = tmp_path / "聊天 room"
    here.mkdir()
    for name in ("chat.py", "queue.py", "client.py"):
        (here / name).write_text("raise SystemExit('not this one')\n", encoding="utf-8")
    program = Path(sys.executable).with_name("chatcluster")
    kit = ClusterKit(here / "my cluster")
    where = ["--listen", str(kit.listen), "--server-port", str(kit.first), "--servers", "1"]
    try:
        command = [str(program), "up", "--dir", kit.folder.name, *where]
        done = subprocess.run(
            command, cwd=here, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        with kit.connect() as ann:
            assert ann.register("ann") == 1
    finally:
        kit.do("down")


def test_killing_restarting_scaling(kit: ClusterKit) -> None:
    assert kit.up("--servers", "1").returncode == 0
    first = kit.pid(kit.name(0))
    kit.do("restart", kit.name(0))
    second = kit.pid(kit.name(0))
    assert second != first
    assert not alive(first)
    kit.do("scale", "3")
    assert f"servers: {kit.name(0)}\n" == kit.do("scale", "1")
    kit.do("scale", "2")
    assert kit.pid(kit.name(0)) == second, "it was not touched"
    kit.do("kill", kit.name(0))
    assert not alive(second)
    assert "is not running" in kit.fails(1, "kill", kit.name(0))
    with kit.connect() as wire:  # by the other one
        wire.register("ann")
    kit.do("restart", kit.name(0))
    assert alive(kit.pid(kit.name(0)))
    for service in ("redis", "nginx", "mariadb"):
        before = kit.pid(service)
        kit.do("kill", service)
        kit.do("restart", service)
        assert kit.pid(service) != before
        assert alive(kit.pid(service))
    log = kit.do("logs", kit.name(0))
    assert "listening on" in log
    assert "ready for connections" in kit.do("logs", "mariadb")


def test_nothing_is_reachable_from_outside(kit: ClusterKit) -> None:
    assert kit.up("--servers", "1").returncode == 0
    pids = {process["pid"] for process in kit.state["processes"].values()}
    inodes = {
        Path(f"/proc/{pid}/fd/{fd}").readlink().name
        for pid in pids
        for fd in os.listdir(f"/proc/{pid}/fd")
        if os.path.islink(f"/proc/{pid}/fd/{fd}")
    }
    listening = [
        fields[1]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes
    ]
    assert len(listening) == 4
    assert all(address.startswith("0100007F:") for address in listening), listening


def test_secrets_are_private(kit: ClusterKit) -> None:
    assert kit.up("--servers", "1").returncode == 0
    secret = kit.state["secret"]
    for process in kit.state["processes"].values():
        assert secret.encode() not in Path(f"/proc/{process['pid']}/cmdline").read_bytes()
    for path in kit.folder.rglob("*"):
        if path.is_file() and "data" not in path.parts and secret.encode() in path.read_bytes():
            assert path.stat().st_mode & 0o077 == 0, path


def test_the_temporary_tables_of_another_mariadb(tmp_path: Path) -> None:
    """A MariaDB that starts deletes files of such names in its folder for temporary files."""
    other = Path(tempfile.gettempdir()) / "#sql-temptable-of-a-chat-test.MAI"
    other.touch()
    try:
        process = services.start_mariadb(tmp_path / "mariadb", free_port(), "secret")
        process.stop(10.0)
        assert other.exists()
    finally:
        other.unlink(missing_ok=True)


# ---------------------------------------------------------------------- bad input


def test_up_twice(kit: ClusterKit) -> None:
    assert kit.up("--servers", "1").returncode == 0
    pids = {name: process["pid"] for name, process in kit.state["processes"].items()}
    assert "is up already; start one that was killed with" in kit.fails(1, "up")
    assert {n: p["pid"] for n, p in kit.state["processes"].items()} == pids
    assert all(map(alive, pids.values()))


def test_a_taken_port(kit: ClusterKit) -> None:
    with socket.create_server(("127.0.0.1", kit.port(1))):
        done = kit.up()
    assert done.returncode == 1
    assert done.stderr == f"chatcluster: port {kit.port(1)} is in use by another program\n"
    assert not kit.folder.joinpath("mariadb").exists(), "nothing half-started"


def test_a_server_that_does_not_start(kit: ClusterKit) -> None:
    assert kit.up("--servers", "1").returncode == 0
    kit.do("down")
    (kit.folder / "chatserver.toml").write_text("[chat]\ndelivery = 'pigeon'\n")
    done = kit.up("--servers", "1")
    assert done.returncode == 1
    assert "delivery" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not any(alive(p["pid"]) for p in kit.state["processes"].values())


def test_a_folder_that_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("dear")
    done = chatcluster(tmp_path, "up")
    assert done.returncode == 1
    assert "is no cluster's folder: it holds letters" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["letters", "lock"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 99}', "\x00"])
def test_a_state_file_of_another_program(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)
    for verb in (("up",), ("status",), ("down",), ("kill", "node-6000")):
        done = chatcluster(tmp_path, *verb)
        assert done.returncode == 1
        assert "was not written by this program" in done.stderr
        assert done.stderr.count("\n") == 1


def test_there_is_none(tmp_path: Path) -> None:
    for verb in (("status",), ("down",), ("kill", "x"), ("restart", "x"), ("scale", "2")):
        done = chatcluster(tmp_path / "none", *verb)
        assert done.returncode == 1
        assert "begin with: chatcluster up" in done.stderr
        assert not (tmp_path / "none").exists()


def test_the_folder_may_stand_before_the_verb(tmp_path: Path) -> None:
    for arguments in (("--dir", "a", "status"), ("status", "--dir", "a")):
        command = [sys.executable, "-m", "chat.chatcluster.main", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert f"there is no cluster in {tmp_path}/a" in done.stderr


def test_an_unknown_node(kit: ClusterKit) -> None:
    assert kit.up("--servers", "1").returncode == 0
    for verb in ("kill", "restart", "logs"):
        line = kit.fails(2, verb, "node-1")
        assert f"unknown node 'node-1'; there are: {kit.name(0)}" in line


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dance",),
        ("up", "--servers", "0"),
        ("up", "--servers", "x"),
        ("up", "--listen", "70000"),
        ("scale",),
        ("scale", "1000"),
        ("kill",),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = chatcluster(tmp_path / "none", *arguments)
    assert done.returncode == 2, done
    assert done.stderr.startswith("chatcluster: ")
    assert done.stderr.count("\n") == 1


def test_missing_programs(tmp_path: Path) -> None:
    """The error names the packages."""
    bare = tmp_path / "bin"
    bare.mkdir()
    code = (
        "import sys; from chat.chatcluster import services; "
        "services.SYSTEM_PATH = sys.argv.pop(1); "
        "from chat.chatcluster.main import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, str(bare), "up", "--dir", str(tmp_path / "dir")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "chatcluster: missing Debian packages: "
        "apt install libnginx-mod-stream mariadb-server nginx redis-server\n"
    )


def test_a_command_that_was_killed_leaves_nothing_unknown(kit: ClusterKit) -> None:
    """After kill -9 of ``up`` at any moment, ``down`` finds all programs that run."""
    ports = ["--listen", str(kit.listen), "--server-port", str(kit.first)]
    logs = ("mariadb/mariadb.log", "redis/redis.log", f"{kit.name(0)}.log", "nginx/nginx.log")
    for file in logs:
        command = [sys.executable, "-m", "chat.chatcluster.main", "up", "--dir", str(kit.folder)]
        up = subprocess.Popen([*command, *ports], cwd=PROJECT, stdout=subprocess.DEVNULL)
        until((kit.folder / file).exists, file)
        up.kill()
        up.wait()
        if (kit.folder / "cluster.json").exists():
            kit.do("down")
        # The script that makes MariaDB's files ends by itself.
        until(lambda: not runs_below(kit.folder), "the end of everything")
        shutil.rmtree(kit.folder)


def runs_below(folder: Path) -> list[str]:
    """Processes whose command line names the folder, or that work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                line += os.readlink(entry / "cwd").encode()
            except OSError:
                continue
            if str(folder).encode() in line and alive(int(entry.name)):
                found.append(line.decode())
    return found
