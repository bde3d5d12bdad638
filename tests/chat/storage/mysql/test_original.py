"""The upgrade of the original project's database, with texts in any encoding."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import ClassVar

import pytest
import ujson

from chat.chatcluster import services
from chat.mailbox.mailbox import to_message
from chat.storage import Database, StorageError
from chat.storage.mysql.connection import MysqlConnection
from chat.storage.mysql.database import MysqlDatabase
from chat.storage.mysql.original import KEPT, unique_names
from chat.storage.mysql.schema import prepare_schema
from chat.storage.tables import GroupModel, OfflineMessageModel, UserModel
from tests.chat.databasekit import IS_MYSQL
from tests.chat.mariadbkit import PROJECT, SCHEMA, UPGRADES, Mariadb, mariadb

TABLES = [
    "CREATE TABLE user (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80), "
    "password VARCHAR(50), state ENUM('online', 'offline') DEFAULT 'offline')",
    "CREATE TABLE friend (userid INT, friendid INT)",
    "CREATE TABLE allgroup (id INT PRIMARY KEY AUTO_INCREMENT, groupname VARCHAR(80), "
    "groupdesc VARCHAR(300) DEFAULT '')",
    "CREATE TABLE groupuser (groupid INT, userid INT, grouprole ENUM('creator', 'normal'))",
    "CREATE TABLE offlinemessage (userid INT, message VARCHAR(500))",
]


@pytest.fixture
def bare() -> Iterator[Mariadb]:
    """The database without tables; they are created again afterwards."""
    server = mariadb()
    server.drop_tables()
    yield server
    for clone in Clone.made:  # a test that failed may have left a transaction
        clone.connection.close()
    Clone.made.clear()
    server.drop_tables()
    prepare_schema(server.address, SCHEMA, UPGRADES)


class Clone:
    """The database of a clone: the charset of its tables, and the one that it announces."""

    made: ClassVar[list[Clone]] = []

    def __init__(self, server: Mariadb, tables: str, says: str) -> None:
        self.made.append(self)
        self.server = server
        self.says = says
        self.connection = server.connect()
        for table in TABLES:
            self.connection.run(f"{table} DEFAULT CHARSET = {tables}")

    def run(self, sql: str) -> None:
        """As clones do: it sends UTF-8, whatever charset it announces."""
        self.connection.run("SET SESSION sql_mode = ''")
        self.connection.run(
            f"SET character_set_client = {self.says}, character_set_connection = {self.says}"
        )
        self.connection._raw.cmd_query(sql.encode())
        self.connection.run("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")

    def add_user(self, user_id: int, name: str | None, password: str = "123456") -> None:
        shown = "NULL" if name is None else f"'{name}'"
        self.run(f"INSERT INTO user VALUES ({user_id}, {shown}, '{password}', 'online')")

    def add_mail(self, user_id: int, **fields: object) -> None:
        message = ujson.dumps(fields, ensure_ascii=False)
        self.run(f"INSERT INTO offlinemessage VALUES ({user_id}, '{message}')")

    def take_over(self) -> Database:
        """As the first start of this server does."""
        self.connection.commit()
        self.connection.close()
        prepare_schema(self.server.address, SCHEMA, UPGRADES)
        return MysqlDatabase.open(self.server.address)


def names(database: Database) -> dict[int, str]:
    rows = database.read(lambda tx: tx.query("SELECT id, name FROM user ORDER BY id"))
    return dict(rows)


@pytest.mark.parametrize("tables", ["utf8", "utf8mb4", "gbk"])
def test_utf8_that_was_read_as_gbk(
    bare: Mariadb, tables: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clone = Clone(bare, tables, "gbk")
    clone.add_user(13, "zhang san")
    clone.add_user(15, "李四", password="密码")
    clone.add_user(16, "王小明")
    clone.run("INSERT INTO allgroup VALUES (1, '小明', '张三李四')")
    clone.run("INSERT INTO groupuser VALUES (1, 13, 'creator'), (1, 15, 'normal')")
    clone.add_mail(13, msgid=6, id=15, name="李四", toid=13, msg="你好", time="2020")
    # A MySQL that is not strict cuts a text at the first incomplete character. A name then lacks
    # only its last character; the rest of a message is no JSON.
    cut = "你好" if IS_MYSQL else "你好吧"
    clone.add_mail(13, msgid=6, id=15, name="李四", toid=13, msg=cut, time="2020")
    database = clone.take_over()
    assert names(database) == {13: "zhang san", 15: "李四", 16: "王小\ufffd"}
    user = database.read(lambda tx: UserModel(tx).find(15))
    assert user is not None
    assert user.password == "密码"
    (group,) = database.read(lambda tx: GroupModel(tx).of_user(15, 100, 200, 1000))
    assert (group.name, group.desc) == ("小明", "张三李四")
    mail = database.read(lambda tx: OfflineMessageModel(tx).messages(13, (1, 2)))
    assert [to_message(row).text for row in mail] == ["你好", "你好" if IS_MYSQL else "你好\ufffd"]
    assert {to_message(row).name for row in mail} == {"李四"}
    database.close()
    assert "3 users, 2 messages waiting" in caplog.text
    assert "texts were in another encoding" in caplog.text
    assert "你好" not in caplog.text, "what people wrote is not for the log"


@pytest.mark.parametrize("says", ["latin1", "gbk"])
def test_tables_in_latin1(bare: Mariadb, says: str) -> None:
    """Without an announcement the charset is Latin-1. Texts announced as GBK are lost there."""
    clone = Clone(bare, "latin1", says)
    clone.add_user(1, "李四")
    clone.add_user(2, "zhang san")
    database = clone.take_over()
    assert names(database) == {1: "李四" if says == "latin1" else "???", 2: "zhang san"}
    database.close()


@pytest.mark.parametrize("tables", ["utf8", "utf8mb4", "gbk"])
def test_correct_texts_stay_as_they_are(bare: Mariadb, tables: str) -> None:
    clone = Clone(bare, tables, "utf8mb4")
    wanted = {1: "李四", 2: "谢", 3: "谢郑", 4: "鎮塚", 5: "王小明", 6: "张?"}
    for user_id, name in wanted.items():
        clone.add_user(user_id, name)
    clone.add_mail(1, msgid=6, id=2, name="谢", toid=1, msg="你好", time="")
    database = clone.take_over()
    assert names(database) == wanted
    (row,) = database.read(lambda tx: OfflineMessageModel(tx).messages(1, (1,)))
    assert ujson.loads(row.whole or "")["msg"] == "你好"
    database.close()


@pytest.mark.parametrize("right", [False, True])
def test_the_rest_of_the_database_decides_doubts(
    bare: Mariadb, right: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A correct name means that two programs wrote. Then texts in doubt stay, and are listed."""
    clone = Clone(bare, "utf8mb4", "gbk")
    clone.add_user(1, "李四")
    clone.add_user(2, "李a")
    if right:
        clone.says = "utf8mb4"
        clone.add_user(3, "王五")
    database = clone.take_over()
    assert names(database)[1] == "李四"
    assert names(database)[2] == ("鏉巃" if right else "李a")
    assert ("perhaps '李a'" in caplog.text) == right
    database.close()


