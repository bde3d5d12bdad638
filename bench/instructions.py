"""Instructions of the chat server for each message, counted by valgrind.

    python -m bench.instructions --delivery direct,stored --inflight 1,8 --against OTHER-CHECKOUT

On a shared machine the CPU time of the same code differs by 10 to 30 % between runs. The number of
instructions differs by less than 1 %. It says nothing about caches, system calls and waiting, so
bench.chat measures these. Use both to judge a change.

A client sends messages in bursts of the given size. It waits until its friend has received the
burst before it sends the next one. Two runs of different lengths are subtracted, so starting,
logging in and stopping do not count.
"""

import argparse
import json
import shutil
import signal
import socket
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bench import common

SHORT, LONG = 400, 2400  # messages of the two runs
START_SECONDS = 120.0  # valgrind runs a program about fifty times slower
STOP_SECONDS = 120.0
ANSWER_SECONDS = 60.0
TEXT = "x" * 32
LOGIN, LOGIN_ACK, REGISTER, REGISTER_ACK, CHAT, ACK, DELIVERED = 1, 2, 4, 5, 6, 20, 21
SETTINGS = """[password]
time_cost = 1
memory_kib = 8
[server]
log_level = "error"
heartbeat = 86400
"""
PROGRAM = "import sys; sys.path.insert(0, {!r}); from chat.app import main; sys.exit(main())"


@dataclass(frozen=True)
class Case:
    """One measurement. ``inflight``: messages of a burst."""

    delivery: str
    dialect: str
    inflight: int


class Peer:
    """A client with an account. Blocking."""

    def __init__(self, port: int, name: str, *, v2: bool) -> None:
        self.socket = socket.create_connection((common.HOST, port), ANSWER_SECONDS)
        self.frames: BinaryIO = self.socket.makefile("rb")
        dialect = {"v": 2} if v2 else {}
        password = "for-the-benchmark"
        self.send({"msgid": REGISTER, "name": name, "password": password, **dialect})
        self.id: int = self.next(REGISTER_ACK)["id"]
        self.send({"msgid": LOGIN, "id": self.id, "password": password, **dialect})
        self.next(LOGIN_ACK)

    def send(self, *messages: dict[str, Any]) -> None:
        self.socket.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def next(self, msgid: int) -> dict[str, Any]:
        """The next message with this number; all others are dropped."""
        while line := self.frames.readline():
            message: dict[str, Any] = json.loads(line)
            if message["msgid"] == msgid:
                if message.get("errno"):
                    raise common.BenchError(f"the server refused a request: {line!r}")
                return message
        raise common.BenchError("the server closed the connection")

    def close(self) -> None:
        self.frames.close()
        self.socket.close()


def chat(port: int, case: Case, messages: int) -> None:
    """Send this number of messages from one client to another."""
    v2 = case.dialect == "v2"
    sender, receiver = Peer(port, "sender", v2=v2), Peer(port, "receiver", v2=v2)
    for start in range(0, messages, case.inflight):
        burst = range(start, start + case.inflight)
        text = {"msgid": CHAT, "id": sender.id, "toid": receiver.id, "msg": TEXT}
        sender.send(*[{**text, "mid": f"m{number}"} if v2 else text for number in burst])
        seqs = [receiver.next(CHAT).get("seq") for _ in burst]
        if v2:
            for _ in burst:
                sender.next(ACK)
            if case.delivery == "stored":
                receiver.send({"msgid": DELIVERED, "seqs": seqs})
    sender.close()
    receiver.close()


def count(checkout: Path, case: Case, messages: int) -> int:
    """The instructions of a server from its start to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "chat.toml").write_text(SETTINGS)
        command = [
            *("valgrind", "--quiet", "--tool=cachegrind", "--cache-sim=no"),
            f"--cachegrind-out-file={folder / 'counts'}",
            *(sys.executable, "-c", PROGRAM.format(str(checkout))),
            *(common.HOST, "{port}", "--config", "chat.toml", "--delivery", case.delivery),
        ]
        with common.Server("chatserver", command, folder, START_SECONDS) as server:
            chat(server.port, case, messages)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(STOP_SECONDS)
        (summary,) = [
            line
            for line in (folder / "counts").read_text().splitlines()
            if line.startswith("summary:")
        ]
        return int(summary.split()[1])


def for_each_message(checkout: Path, case: Case, short: int, long: int) -> float:
    return (count(checkout, case, long) - count(checkout, case, short)) / (long - short)


def row(case: Case, here: float, other: float | None) -> str:
    """A line of the table. ``other``: of the code to compare with, if there is one."""
    ratio = f"{here / other:.3f}" if other else ""
    return (
        f"| {case.delivery} | {case.dialect} | {case.inflight} | {here:,.0f} "
        f"| {f'{other:,.0f}' if other else ''} | {ratio} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--delivery", type=common.words, default=["direct", "stored"])
    parser.add_argument("--dialect", type=common.words, default=["v2"], metavar="v2,classic")
    parser.add_argument("--inflight", type=common.numbers, default=[1, 8], metavar="N,...")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="the code to compare with")
    parser.add_argument("--messages", type=common.numbers, default=[SHORT, LONG], metavar="N,N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise common.BenchError("valgrind is missing: install Debian's package valgrind")
    print("| delivery | dialect | in flight | instructions a message | other code | ratio |")
    print("|---|---|---|---|---|---|")
    results = []
    short, long = arguments.messages
    for case in [
        Case(delivery, dialect, inflight)
        for delivery in arguments.delivery
        for dialect in arguments.dialect
        for inflight in arguments.inflight
    ]:
        here = for_each_message(common.ROOT, case, short, long)
        other = arguments.against and for_each_message(
            arguments.against.resolve(), case, short, long
        )
        print(row(case, here, other), flush=True)
        results.append({**asdict(case), "instructions": here, "against": other})
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    common.run_main(main)
