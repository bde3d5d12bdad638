"""Imports point down, from room to room. A room is a folder, or a module at the top of a package.

    client ─▶ chat.protocol ◀─ chat ─▶ muduopy        nothing ─▶ tests, bench

The rules are read from the source, so an import that never runs counts as well, and so does one for
the type checker. docs/architecture.md shows the same rooms.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

CHAT = """
chat.version           :
chat                   : chat.version
chat.safe_text         :
chat.limits            :
chat.counters          :
chat.protocol          : ujson
chat.protocol.dialects : chat.protocol
chat.process           : chat.counters muduopy
chat.message           : chat.protocol chat.protocol.dialects
chat.mailbox_number    : chat.protocol
chat.notice            : chat.message chat.protocol
chat.group_notice      : chat.message chat.protocol
chat.group_event       : chat.message chat.protocol
chat.announcement      : chat.message chat.protocol
chat.conversation_notice : chat.message chat.protocol
chat.config_values     :
chat.config            : chat.config_values chat.limits chat.protocol
chat.listeners         : chat.config muduopy
chat.dialect_files     : chat.config chat.process chat.protocol.dialects
chat.tls               : chat.config muduopy
chat.storage           : chat.counters
chat.storage.tables    : chat.mailbox_number chat.protocol chat.storage
chat.storage.sqlite    : chat.storage
chat.storage.mysql     : chat.storage mysql _mysql_connector
chat.bus               : chat.counters chat.message
chat.bus.redis         : chat.bus chat.counters chat.message chat.protocol muduopy redis ujson
chat.epoch             : chat.storage chat.storage.tables
chat.names             : chat.protocol chat.storage chat.storage.tables muduopy
chat.connection        : chat.config chat.counters chat.limits chat.message chat.process
                         chat.protocol chat.protocol.dialects muduopy
chat.mailbox           : chat.connection chat.group_event chat.mailbox_number chat.message
                         chat.process chat.protocol chat.storage chat.storage.tables muduopy ujson
chat.login             : chat.bus chat.config chat.connection chat.counters chat.limits chat.mailbox
                         chat.mailbox_number chat.message chat.notice chat.process chat.protocol
                         chat.storage chat.storage.tables muduopy argon2
chat.delivery          : chat.announcement chat.bus chat.connection chat.conversation_notice
                         chat.counters chat.group_event chat.group_notice chat.login
                         chat.mailbox chat.mailbox_number chat.message chat.notice chat.process
                         chat.protocol chat.storage chat.storage.tables muduopy ujson
chat.handlers          : chat.config chat.connection chat.conversation_notice chat.delivery
                         chat.epoch chat.group_notice chat.limits chat.login chat.mailbox
                         chat.mailbox_number chat.message chat.names chat.notice chat.process
                         chat.protocol chat.protocol.dialects chat.search chat.storage
                         chat.storage.tables
chat.service           : chat.connection chat.handlers chat.limits chat.login chat.process
                         chat.protocol chat.protocol.dialects chat.storage chat.storage.tables
                         muduopy
chat.backends          : chat.bus chat.bus.redis chat.config chat.delivery chat.storage
                         chat.storage.mysql chat.storage.sqlite muduopy
chat.cli               : chat chat.config chat.listeners chat.process muduopy
chat.maintenance       : chat.process chat.storage chat.storage.tables muduopy
chat.search            : chat.process chat.storage chat.storage.tables
chat.status            : chat.backends chat.config chat.connection chat.counters chat.delivery
                         chat.limits chat.login chat.mailbox chat.process chat.protocol
                         chat.storage chat.storage.tables chat.tls chat.version muduopy
                         muduopy.http prometheus_client
chat.web               : chat.connection chat.limits muduopy muduopy.http muduopy.websocket
chat.node_status       : chat.storage chat.storage.tables
chat.reloading         : chat.config chat.protocol chat.tls muduopy
chat.admin             : chat.announcement chat.config chat.connection chat.delivery
                         chat.group_notice chat.limits
                         chat.login chat.mailbox_number chat.node_status chat.process
                         chat.protocol chat.reloading
                         chat.safe_text chat.storage chat.storage.tables muduopy muduopy.codec
chat.chatctl           : chat chat.admin chat.safe_text wcwidth
chat.exit_status       : chat.bus chat.config chat.delivery chat.epoch chat.login chat.storage
chat.app               : chat muduopy
chat.chatcluster       : chat chat.admin chat.backends chat.config chat.node_status chat.process
                         chat.storage chat.storage.tables
"""

CLIENT = """
client.wire_time         :
client.timing            :
client.errors            : chat.protocol client.values
client.ids               : chat.protocol
client.limits            : chat.protocol client.errors
client.values            : client.wire_time
client.encoding          :
client.original_commands : client.ids
client.server_texts      : chat.protocol
client.protocol          : chat.protocol client.errors client.timing client.values
client.account           : chat.protocol client.errors client.limits client.protocol client.timing
                           client.values client.wire_time
client.chat_client       : chat.protocol client.account client.errors client.ids client.limits
                           client.protocol client.timing client.values
client                   : chat.version client.account client.chat_client client.errors
                           client.timing client.values
client.plain             : chat.protocol chat.safe_text client.account client.chat_client
                           client.errors client.ids client.original_commands client.protocol
                           client.server_texts client.timing client.values
client.ui.text           : chat.protocol chat.safe_text client.errors client.protocol
                           client.server_texts client.values client.wire_time prompt_toolkit
client.ui.model          : client.account client.encoding client.ids client.limits
                           client.original_commands client.ui.text client.values
client.ui.view           : client.account client.errors client.original_commands client.ui.model
                           client.ui.text prompt_toolkit