def test_names_that_are_no_names(bare: Mariadb, caplog: pytest.LogCaptureFixture) -> None:
    clone = Clone(bare, "utf8mb4", "utf8mb4")
    for user_id, name in enumerate(
        [None, "", "li si", "li si", "li si 4", "x" * 80, "a\u3164  b ", "zhang san "], 1
    ):
        clone.add_user(user_id, name)
    clone.run("INSERT INTO user (id) VALUES (9)")
    clone.run(f"INSERT INTO allgroup VALUES (1, NULL, NULL), (2, 'tea', '{'d' * 300}')")
    clone.run("INSERT INTO allgroup VALUES (3, 'tea', '')")
    clone.run("INSERT INTO groupuser VALUES (1, 1, NULL), (1, NULL, 'normal'), (2, 3, 'creator')")
    clone.run("INSERT INTO friend VALUES (1, 2), (1, 2), (NULL, 2)")
    clone.run("INSERT INTO offlinemessage VALUES (1, NULL), (NULL, 'x'), (1, 'no JSON')")
    database = clone.take_over()
    assert names(database) == {
        1: "user 1",
        2: "user 2",
        3: "li si",
        4: "li si 4'",
        5: "li si 4",
        6: "x" * 50,
        7: "a\u3164  b",
        8: "zhang san",
        9: "user 9",
    }
    groups = database.read(lambda tx: tx.query("SELECT id, groupname, groupdesc FROM allgroup"))
    assert groups == [(1, "group 1", ""), (2, "tea", "d" * 200), (3, "tea 3", "")]
    assert database.read(lambda tx: tx.query("SELECT * FROM friend")) == [(1, 2)]
    (row,) = database.read(lambda tx: OfflineMessageModel(tx).messages(1, (1, 2, 3)))
    assert row.whole == "no JSON"
    database.close()
    assert "user 1 is called 'user 1' now: it had none" in caplog.text
    assert """user 4 is called "li si 4'" now: another one has it""" in caplog.text


