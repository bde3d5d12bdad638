#!/usr/bin/env python3
"""Writes docs/muduopy/reference.md from the docstrings of muduopy.

    python scripts/reference.py           writes the page
    python scripts/reference.py --check   fails if the page is out of date

It needs only the standard library. It reads the source as text, and imports none of it.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "muduopy" / "reference.md"

SECTIONS: dict[str, list[str]] = {
    "Loops and timers": ["EventLoop", "Timer", "current_loop", "TimingWheel"],
    "Servers, clients and connections": ["TcpServer", "TcpClient", "TcpConnection", "State"],
    "Data and addresses": [
        "Buffer",
        "InetAddress",
        "HostAddress",
        "UnixAddress",
        "Address",
        "TcpInfo",
        "PeerCredentials",
    ],
    "Threads": ["EventLoopThread", "EventLoopThreadPool", "ThreadPool"],
    "Underneath": ["Acceptor", "Connector", "Channel"],
    "Errors": ["MuduoError", "LoopError", "StateError", "WrongThreadError"],
}
"""The names of ``muduopy.__all__``, in reading order."""

SUBPACKAGES = ("muduopy.codec", "muduopy.http", "muduopy.websocket")
"""Packages whose ``__all__`` is documented in its own order."""

HEAD = """\
# muduopy: reference

Made from the docstrings by `scripts/reference.py`. Each method says which threads may call it:
"Any thread", "Loop thread" (that of the loop which the object lives in), or "Before start". Times
are seconds, sizes bytes. `TcpConnection.tls` and the `tls=` parameters take the types of the
standard library's `ssl`.
"""

CONSTANTS: dict[str, str] = {}
"""Filled by ``generate``."""

Node = ast.ClassDef | ast.FunctionDef | ast.Assign | ast.AnnAssign


Definitions = dict[str, tuple[Node, str]]
"""By name: the node and its docstring."""


def definitions(package: str) -> Definitions:
    """The classes, functions and constants of a package."""
    found: Definitions = {}
    folder = ROOT.joinpath(*package.split("."))
    for path in sorted(folder.glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, following in zip(body, [*body[1:], None], strict=True):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.setdefault(node.name, (node, ast.get_docstring(node) or ""))
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, (node, _string(following)))
    return found


def exported(package: str) -> list[str]:
    """A package's ``__all__``."""
    source = ROOT.joinpath(*package.split("."), "__init__.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise SystemExit(f"{package} has no __all__")


def generate() -> str:
    """The whole page."""
    known = definitions("muduopy")
    listed = [name for names in SECTIONS.values() for name in names]
    if sorted(listed) != sorted(exported("muduopy")):
        raise SystemExit("SECTIONS and muduopy.__all__ differ")
    CONSTANTS.update(constants())
    parts = [HEAD, _contents()]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in names:
            parts.extend(_entry(name, known))
    for package in SUBPACKAGES:
        known = definitions(package)
        parts.append(f"## {package}\n")
        for name in exported(package):
            parts.extend(_entry(name, known))
    return "\n".join(parts).rstrip() + "\n"


def constants() -> dict[str, str]:
    """The named numbers of all modules, to show as defaults: "DRAIN_SECONDS" is 3.0.

    A name with different values in two modules is left out.
    """
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "muduopy").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name, value = node.targets[0].id, _number(node.value)
                if name.isupper() and value is not None:
                    found.setdefault(name, set()).add(value)
    return {name: next(iter(values)) for name, values in found.items() if len(values) == 1}


