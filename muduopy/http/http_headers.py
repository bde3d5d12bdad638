"""HttpHeaders: the header fields of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


class HttpHeaders(Mapping[str, str]):
    """A mapping that ignores case: ``headers["content-type"]``. Immutable; any thread.

    It iterates over names in lower case, in the order of their first appearance. The values of a
    field that appears several times are joined with commas, as HTTP defines; ``get_all`` returns
    them one by one.
    """

    __slots__ = ("_fields",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, list[str]] = {}
        for name, value in pairs:
            self._fields.setdefault(name.lower(), []).append(value)

    @classmethod
    def of(cls, fields: dict[str, list[str]]) -> HttpHeaders:
        """The values by names in lower case; they become the object's own."""
        headers = cls.__new__(cls)
        headers._fields = fields
        return headers

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"HttpHeaders({self._fields})"

    def get_all(self, name: str) -> list[str]:
        """All values of a field, in the order of appearance; empty if there are none."""
        return list(self._fields.get(name.lower(), ()))

    def tokens(self, name: str) -> list[str]:
        """The members of a list field, such as Connection, in lower case."""
        # Only spaces and tabs are white space in HTTP; strip() alone takes "\x85", too.
        parts = [part.strip(" \t") for part in self.get(name, "").split(",")]
        return [part.lower() for part in parts if part]