def test_the_originals_tables_are_kept(bare: Mariadb, caplog: pytest.LogCaptureFixture) -> None:
    clone = Clone(bare, "utf8", "gbk")
    clone.add_user(1, "李四")
    clone.take_over().close()
    connection = bare.connect()
    assert connection.rows("SELECT id, name, password FROM original_user") == [
        (1, "鏉庡洓", "123456")
    ]
    statement = f"DROP TABLE {', '.join(KEPT)}"
    assert statement in caplog.text
    caplog.clear()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    assert statement in caplog.text, "at every start"
    connection.run(statement)
    caplog.clear()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    assert not caplog.text
    connection.close()


def test_tables_with_foreign_keys_can_be_dropped(
    bare: Mariadb, caplog: pytest.LogCaptureFixture
) -> None:
    """The statement in the log names the tables with foreign keys first."""
    clone = Clone(bare, "utf8", "utf8mb4")
    clone.run("ALTER TABLE friend ADD FOREIGN KEY (userid) REFERENCES user (id)")
    clone.run("ALTER TABLE groupuser ADD FOREIGN KEY (groupid) REFERENCES allgroup (id)")
    clone.run("ALTER TABLE offlinemessage ADD FOREIGN KEY (userid) REFERENCES user (id)")
    clone.add_user(1, "li si")
    clone.take_over().close()
    connection = bare.connect()
    connection.run("DROP TABLE " + caplog.text.partition("DROP TABLE ")[2].strip())
    assert not {name for (name,) in connection.rows("SHOW TABLES")} & set(KEPT)
    connection.close()


def test_table_names_with_capitals(bare: Mariadb) -> None:
    clone = Clone(bare, "utf8", "utf8mb4")
    clone.add_user(1, "li si")
    clone.run("RENAME TABLE user TO User, allgroup TO AllGroup, groupuser TO GroupUser")
    database = clone.take_over()
    assert names(database) == {1: "li si"}
    database.close()


def test_tables_that_are_missing_are_named(bare: Mariadb) -> None:
    clone = Clone(bare, "utf8", "utf8mb4")
    clone.run("DROP TABLE groupuser, allgroup")
    with pytest.raises(StorageError, match="it lacks allgroup, groupuser; create them"):
        clone.take_over()
    clone.connection = bare.connect()
    clone.run("DROP TABLE user, friend, offlinemessage")
    clone.run("CREATE TABLE shop (id INT PRIMARY KEY)")
    with pytest.raises(StorageError, match="not a chat server's database; give it an empty one"):
        clone.take_over()


def test_a_takeover_that_was_cut_short_goes_on(
    bare: Mariadb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables have changed places, and the texts are not filled in."""
    clone = Clone(bare, "utf8", "gbk")
    clone.add_user(1, "李四")
    clone.add_user(2, "张三")

    class Killed(BaseException):
        pass

    def die(connection: MysqlConnection, *_: object) -> None:
        connection.run("UPDATE user SET name = 'half done' WHERE id = 1")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("chat.storage.mysql.original._set_names", die)
        with pytest.raises(Killed):
            clone.take_over()
    prepare_schema(bare.address, SCHEMA, UPGRADES)
    database = MysqlDatabase.open(bare.address)
    assert names(database) == {1: "李四", 2: "张三"}
    database.close()


def test_tables_of_an_earlier_takeover_are_in_the_way(bare: Mariadb) -> None:
    clone = Clone(bare, "utf8", "gbk")
    clone.run("CREATE TABLE original_user (id INT)")
    with pytest.raises(StorageError, match="original_user: are kept from an earlier start"):
        clone.take_over()


def test_the_servers_log_has_a_line_for_each_changed_name(bare: Mariadb) -> None:
    """The limit on lines of one kind begins when the server runs."""
    clone = Clone(bare, "utf8", "utf8mb4")
    for user_id in range(1, 31):
        clone.add_user(user_id, None)
    clone.connection.commit()
    clone.connection.close()
    at = bare.address
    url = f"mysql://{at.user}:{at.password}@{at.host}:{at.port}/{at.name}"
    command = [sys.executable, "-m", "chat.app", at.host, str(services.free_port()), "--db", url]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        log = []
        for line in server.stderr:
            log.append(line)
            if " listening on " in line:
                break
        server.terminate()
        server.communicate(timeout=30)
    assert sum("it had none" in line for line in log) == 30


def test_unique_names() -> None:
    rows = [(7, "b"), (1, "a"), (3, "a"), (2, "a 3"), (4, "a "), (5, "\x01"), (6, "")]
    assert list(unique_names(rows, "user")) == [
        (1, "a", ""),
        (2, "a 3", ""),
        (3, "a 3'", "another one has it"),
        (4, "a 4", "another one has it"),
        (5, "user 5", "it had none"),
        (6, "user 6", "it had none"),
        (7, "b", ""),
    ]
    long = list(unique_names([(1, "x" * 60), (12, "x" * 70)], "user"))
    assert [name for _, name, _ in long] == ["x" * 50, "x" * 47 + " 12"]
