"""AdminService: carries out one request of an operator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.operators import account_name
from chat.admin.request import AdminRequest, failure, parse_request, success
from chat.protocol import ProtocolError
from chat.storage import StorageError

log = logging.getLogger(__name__)

Command = Callable[[AdminContext, AdminRequest], Any]
"""Worker thread. Returns the result for JSON. Raises AdminError, ProtocolError, StorageError."""


class AdminService:
    """Finds the command of a request and runs it. Worker thread: commands block."""

    def __init__(self, context: AdminContext, commands: Mapping[str, Command]) -> None:
        self._context = context
        self._commands = commands

    def serve(self, line: bytes, uid: int) -> bytes:
        """The answer to a request of this account; never raises."""
        try:
            request = parse_request(line, account_name(uid))
            command = self._commands.get(request.command)
            if command is None:
                raise AdminError("this server has no such command; use the chatctl of its version")
            return success(command(self._context, request))
        except AdminError as exc:
            return failure(str(exc))
        except ProtocolError as exc:
            return failure(exc.errmsg)
        except StorageError as exc:
            return failure(f"the database: {exc}; nothing was changed")
        except Exception as exc:
            log.exception("a command of an operator failed")
            return failure(f"{type(exc).__name__}; the log of the server has more")
