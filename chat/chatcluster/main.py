"""The executable chatcluster: parses a command, runs it, and reports an error in one line."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chat import __version__
from chat.chatcluster.errors import ClusterError, UsageError
from chat.chatcluster.local_cluster import LocalCluster, Ports
from chat.chatcluster.services import HOST
from chat.chatcluster.state import ClusterState, node_name
from chat.chatcluster.status import status_lines
from chat.process.data_files import shipped

DEFAULT_DIR = Path("var/cluster")
SHOWN_LINES = "200"
"""Lines that ``chatcluster logs`` shows of an existing log."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns 0 for success, 1 for a failure, 2 for wrong arguments."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    cluster = LocalCluster(arguments.dir, shipped())
    verb: Callable[[LocalCluster, argparse.Namespace], int] = arguments.run
    try:
        return verb(cluster, arguments)
    except UsageError as exc:
        return _complain(exc, 2)
    except ClusterError as exc:
        return _complain(exc, 1)
    except OSError as exc:
        return _complain(exc, 1)
    except KeyboardInterrupt:
        return 130


def _up(cluster: LocalCluster, arguments: argparse.Namespace) -> int:
    state = cluster.up(arguments.servers, Ports(arguments.listen, arguments.server_port))
    _say(f"up: {_names(state)} behind nginx; now try, in two terminals:")
    _say(f"    bin/chatclient {HOST} {state.listen}")
    return 0


def _down(cluster: LocalCluster, arguments: argparse.Namespace) -> int:
    _say(f"down: {cluster.down()} processes ended")
    return 0


def _status(cluster: LocalCluster, arguments: argparse.Namespace) -> int:
    for line in status_lines(cluster):
        _say(line)
    return 0


def _kill(cluster: LocalCluster, arguments: argparse.Namespace) -> int:
    cluster.kill(arguments.node)
    _say(f"killed {arguments.node}")
    return 0


def _restart(cluster: LocalCluster, arguments: argparse.Namespace) -> int:
    cluster.restart(arguments.node)
    _say(f"restarted {arguments.node}")
    return 0


def _scale(cluster: LocalCluster, arguments: argparse.Namespace) -> int:
    cluster.scale(arguments.servers)
    _say(f"servers: {_names(cluster.state())}")
    return 0


def _logs(cluster: LocalCluster, arguments: argparse.Namespace) -> int:
    log = cluster.log(arguments.node)
    if not log.exists():
        raise ClusterError(f"{arguments.node} has no log yet")
    follow = ["-f"] if arguments.follow else []
    return subprocess.call(["tail", "-n", SHOWN_LINES, *follow, str(log)])


def _names(state: ClusterState) -> str:
    return ", ".join(node_name(port) for port in state.ports())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="chatcluster",
        description="A whole chat cluster on this machine: MariaDB, Redis, nginx, chat servers.",
    )
    parser.add_argument("--version", action="version", version=f"chatcluster {__version__}")
    text = f"folder of the cluster (default: {DEFAULT_DIR})"
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=text)
    common = _Parser(add_help=False)  # before the verb or behind it
    common.add_argument("--dir", type=Path, default=argparse.SUPPRESS, help=text)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(
        name: str, run: Callable[[LocalCluster, argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = verbs.add_parser(
            name, parents=[common], help=text, description=text
        )
        added.set_defaults(run=run)
        return added

    up = verb("up", _up, "start all processes, in the background")
    up.add_argument("--servers", type=int, default=2, metavar="N", help="chat servers (default: 2)")
    up.add_argument("--listen", type=_port, default=Ports().listen, metavar="PORT", help="of nginx")
    up.add_argument(
        "--server-port",
        type=_port,
        default=Ports().first_server,
        metavar="PORT",
        help="of the first chat server; the others follow in steps of 2",
    )
    verb("status", _status, "show processes, users, leases, the bus and waiting messages")
    for name, run, text in (
        ("kill", _kill, "end a process with kill -9"),
        ("restart", _restart, "start a process again; a running chat server is drained first"),
    ):
        verb(name, run, text).add_argument(
            "node", metavar="NODE", help="such as node-6000; or mariadb, redis, nginx"
        )
    scale = verb("scale", _scale, "start chat servers, or drain the last ones, until N run")
    scale.add_argument("servers", type=int, metavar="N")
    logs = verb("logs", _logs, "show the log of a process")
    logs.add_argument("node", metavar="NODE")
    logs.add_argument("-f", "--follow", action="store_true", help="follow the log until Ctrl-C")
    verb("down", _down, "end all processes; keep the data")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """One line; argparse would print the usage before it."""
        self.exit(2, f"chatcluster: {message} (try --help)\n")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _complain(problem: Exception, status: int) -> int:
    print(f"chatcluster: {problem}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
