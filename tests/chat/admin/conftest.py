"""A desk: the commands of operators on a whole server in the test's loop, on each database."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.admin.ban_list import BanList
from chat.admin.commands import COMMANDS
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.service import AdminService
from chat.config import Config
from chat.reloading import Reloading, no_settings
from chat.storage.tables import AuditModel, AuditRow
from tests.chat.nodekit import Node


class Desk:
    """Sends requests to the service of a node, as root."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.drains = 0
        self.context = AdminContext(
            database=node.database,
            logins=node.logins,
            passwords=node.context.passwords,
            delivery=node.delivery,
            reconciliation=node.reconciliation,
            server=node.server,
            clock=node.clock,
            node="node-1",
            lease=None,
            drain=self._drain,
            ban_list=BanList(node.database, node.server, node.clock),
            reloading=Reloading(node.passes.loop, Config(), no_settings, lambda config, tls: None),
        )
        self._service = AdminService(self.context, COMMANDS)

    def _drain(self) -> None:
        self.drains += 1

    def ask(self, command: str, **arguments: Any) -> Any:
        """The result of a command. Raises AdminError."""
        line = json.dumps({"command": command, "arguments": arguments}).encode()
        answer = json.loads(self._service.serve(line, 0))
        if not answer["ok"]:
            raise AdminError(answer["error"])
        return answer["result"]

    def audit(self) -> list[AuditRow]:
        return self.node.database.read(lambda tx: AuditModel(tx).last(100))


@pytest.fixture
def desk(node: Node) -> Desk:
    return Desk(node)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: that of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="adm") as name:
        yield Path(name)
