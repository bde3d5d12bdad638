"""What an installation meets: two first starts at once, odd paths, moved and copied checkouts.

One checkout is built for all tests, because a build takes 12 s of CPU.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.chatkit import CHEAP, PASSWORD, PROJECT, free_port

BUILD_SECONDS = 300
NOT_COPIED = (
    *(".venv*", ".git", "var", ".build-lock", "__pycache__", "bot-state"),
    *(".*_cache", ".hypothesis", "tests", "bench"),
)
REGISTER_AND_LOG_IN = f"2\nann\n{PASSWORD}\n1\n1\n{PASSWORD}\nquit\n"
AS_AN_ORDINARY_OWNER = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
)
"""Without these capabilities root cannot write to read-only files."""

pytestmark = pytest.mark.timeout(BUILD_SECONDS + 60)


@pytest.fixture(scope="module", autouse=True)
def no_other_environment() -> Iterator[None]:
    """``autobuild.sh test --python`` names a virtual environment; these builds make their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CHAT_VENV", raising=False)
        yield


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with blanks and Chinese in its name."""
    return tmp_path_factory.mktemp("an installation 聊天")


@pytest.fixture(scope="module")
def checkout(parent: Path) -> Path:
    """A checkout that server and client were started in for the first time at the same moment."""
    root = parent / "a checkout"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
    programs = [
        subprocess.Popen(
            [root / "bin" / name, "--version"],
            cwd=parent,
            env={**os.environ, "PYTHON": sys.executable},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("chatserver", "chatclient")
    ]
    ended = [
        (*program.communicate(timeout=BUILD_SECONDS), program.returncode) for program in programs
    ]
    for name, (output, errors, status) in zip(("chatserver", "chatclient"), ended, strict=True):
        assert (status, output.split()[0]) == (0, name), errors
    said = "".join(errors for _, errors, _ in ended)
    assert said.count("making .venv") == 1, said
    assert said.count("waiting") == 1, said
    return root


def run(program: Path | str, *arguments: str | Path, **options: object) -> str:
    """Run a program to its end; returns its standard output and its errors."""
    done = subprocess.run(  # type: ignore[call-overload]
        [*AS_AN_ORDINARY_OWNER, program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return str(done.stdout)


@contextlib.contextmanager
def serving(program: Path, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """The port of a server that runs in ``folder``."""
    folder.mkdir(exist_ok=True)
    config = folder / "cheap.toml"
    config.write_text(CHEAP, encoding="utf-8")
    port = str(free_port())
    command = [*AS_AN_ORDINARY_OWNER, program, "127.0.0.1", port, "--config", config.name]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        said = ""
        while "listening on" not in said:
            line = server.stderr.readline()
            assert line, said
            said += line
        yield port
        server.send_signal(signal.SIGTERM)
        server.stderr.read()
    assert server.returncode == 0


def talk(server: Path, client: Path, folder: Path, environment: dict[str, str]) -> None:
    """Run both from another directory, register and log in."""
    with serving(server, folder, environment) as port:
        command = [*AS_AN_ORDINARY_OWNER, client, "127.0.0.1", port]
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            input=REGISTER_AND_LOG_IN,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert "login user => id:1 name:ann" in done.stdout, done


def test_another_directory_and_no_home(checkout: Path, tmp_path: Path) -> None:
    bare = {"PATH": os.environ["PATH"]}
    talk(checkout / "bin" / "chatserver", checkout / "bin" / "chatclient", tmp_path / "w", bare)


def test_a_symbolic_link_to_a_program(checkout: Path, tmp_path: Path) -> None:
    link = tmp_path / "serve"
    link.symlink_to(checkout / "bin" / "chatserver")
    assert run(link, "--version", cwd=tmp_path).startswith("chatserver ")


def test_modules_of_other_programs_in_the_current_directory(checkout: Path, tmp_path: Path) -> None:
    for name in ("chat.py", "queue.py", "client.py", "muduopy.py"):
        (tmp_path / name).write_text("raise SystemExit('not this one')\n", encoding="utf-8")
    for name in ("chatserver", "chatclient", "chatcluster"):
        assert run(checkout / "bin" / name, "--version", cwd=tmp_path).startswith(f"{name} ")


def test_a_read_only_checkout(checkout: Path, tmp_path: Path) -> None:
    folders = [checkout, *(path for path in checkout.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        talk(
            checkout / "bin" / "chatserver",
            checkout / "bin" / "chatclient",
            tmp_path,
            {**os.environ},
        )
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_wrong_python(checkout: Path, tmp_path: Path) -> None:
    copy = tmp_path / "never built"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(".venv"))
    done = subprocess.run(
        [copy / "bin" / "chatserver", "--version"],
        env={**os.environ, "PYTHON": "no-such-python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no-such-python" in done.stderr
    assert "3.11" in done.stderr


def wants_a_build(checkout: Path) -> bool:
    """Whether it would be built at a start; here no interpreter can be found for that."""
    done = subprocess.run(
        [checkout / "bin" / "chatserver", "--version"],
        env={**os.environ, "PYTHON": "no-such-python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) != ("no-such-python" in done.stderr), done
    return done.returncode != 0


def interpreter_goes(python: Path) -> None:
    """Leave a dangling link, as the upgrade of a system does."""
    python.unlink()
    python.symlink_to(python.with_name("python3.gone"))


def test_a_moved_checkout(checkout: Path, parent: Path) -> None:
    moved = checkout.rename(parent / "moved")
    assert wants_a_build(moved)
    moved.rename(checkout)
    assert not wants_a_build(checkout)


def test_an_interpreter_that_has_gone(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    interpreter = python.readlink()
    interpreter_goes(python)
    assert wants_a_build(checkout)
    python.unlink()
    python.symlink_to(interpreter)
    assert not wants_a_build(checkout)


def test_a_copy_gets_a_build_and_runs_its_own_code(checkout: Path, parent: Path) -> None:
    copy = parent / "copy"
    shutil.copytree(checkout, copy, symlinks=True)
    assert wants_a_build(copy)
    interpreter_goes(copy / ".venv" / "bin" / "python")  # the new build finds a dangling link
    version = copy / "chat" / "version.py"
    version.write_text('__version__ = "9.8.7"\n', encoding="utf-8")
    said = run(copy / "bin" / "chatserver", "--version", cwd=parent)
    assert "making .venv" in said
    assert "chatserver 9.8.7" in said
    assert run(copy / "bin" / "chatclient", "--version", cwd=parent) == "chatclient 9.8.7\n"
    assert "9.8.7" not in run(checkout / "bin" / "chatserver", "--version", cwd=parent)


def test_a_wheel_in_an_empty_virtual_environment(tmp_path: Path) -> None:
    """``pip install .``, and nothing of the source tree at hand."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    source = tmp_path / "source"
    shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns(*NOT_COPIED))
    run(pip[0], *pip[1:], "wheel", "--no-deps", "-w", tmp_path, source)
    shutil.rmtree(source)
    (wheel,) = tmp_path.glob("*.whl")
    elsewhere = tmp_path / "elsewhere"
    venv.create(elsewhere, with_pip=True)
    programs = elsewhere / "bin"
    run(programs / "python", *pip[1:], "install", wheel)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    talk(programs / "chatserver", programs / "chatclient", tmp_path / "w", environment)
    settings = run(programs / "chatserver", "--print-config", cwd=tmp_path)
    assert settings == (PROJECT / "conf" / "chatserver.toml").read_text(encoding="utf-8")
    # A missing package is reported in one line, with the command that installs it.
    for arguments, needed in (
        (("--db", "mysql://me@127.0.0.1/chat"), "pip install 'mysql-connector-python"),
        (("--redis", "redis://127.0.0.1"), "pip install redis"),
    ):
        done = subprocess.run(
            [programs / "chatserver", "127.0.0.1", "1", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert needed in done.stderr
    run(programs / "python", "-c", "import muduopy.http", cwd=tmp_path)
