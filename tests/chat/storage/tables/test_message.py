from __future__ import annotations

from chat.protocol import GROUP_CHAT, ONE_CHAT
from chat.storage import Database
from chat.storage.tables import LogRow, MessageModel


def row(sender: int = 1, mid: str = "m", text: str = "hi", extra: str | None = None) -> LogRow:
    return LogRow(sender, mid, ONE_CHAT, 2, text, "2026-01-02 03:04:05", extra)


def insert(database: Database, *rows: LogRow) -> list[int | None]:
    return database.write(lambda tx: MessageModel(tx).insert_new(rows))


def find(database: Database, sender: int, mid: str) -> tuple[int, LogRow] | None:
    return database.read(lambda tx: MessageModel(tx).find(sender, mid))


def test_a_logged_message_is_found(database: Database) -> None:
    rows = [
        row(),
        row(2, "m", "其他 😀 \0 \n"),
        LogRow(1, "n", GROUP_CHAT, 7, "x" * 16384, "any time", '{"a":1}'),
    ]
    seqs = insert(database, *rows)
    for seq, logged in zip(seqs, rows, strict=True):
        assert find(database, logged.sender, logged.mid) == (seq, logged)


def test_a_message_that_is_not_logged(database: Database) -> None:
    insert(database, row())
    assert find(database, 1, "other") is None
    assert find(database, 2, "m") is None
    assert find(database, 1, "M") is None
    assert find(database, 1, "m ") is None


def test_the_first_under_a_mid_stays(database: Database) -> None:
    (seq,) = insert(database, row(text="first"))
    again = insert(database, row(text="second"), row(mid="new"))
    assert again[0] is None
    assert again[1] is not None
    assert find(database, 1, "m") == (seq, row(text="first"))


def test_nothing_to_log(database: Database) -> None:
    assert insert(database) == []
