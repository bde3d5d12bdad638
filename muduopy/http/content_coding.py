"""The Accept-Encoding field of RFC 9110, section 12.5.3. Pure; any thread."""

from __future__ import annotations

from collections.abc import Mapping

ENDINGS: Mapping[str, bytes] = {"br": b".br", "gzip": b".gz"}
"""The codings of precompressed files, and the ends of their names. The first is preferred."""


def accepted_codings(field: str | None) -> list[str]:
    """The codings of ENDINGS that the client prefers to the plain file, best first."""
    if not field:
        return []
    weights: dict[str, float] = {}
    for member in field.lower().split(","):
        name, _, parameter = member.partition(";")
        weights[name.strip(" \t")] = _weight(parameter)
    others = weights.get("*", 0.0)
    # A client that does not mention the plain file takes it, but prefers what it mentions.
    plain = weights.get("identity", 0.0)
    found = [(weights.get(name, others), name) for name in ENDINGS]
    found = [pair for pair in found if pair[0] > 0 and pair[0] >= plain]
    return [name for _, name in sorted(found, key=lambda pair: -pair[0])]


def _weight(parameter: str) -> float:
    """The value of "q=0.5"; 1 without one, and 0 for one that cannot be read."""
    name, equals, value = parameter.partition("=")
    if not equals and not name.strip(" \t"):
        return 1.0
    try:
        weight = float(value) if name.strip(" \t") == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
