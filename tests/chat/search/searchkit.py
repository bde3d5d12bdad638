"""Messages in a database, their blocks, and a search that compares every text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chat.process.clock import Clock
from chat.search.finder import Finder, Found
from chat.search.indexer import Indexer
from chat.search.query import Query
from chat.storage import Database, Transaction

Said = tuple[int, str]
"""A conversation of the user 1, and a text. Positive: with that user. Negative: a group."""


def log(database: Database, said: Iterable[Said]) -> None:
    """Put messages into the log."""
    rows = [
        (1, f"{number}", 6 if who > 0 else 10, abs(who), text, "now")
        for number, (who, text) in enumerate(said, newest(database) + 1)
    ]
    columns = ("sender", "mid", "kind", "target", "text", "time")
    database.write(lambda tx: tx.insert_rows("message", columns, rows))


def newest(database: Database) -> int:
    ((number,),) = database.read(lambda tx: tx.query("SELECT MAX(seq) FROM message"))
    return number or 0


def index_all(database: Database) -> Indexer:
    """Index all messages, as a server would in its time."""
    indexer = Indexer(database, Clock(), work_seconds=1.0, settled_seconds=0.0, sample=1, least=1)
    while indexer.work():
        pass
    return indexer


def blocks(database: Database) -> list[tuple[int, int, int]]:
    """The blocks: conversation, after, last."""
    sql = "SELECT conversation, after, last FROM searchblock WHERE part = 0 ORDER BY last"
    return [(c, after, last) for c, after, last in database.read(lambda tx: tx.query(sql))]


def find(
    database: Database, query: str, conversations: Mapping[int, int], limit: int = 20
) -> list[list[int]]:
    """The pages of a search."""
    pages: list[list[int]] = []
    before: int | None = None

    def look(tx: Transaction) -> Found:
        return Finder(tx, Query(query), conversations).run(before, limit)

    while not pages or before is not None:
        found = database.read(look)
        pages.append(found.seqs)
        before = found.before
    return pages


def compare_all(database: Database, query: str, conversations: Mapping[int, int]) -> list[int]:
    """The matches, newest first, by a look at every text."""

    def look(tx: Transaction) -> list[int]:
        rows = tx.query("SELECT seq, conversation, text FROM message ORDER BY seq DESC")
        wanted = Query(query)
        return [
            seq
            for seq, conversation, text in rows
            if conversation in conversations
            and seq > conversations[conversation]
            and wanted.matches(text)
        ]

    return database.read(look)
