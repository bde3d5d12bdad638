"""A private MariaDB or MySQL for the tests: started once, when the first test asks for it."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from chat.chatcluster import services
from chat.chatcluster.processes import Process
from chat.storage import Database
from chat.storage.mysql.connection import MysqlAddress, MysqlConnection
from chat.storage.mysql.database import MysqlDatabase
from chat.storage.mysql.schema import prepare_schema
from tests.chat.databasekit import IS_MYSQL, start_database

PROJECT = Path(__file__).parent.parent.parent
SCHEMA = PROJECT / "db" / "schema.sql"
UPGRADES = PROJECT / "db" / "upgrade" / "mysql"
PASSWORD = "for-the-tests"

NUMBERED = """SELECT table_name FROM information_schema.tables
WHERE table_schema = DATABASE() AND auto_increment > 1"""
"""The tables whose next row would not get the number 1."""


class Mariadb:
    """The server, with one database that is emptied for each test."""

    def __init__(self, *options: str, tables: bool = True) -> None:
        """``options``: further options of the server, besides chatcluster's."""
        self.folder = Path(tempfile.mkdtemp(prefix="chat-mariadb-"))
        self.port = services.free_port()
        self.options = options
        self.process = self.start()
        self.address = MysqlAddress(services.HOST, self.port, services.USER, PASSWORD, "chat")
        try:
            if tables:
                prepare_schema(self.address, SCHEMA, UPGRADES)
        except BaseException:
            self.stop()
            raise

    def start(self) -> Process:
        self.process = start_database(self.folder, self.port, PASSWORD, options=self.options)
        return self.process

    def stop(self) -> None:
        self.process.stop(20.0)
        shutil.rmtree(self.folder)

    def connect(self) -> MysqlConnection:
        """A connection of the test itself."""
        return MysqlConnection(self.address, "READ COMMITTED")

    def new_database(self, pool: int = 8) -> Database:
        """The chat database, empty."""
        self.empty()
        return MysqlDatabase.open(self.address, pool)

    def empty(self) -> None:
        """Delete all rows, and begin the numbers of rows again.

        TRUNCATE takes 3 ms, DELETE in an empty table 0.03 ms, and a test uses few tables.
        """
        connection = self.connect()
        if IS_MYSQL:
            connection.run("SET information_schema_stats_expiry = 0")
        for (table,) in connection.rows(NUMBERED):
            connection.run(f"TRUNCATE TABLE {table}")
        for (table,) in connection.rows("SHOW TABLES"):
            if table != "setting":
                connection.run(f"DELETE FROM {table}")
        connection.run("DELETE FROM setting WHERE name NOT IN ('schema_version', 'devices')")
        connection.run("UPDATE setting SET value = '0' WHERE name = 'devices'")
        connection.run("INSERT INTO setting VALUES ('devices_on', '1')")
        connection.commit()
        connection.close()

    def drop_tables(self) -> None:
        connection = self.connect()
        for (table,) in connection.rows("SHOW TABLES"):
            connection.run(f"DROP TABLE {table}")
        connection.close()


@cache
def mariadb() -> Mariadb:
    return Mariadb()