client.ui.commands       : chat.protocol chat.safe_text client.account client.chat_client
                           client.encoding client.errors client.limits client.ui.model
                           client.ui.text client.ui.view client.values
client.ui.keyboard       : client.ui.commands client.ui.model client.ui.view prompt_toolkit
client.ui                : client.account client.chat_client client.errors client.timing
                           client.ui.commands client.ui.keyboard client.ui.model client.ui.text
                           client.ui.view client.values prompt_toolkit
client.main              : chat.protocol chat.safe_text chat.version client
"""

MUDUOPY = """
muduopy       :
muduopy.codec : muduopy
muduopy.http  : muduopy
muduopy.websocket : muduopy websockets
"""


def rules(*tables: str) -> dict[str, set[str]]:
    """The rooms, and what each may import besides itself and the standard library."""
    found: dict[str, set[str]] = {}
    for line in "".join(tables).splitlines():
        room, colon, names = line.partition(":")
        if colon:
            found[last := room.strip()] = set(names.split())
        elif line:
            found[last] |= set(line.split())
    return found


MAY_IMPORT = rules(CHAT, CLIENT, MUDUOPY)

MAY_IMPORT_ALL = {"chat.app": "chat", "client.main": "client"}
"""Composition roots: each may import every room of its package."""


def sources() -> dict[str, Path]:
    """Every module of the packages, by dotted name; a package by its own."""
    found = {}
    for package in ("muduopy", "chat", "client"):
        for path in sorted((PROJECT / package).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


SOURCES = sources()


def is_for_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def import_statements(
    tree: ast.AST, *, at_import_time: bool = False
) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports in a module; or only those that run when it is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif at_import_time and isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        ):
            continue
        elif at_import_time and isinstance(node, ast.If) and is_for_type_checking(node):
            for branch in node.orelse:
                yield from import_statements(branch, at_import_time=True)
        else:
            yield from import_statements(node, at_import_time=at_import_time)


TYPING = {"typing_extensions"}
"""Type checkers bring it along, so it may be imported under TYPE_CHECKING, and only there."""


@cache
def imported(name: str, *, at_import_time: bool = False) -> frozenset[str]:
    """The modules that a module imports; a name from a package counts as module if it is one."""
    path = SOURCES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in import_statements(tree, at_import_time=at_import_time):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
            continue
        base = package[: len(package) - node.level + 1] if node.level else []
        source = ".".join([*base, *(node.module.split(".") if node.module else [])])
        for alias in node.names:
            submodule = f"{source}.{alias.name}"
            # The import of a submodule does not use the names of its package.
            found.add(submodule if submodule in SOURCES else source)
    return frozenset(found)


def room_of(name: str) -> str:
    """The folder of a module, or the module itself where it stands at the top of a package."""
    if name not in SOURCES or name in MAY_IMPORT:
        return name if name in SOURCES else name.partition(".")[0]
    return room_of(name.rpartition(".")[0])


def allowed(room: str, other: str) -> bool:
    package = MAY_IMPORT_ALL.get(room)
    return (
        other in MAY_IMPORT[room]
        or other in (room, room_of(room))
        or (package is not None and other.partition(".")[0] == package)
    )


@pytest.mark.parametrize("name", SOURCES)
def test_imports_point_down(name: str) -> None:
    wrong = {
        module
        for module in imported(name)
        if module.partition(".")[0] not in sys.stdlib_module_names
        and module not in TYPING - imported(name, at_import_time=True)
        and not allowed(room_of(name), room_of(module))
    }
    assert not wrong


def graph_of_rooms(package: str) -> dict[str, set[str]]:
    graph: defaultdict[str, set[str]] = defaultdict(set)
    for name in SOURCES:
        if name.partition(".")[0] == package:
            graph[room_of(name)] |= {room_of(other) for other in imported(name) if other in SOURCES}
    return {room: others - {room} for room, others in graph.items()}


def graph_of_modules(package: str) -> dict[str, set[str]]:
    return {
        name: {other for other in imported(name, at_import_time=True) if other in SOURCES} - {name}
        for name in SOURCES
        if name.partition(".")[0] == package
    }


@pytest.mark.parametrize("package", ["muduopy", "chat", "client"])
@pytest.mark.parametrize("graph", [graph_of_rooms, graph_of_modules])
def test_there_are_no_import_cycles(package: str, graph: object) -> None:
    assert callable(graph)
    try:
        TopologicalSorter(graph(package)).prepare()
    except CycleError as exc:
        pytest.fail("import cycle: " + " <- ".join(exc.args[1]))


@pytest.mark.parametrize("room", sorted(MAY_IMPORT.keys() - MAY_IMPORT_ALL.keys()))
def test_a_rule_allows_no_more_than_is_used(room: str) -> None:
    names = [name for name in SOURCES if room_of(name) == room]
    used = {room_of(other) for name in names for other in imported(name)}
    assert names
    assert MAY_IMPORT[room] <= used


def test_nothing_outside_imports_tests_or_benchmarks() -> None:
    wrong = []
    for folder in ("muduopy", "chat", "client", "examples", "scripts"):
        for path in (PROJECT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
            for node in import_statements(tree):
                names = (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                )
                wrong += [
                    f"{path.relative_to(PROJECT)}: {name}"
                    for name in names
                    if name.partition(".")[0] in {"tests", "bench"}
                ]
    assert not wrong


def test_the_tree_was_found() -> None:
    assert {"muduopy.tcp_connection", "chat.protocol.codec", "client.main"} <= set(SOURCES)
    assert "muduopy.channel" in imported("muduopy.event_loop")
    assert room_of("chat.bus.redis.link") == "chat.bus.redis"
    assert room_of("h11") == "h11"
