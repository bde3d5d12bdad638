"""Solves Sudokus, as in muduo: `python -m examples.sudoku [PORT [WORKERS]]`.

A request is a line: `[ID:]` and 81 digits, 0 for a free cell. The answer is `[ID:]` and the
solution, or `NoSolution`. A worker pool solves them, so that the loop can serve other clients
meanwhile.
"""

from functools import partial

from examples import _run
from muduopy import EventLoop, TcpConnection, TcpServer, ThreadPool
from muduopy.codec import FrameHandler, LineCodec

PEERS = [
    {
        other
        for other in range(81)
        if other != cell
        and (
            other // 9 == cell // 9
            or other % 9 == cell % 9
            or (other // 27 == cell // 27 and other % 9 // 3 == cell % 9 // 3)
        )
    }
    for cell in range(81)
]


def solve(grid: str) -> str | None:
    """The first solution, or None. It tries the cell with the fewest choices first."""
    choices = {
        cell: set("123456789") - {grid[peer] for peer in PEERS[cell]}
        for cell in range(81)
        if grid[cell] == "0"
    }
    if not choices:
        clash = any(grid[cell] in {grid[peer] for peer in PEERS[cell]} for cell in range(81))
        return None if clash else grid
    cell = min(choices, key=lambda cell: len(choices[cell]))
    for digit in sorted(choices[cell]):
        solution = solve(grid[:cell] + digit + grid[cell + 1 :])
        if solution is not None:
            return solution
    return None


def on_line(workers: ThreadPool, connection: TcpConnection, line: bytes, when: float) -> None:
    name, colon, grid = line.decode("latin-1").rpartition(":")
    if len(grid) != 81 or not grid.isdigit():
        connection.send(b"Bad Request!\r\n")
        connection.shutdown()
        return

    def work() -> None:
        answer = solve(grid) or "NoSolution"
        connection.send(f"{name}{colon}{answer}\r\n".encode())  # any thread may call `send`

    if not workers.try_run(work):
        connection.send(f"{name}{colon}ServerTooBusy\r\n".encode())


def main() -> None:
    workers = ThreadPool(_run.number(2, 2), "solver")
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(9981), "sudoku")
        server.set_message_callback(FrameHandler(LineCodec(256), partial(on_line, workers)))
        _run.serve(loop, server)
    workers.stop(drain=False)


if __name__ == "__main__":
    main()