def _number(node: ast.expr) -> str | None:
    """The value of a number or of a product such as 64 * 1024; None for other expressions."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return repr(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _number(node.left), _number(node.right)
        if left is not None and right is not None:
            return repr(ast.literal_eval(left) * ast.literal_eval(right))
    return None


def members(node: ast.ClassDef, known: Definitions) -> Iterator[ast.FunctionDef]:
    """A class's public methods and properties, and its constructor if that has a docstring.

    Members of its bases in the same package come last.
    """
    for item in node.body:
        if not isinstance(item, ast.FunctionDef) or _is_setter(item):
            continue
        if (item.name == "__init__" and ast.get_docstring(item)) or item.name[0] != "_":
            yield item
    for base in node.bases:
        found = known.get(ast.unparse(base).partition("[")[0])
        if found is not None and isinstance(found[0], ast.ClassDef):
            yield from (item for item in members(found[0], known) if item.name != "__init__")


def _is_setter(function: ast.FunctionDef) -> bool:
    """Whether it is the setter of a property. The getter is documented instead."""
    return any(ast.unparse(one).endswith(".setter") for one in function.decorator_list)


def _wrapped(item: str) -> str:
    """A list item in lines of at most 100 columns."""
    return textwrap.fill(
        item, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _contents() -> str:
    lines = []
    for title, names in SECTIONS.items():
        links = ", ".join(f"[{name}](#{name.lower()})" for name in names)
        lines.append(_wrapped(f"- **{title}**: {links}"))
    for package in SUBPACKAGES:
        links = ", ".join(f"[{name}](#{name.lower()})" for name in exported(package))
        lines.append(_wrapped(f"- **{package}**: {links}"))
    return "\n".join(lines) + "\n"


def _entry(name: str, known: Definitions) -> Iterator[str]:
    node, text = known[name]
    yield f"### {name}\n"
    if isinstance(node, ast.ClassDef):
        yield _code(_class_signature(node))
        yield _prose(text)
        for member in members(node, known):
            yield f"#### {name}.{member.name}\n" if member.name != "__init__" else ""
            if member.name != "__init__":
                yield _code(_signature(member))
            yield _prose(ast.get_docstring(member) or "")
    elif isinstance(node, ast.FunctionDef):
        yield _code(_signature(node))
        yield _prose(text)
    else:
        yield _code(ast.unparse(node))
        yield _prose(text)


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return item
    return None


def _class_signature(node: ast.ClassDef) -> str:
    """The constructor's parameters with their defaults; for a dataclass, its fields."""
    constructor = _constructor(node)
    if constructor is not None:
        return f"class {node.name}({_arguments(constructor)})"
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return f"class {node.name}"
    keywords = any("kw_only=True" in ast.unparse(decorator) for decorator in node.decorator_list)
    fields = [
        ast.unparse(ast.AnnAssign(item.target, item.annotation, _value(item.value), 1))
        for item in node.body
        if isinstance(item, ast.AnnAssign)
    ]
    return f"class {node.name}({', '.join((['*'] if keywords else []) + fields)})"


def _arguments(function: ast.FunctionDef) -> str:
    """The parameters without self. Defaults that are named constants become numbers."""
    arguments = function.args
    arguments.defaults = [_shown(default) for default in arguments.defaults]
    arguments.kw_defaults = [
        _shown(default) if default else None for default in arguments.kw_defaults
    ]
    for parameters in (arguments.posonlyargs, arguments.args):
        if parameters and parameters[0].arg in ("self", "cls"):
            del parameters[0]
    return ast.unparse(arguments)


def _value(default: ast.expr | None) -> ast.expr | None:
    return None if default is None else _shown(default)


def _shown(default: ast.expr) -> ast.expr:
    number = _number(default)
    if number is None and isinstance(default, ast.Name):
        number = CONSTANTS.get(default.id)
    return default if number is None else ast.parse(number, mode="eval").body


def _signature(function: ast.FunctionDef) -> str:
    decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
    result = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    if "property" in decorators:
        return f"{function.name}{result.replace(' -> ', ': ')}"
    return f"{function.name}({_arguments(function)}){result}"


def _string(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def _code(text: str) -> str:
    return "```text\n" + "\n".join(textwrap.wrap(text, 96, subsequent_indent="    ")) + "\n```\n"


def _prose(text: str) -> str:
    """A docstring as Markdown: its code as code blocks, its double backticks as single ones."""
    out: list[str] = []
    for line in textwrap.dedent(text).splitlines():
        if line == "Attributes:":
            out += ["Attributes:", ""]
        else:
            out.append(line.replace("``", "`"))
    return "\n".join(_attributes(out)) + "\n"


def _attributes(lines: list[str]) -> Iterator[str]:
    """The indented list below "Attributes:" as a Markdown list."""
    inside = False
    for line in lines:
        if line == "Attributes:":
            inside = True
        elif inside and line.startswith("    ") and not line.startswith("     "):
            name, colon, rest = line.strip().partition(":")
            yield f"- `{name}`:{rest}" if colon else line
            continue
        elif inside and line.startswith("        "):
            yield "  " + line.strip()
            continue
        elif line and not line.startswith(" "):
            inside = False
        yield line


def main() -> None:
    page = generate()
    if "--check" in sys.argv:
        current = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
        if current != page:
            sys.exit(f"{TARGET.relative_to(ROOT)} is out of date: run scripts/reference.py")
        return
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
