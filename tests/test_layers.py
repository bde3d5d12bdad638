"""Imports point down. Read from the source, so that an import nobody runs counts, too.

client ─▶ chat.protocol ◀─ chat ─▶ muduopy        nothing ─▶ tests, bench
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

# Besides the standard library.
MAY_IMPORT = {
    "muduopy": {"muduopy"},
    "muduopy.http": {"muduopy", "h11"},
    "chat.protocol": {"chat.protocol", "ujson"},
    "chat": {"chat", "muduopy", "ujson", "argon2", "redis", "mysql", "_mysql_connector"},
    "client": {"client", "chat.protocol", "chat.version", "prompt_toolkit"},
}


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


def imported(name: str, *, at_import_time: bool = False) -> set[str]:
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
            # A submodule is imported through its package, whose own names are not meant.
            found.add(submodule if submodule in SOURCES else source)
    return found


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def rule_for(name: str) -> set[str]:
    """The row of the longest package that the module is in."""
    package = max((package for package in MAY_IMPORT if within(name, package)), key=len)
    return MAY_IMPORT[package]


@pytest.mark.parametrize("name", SOURCES)
def test_imports_point_down(name: str) -> None:
    wrong = {
        module
        for module in imported(name)
        if module.partition(".")[0] not in sys.stdlib_module_names
        and module not in TYPING - imported(name, at_import_time=True)
        and not any(within(module, allowed) for allowed in rule_for(name))
    }
    assert not wrong


@pytest.mark.parametrize("package", ["muduopy", "chat", "client"])
def test_there_are_no_import_cycles(package: str) -> None:
    graph = {
        name: {
            module
            for module in imported(name, at_import_time=True)
            if module in SOURCES and module != name
        }
        for name in SOURCES
        if within(name, package)
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        pytest.fail("import cycle: " + " <- ".join(exc.args[1]))


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
