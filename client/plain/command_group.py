"""CommandGroup: a base for the commands that line mode has beside those of the original."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chat.protocol import ErrNo
from client.chat_client import ChatClient
from client.errors import RefusedError
from client.ids import parse_id
from client.plain.plain_text import PlainText

Lines = Iterable[str] | None
"""The lines of a result. None: the word of the command and "success" are shown."""

Command = Callable[..., Lines]


class CommandGroup:
    """Commands of one subject. The console's thread.

    A command returns the lines to show, and raises the ClientError of a failed request, or
    CommandError for a wrong argument. It neither
    prints nor reads, but for the questions of ``ask_secret`` and ``confirm``.
    """

    def __init__(
        self,
        client: ChatClient,
        text: PlainText,
        ask_secret: Callable[[str], str],
        confirm: Callable[[str], bool],
    ) -> None:
        """``ask_secret`` asks for a password; ``confirm`` asks a person whether to go on."""
        self._client = client
        self._text = text
        self._ask_secret = ask_secret
        self._confirm = confirm

    def by_name(self) -> dict[str, Command]:
        """The commands by their words."""
        raise NotImplementedError

    def _user(self, who: str) -> int:
        """The number of a user, by number or name. Raises RefusedError if there is none."""
        number = parse_id(who)
        if number is not None:
            return number
        user = self._client.find_user(who.strip())
        if user is None:
            raise RefusedError(ErrNo.NOT_FOUND, "no such user")
        return user.id
