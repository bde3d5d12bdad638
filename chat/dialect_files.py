"""Reads the tables of classic clients: from conf/dialects, and from files of the operator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chat.config import ClassicConfig, ConfigError
from chat.process.data_files import shipped
from chat.protocol.dialects import TUTORIAL, Table, TableError, parse_table

ENDING = ".toml"

_DEFAULT = {name: place for place, name in enumerate(ClassicConfig().dialects)}


@dataclass(frozen=True, slots=True)
class Dialects:
    """The tables of this server.

    Attributes:
        used: the tables in the setting ``classic.dialects``, in its order.
        by_name: the used tables, then the other installed ones, the likeliest first.
    """

    used: tuple[Table, ...] = (TUTORIAL,)
    by_name: tuple[Table, ...] = (TUTORIAL,)

    def named(self, name: str) -> Table:
        """A table by its name, or by the path of a file. Raises ConfigError."""
        for table in self.by_name:
            if table.name == name:
                return table
        if _is_path(name):
            return _read(Path(name))
        names = ", ".join(table.name for table in self.by_name)
        raise ConfigError(f"no dialect {name!r}; there are {names}, and FILE{ENDING}")


def load_dialects(names: Iterable[str]) -> Dialects:
    """Read the tables of ``classic.dialects``: each a name, or the path of a file.

    Raises ConfigError.
    """
    provided = [TUTORIAL, *[_read(path) for path in sorted(shipped("dialects").glob("*" + ENDING))]]
    known = Dialects(by_name=tuple(provided))
    used: list[Table] = []
    for name in names:
        table = known.named(name)
        if any(table.name == other.name for other in used):
            raise ConfigError(f"classic.dialects: {table.name} is there twice")
        used.append(table)
    if not used:
        raise ConfigError('classic.dialects: is empty; ["tutorial"] is the least')
    rest = [table for table in provided if all(table.name != own.name for own in used)]
    rest.sort(key=lambda table: _DEFAULT.get(table.name, len(_DEFAULT)))
    return Dialects(tuple(used), (*used, *rest))


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith(ENDING)


def _read(path: Path) -> Table:
    try:
        return parse_table(path.stem, path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8") from exc
    except TableError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
