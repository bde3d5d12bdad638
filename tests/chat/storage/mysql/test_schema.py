"""MySQL's tables: created, upgraded, and left alone if they are another program's. Real MariaDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import ujson

from chat.login.device_rows import NamedDevice, open_named
from chat.storage import StorageError, Transaction
from chat.storage.mysql.database import MysqlDatabase
from chat.storage.mysql.original import KEPT
from chat.storage.mysql.schema import UNFINISHED, prepare_schema
from chat.storage.schema import SCHEMA_VERSION
from chat.storage.tables import (
    CREATOR,
    NORMAL,
    GroupModel,
    LogRow,
    MessageModel,
    OfflineMessageModel,
    SettingModel,
    UserModel,
    group_conversation,
    user_conversation,
)
from tests.chat.loopkit import WAIT
from tests.chat.mariadbkit import SCHEMA, UPGRADES, Mariadb, mariadb


def waiting(text: str) -> str:
    """A message as the original keeps it."""
    return f'{{"msgid":6,"id":13,"name":"zhang san","toid":15,"msg":"{text}","time":"2020"}}'


TABLES = re.findall(r"^CREATE TABLE (\w+)", SCHEMA.read_text(encoding="utf-8"), re.MULTILINE)

ORIGINAL = [
    "CREATE TABLE user (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) NOT NULL UNIQUE, "
    "password VARCHAR(50) NOT NULL, state ENUM('online', 'offline') DEFAULT 'offline') "
    "DEFAULT CHARSET = utf8mb4",
    "CREATE TABLE friend (userid INT NOT NULL, friendid INT NOT NULL)",
    "CREATE TABLE allgroup (id INT PRIMARY KEY AUTO_INCREMENT, groupname VARCHAR(50) NOT NULL "
    "UNIQUE, groupdesc VARCHAR(200) DEFAULT '')",
    "CREATE TABLE groupuser (groupid INT NOT NULL, userid INT NOT NULL, "
    "grouprole ENUM('creator', 'normal') DEFAULT 'normal')",
    "CREATE TABLE offlinemessage (userid INT NOT NULL, message VARCHAR(500) NOT NULL)",
    "INSERT INTO user VALUES (13, 'zhang san', '123456', 'online'), (15, '李四', '666', 'offline')",
    "INSERT INTO friend VALUES (13, 15), (13, 15), (15, 13)",
    "INSERT INTO allgroup VALUES (1, 'C++ chat', 'all about it')",
    "INSERT INTO groupuser VALUES (1, 13, 'creator'), (1, 15, 'normal'), (1, 15, 'normal')",
    f"INSERT INTO offlinemessage VALUES (15, '{waiting('hello')}'), (13, '{waiting('to 13')}'), "
    f"(15, '{waiting('again')}'), (15, '{waiting('and again')}')",
]


@pytest.fixture
def bare() -> Iterator[Mariadb]:
    """The database without tables; they are created again afterwards."""
    server = mariadb()
    server.drop_tables()
    yield server
    server.drop_tables()
    prepare_schema(server.address, SCHEMA, UPGRADES)


def test_an_empty_database_gets_its_tables(bare: Mariadb) -> None:
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    database = MysqlDatabase.open(bare.address)
    version = database.read(lambda tx: SettingModel(tx).get("schema_version"))
    assert version == str(SCHEMA_VERSION)
    database.close()


def test_two_servers_that_start_together(bare: Mariadb) -> None:
    with ThreadPoolExecutor(4) as pool:
        for future in [
            pool.submit(prepare_schema, bare.address, SCHEMA, UPGRADES) for _ in range(4)
        ]:
            future.result(WAIT)


def test_the_original_projects_tables_are_taken_over(bare: Mariadb) -> None:
    connection = bare.connect()
    for statement in ORIGINAL:
        connection.run(statement)
    connection.commit()
    connection.close()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    database = MysqlDatabase.open(bare.address)
    user = database.read(lambda tx: UserModel(tx).find(13))
    assert user is not None
    assert (user.name, user.password, user.state) == ("zhang san", "123456", "offline")
    (group,) = database.read(lambda tx: GroupModel(tx).of_user(15, 100, 200, 1000))
    assert [(member.name, member.role) for member in group.users] == [
        ("zhang san", "creator"),
        ("李四", "normal"),
    ]
    mail = database.read(lambda tx: OfflineMessageModel(tx).messages(15, range(1, 20)))
    assert [ujson.loads(row.whole or "")["msg"] for row in mail] == ["hello", "again", "and again"]
    row = LogRow(13, "mid", 6, 15, "hi", "", None)
    (seq,) = database.write(lambda tx: MessageModel(tx).insert_new([row]))
    assert seq is not None
    assert seq > mail[-1].seq
    assert database.write(lambda tx: UserModel(tx).insert("new", "h")) > 15
    database.close()
    tables = bare.connect()
    assert len(tables.rows("SHOW TABLES")) == len(TABLES) + len(KEPT)
    tables.close()


def statements(step: int) -> list[str]:
    """Of one upgrade."""
    (path,) = UPGRADES.glob(f"{step:04d}-*.sql")
    return statements_of(path)


def statements_of(path: Path) -> list[str]:
    text = re.sub(r"^\s*--.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [part for part in map(str.strip, text.split(";\n")) if part]


@pytest.mark.parametrize("done", range(len(statements(2))))
def test_version_1_is_upgraded_even_if_it_was_begun(bare: Mariadb, done: int) -> None:
    connection = bare.connect()
    for statement in [*ORIGINAL, *statements(1)]:
        connection.run(statement)
    columns = "sender, mid, kind, target, text, time"
    insert = f"INSERT INTO message ({columns}) VALUES (%s, %s, %s, %s, '', '')"
    for row in ((15, "a", 6, 13), (13, "a", 6, 15), (13, "b", 10, 1)):
        connection.run(insert, row)
    connection.commit()
    for statement in statements(2)[:done]:
        connection.run(statement)
    connection.close()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    connection = bare.connect()
    assert connection.rows("SELECT conversation FROM message ORDER BY seq") == [
        (user_conversation(13, 15),),
        (user_conversation(13, 15),),
        (group_conversation(1),),
    ]
    assert connection.rows("SELECT DISTINCT since FROM groupuser") == [(0,)]
    connection.close()


@pytest.mark.parametrize("done", range(len(statements(3))))
def test_version_2_is_upgraded_even_if_it_was_begun(bare: Mariadb, done: int) -> None:
    """Waiting mail stays; members are numbered in the order of joining; no name has hashes yet."""
    connection = bare.connect()
    for statement in [*ORIGINAL, *statements(1), *statements(2)]:
        connection.run(statement)
    connection.run("UPDATE groupuser SET since = 5")
    connection.run("INSERT INTO groupuser VALUES (1, 9, 'normal', 4), (2, 15, 'creator', 9)")
    connection.run(
        "INSERT INTO message (seq, sender, mid, kind, target, text, time) "
        "VALUES (100, 13, 'a', 6, 15, 'logged', '')"
    )
    connection.run("INSERT INTO offlinemessage (userid, seq) VALUES (15, 100)")
    connection.commit()
    for statement in statements(3)[:done]:
        connection.run(statement)
    connection.commit()
    connection.close()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    database = MysqlDatabase.open(bare.address)
    rows = database.read(
        lambda tx: tx.query("SELECT groupid, userid, joinorder FROM groupuser ORDER BY 1, 3")
    )
    assert rows == [(1, 9, 1), (1, 13, 2), (1, 15, 3), (2, 15, 1)]
    rows = database.read(lambda tx: tx.query("SELECT name, folded, skeleton, dialect FROM user"))
    assert rows == [("zhang san", None, None, None), ("李四", None, None, None)]
    mail = database.read(lambda tx: OfflineMessageModel(tx).messages(15, range(1, 101)))
    texts = [row.text or ujson.loads(row.whole or "")["msg"] for row in mail]
    assert texts == ["hello", "again", "and again", "logged"]
    database.close()


@pytest.mark.parametrize("done", range(len(statements(4))))
def test_version_3_is_upgraded_even_if_it_was_begun(bare: Mariadb, done: int) -> None:
    """Users, groups and members stay as they are; a group then has room for an admin."""
    connection = bare.connect()
    for statement in [*ORIGINAL, *statements(1), *statements(2), *statements(3)]:
        connection.run(statement)
    connection.commit()
    for statement in statements(4)[:done]:
        connection.run(statement)
    connection.commit()
    connection.close()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    connection = bare.connect()
    assert connection.rows("SELECT DISTINCT status FROM user") == [("active",)]
    assert connection.rows("SELECT DISTINCT joinmode, joinhash FROM allgroup") == [("open", None)]
    members = connection.rows("SELECT grouprole FROM groupuser ORDER BY joinorder")
    assert members == [("creator",), ("normal",)]
    connection.run("UPDATE groupuser SET grouprole = 'admin' WHERE grouprole = 'normal'")
    connection.close()


def test_a_server_of_version_2_works_on_upgraded_tables(bare: Mariadb) -> None:
    """Its rows have no hashes and no numbers; this version numbers such members first."""
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    database = MysqlDatabase.open(bare.address)
    names = ("ann", "bob", "eve", "joe")
    ann, bob, eve, joe = database.write(
        lambda tx: [UserModel(tx).insert(name, "h") for name in names]
    )
    group = database.write(lambda tx: GroupModel(tx).insert("tea", ""))
    database.write(lambda tx: GroupModel(tx).add_member(group, ann, CREATOR))
    database.write(lambda tx: GroupModel(tx).add_member(group, joe, NORMAL))
    connection = bare.connect()
    for user_id in (eve, bob):
        connection.run(
            "INSERT INTO groupuser (groupid, userid, grouprole, since) "
            "SELECT %s, %s, 'normal', COALESCE(MAX(seq), 0) FROM message",
            (group, user_id),
        )
    connection.run("INSERT INTO user (name, password) VALUES ('of version 2', 'h')")
    connection.commit()
    connection.close()
    successors = []
    for leaving in (ann, joe, bob):
        database.write(partial(leave, group_id=group, user_id=leaving))
        found = database.read(lambda tx: GroupModel(tx).find(group, 200))
        assert found is not None
        successors += [user.id for user in found.users if user.role == CREATOR]
    assert successors == [joe, bob, eve]
    database.close()


def leave(tx: Transaction, group_id: int, user_id: int) -> None:
    GroupModel(tx).change(group_id)
    GroupModel(tx).remove_member(group_id, user_id)
    GroupModel(tx).promote_oldest(group_id)


def test_a_version_that_did_not_keep_the_originals_tables(bare: Mariadb) -> None:
    """It was killed just before it dropped them."""
    connection = bare.connect()
    for statement in [*ORIGINAL, *statements(1)]:
        connection.run(statement)
    connection.run("RENAME TABLE original_user TO old_user, original_friend TO old_friend")
    connection.run("DROP TABLE original_allgroup, original_groupuser, original_offlinemessage")
    connection.run("DROP TABLE original_mail")
    connection.run("DELETE FROM setting WHERE name = 'original_texts'")
    connection.commit()
    connection.close()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    connection = bare.connect()
    assert len(connection.rows("SHOW TABLES")) == len(TABLES)
    connection.close()


CREATION = [s for s in statements_of(SCHEMA) if not re.match(r"(CREATE DATABASE|USE)\b", s)]


@pytest.mark.parametrize("done", range(len(CREATION) + 1))
def test_creating_that_was_cut_short_goes_on(bare: Mariadb, done: int) -> None:
    connection = bare.connect()
    connection.run(f"CREATE TABLE {UNFINISHED} (nothing INT)")
    for statement in CREATION[:done]:
        connection.run(statement)
    connection.commit()
    connection.close()
    for _ in range(2):
        prepare_schema(bare.address, SCHEMA, UPGRADES)
    connection = bare.connect()
    assert len(connection.rows("SHOW TABLES")) == len(TABLES)
    settings: dict[str, str] = dict(connection.rows("SELECT name, value FROM setting"))
    expected = {"devices": "0", "devices_on": "1", "schema_version": str(SCHEMA_VERSION)}
    assert settings == expected
    connection.close()


def test_the_upgraded_schema_is_the_new_one(bare: Mariadb) -> None:
    def columns() -> list[tuple[object, ...]]:
        connection = bare.connect()
        found = connection.rows(
            "SELECT table_name, column_name, column_type, is_nullable, collation_name, column_key "
            "FROM information_schema.columns WHERE table_schema = 'chat' "
            "AND table_name NOT LIKE 'original%' "
            "ORDER BY table_name, ordinal_position"
        )
        connection.close()
        return found

    prepare_schema(bare.address, SCHEMA, UPGRADES)
    fresh = columns()
    bare.drop_tables()
    connection = bare.connect()
    for statement in ORIGINAL:
        connection.run(statement)
    connection.commit()
    connection.close()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    assert columns() == fresh


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE setting SET value = '99' WHERE name = 'schema_version'", "newer than this"),
        ("UPDATE setting SET value = 'x' WHERE name = 'schema_version'", "not a chat server's"),
        ("UPDATE setting SET value = '²' WHERE name = 'schema_version'", "not a chat server's"),
        ("DROP TABLE setting, user", "not a chat server's"),
        ("DROP TABLE setting", "not a chat server's"),
    ],
)
def test_databases_that_it_refuses(bare: Mariadb, statement: str, problem: str) -> None:
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    connection = bare.connect()
    connection.run(statement)
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match=problem):
        prepare_schema(bare.address, SCHEMA, UPGRADES)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_the_first_named_device_gets_mail_from_before_an_upgrade(
    bare: Mariadb, version: int
) -> None:
    connection = bare.connect()
    for statement in ORIGINAL:
        connection.run(statement)
    for step in range(1, version + 1):
        for statement in statements(step):
            connection.run(statement)
    connection.commit()
    connection.close()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    database = MysqlDatabase.open(bare.address)

    def take(tx: Transaction) -> tuple[int, int, int]:
        user = UserModel(tx).find(15, lock=True)
        assert user is not None
        before = len(OfflineMessageModel(tx).sizes(15, 100))
        opened = open_named(tx, user, NamedDevice("phone"), 8, 1_800_000_000)
        counts = OfflineMessageModel(tx).counts([15, opened.mailbox])
        return before, counts.get(15, 0), counts[opened.mailbox]

    assert database.write(take) == (3, 0, 3)
    assert database.read(lambda tx: SettingModel(tx).get("devices_on")) is None
    database.close()
