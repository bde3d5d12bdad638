"""Agreement on the delivery mode: all servers on one database use the same one.

Otherwise the guarantees for a message would depend on the server that its sender is connected to.
"""

from __future__ import annotations

from chat.storage import Transaction
from chat.storage.tables import NodeModel, SettingModel


class OtherModeError(Exception):
    """Running servers on this database use another mode."""


def agree_on_mode(tx: Transaction, node: str, mode: str) -> None:
    """Set the mode if this server is the only one, else compare. Raises OtherModeError.

    Example: A and B start at the same moment, with two modes. A locks the row of the schema's
    version. B waits for it, then finds A alive with the other mode, and is refused.
    """
    model = SettingModel(tx)
    model.get("schema_version", lock=True)
    others = [row.name for row in NodeModel(tx).all() if row.alive and row.name != node]
    used = model.get("delivery")
    if not others or used is None:
        model.set("delivery", mode)
    elif used != mode:
        raise OtherModeError(f"{', '.join(others)} on this database use {used!r}, not {mode!r}")
