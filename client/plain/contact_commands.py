"""ContactCommands: the commands of line mode about friends and groups."""

from __future__ import annotations

from collections.abc import Callable

from chat.protocol import ErrNo
from client.chat_client import ChatClient
from client.errors import ClientError, RefusedError
from client.ids import parse_id
from client.plain.plain_text import PlainText
from client.values import Group

NOT_ASKED = "has not asked you, or has taken the request back"
"""The server's text about a request that does not exist."""

WRONG_GROUP_PASSWORD = "the password is wrong, or there is no such group"
"""The server has one answer for both."""


class ContactCommands:
    """Adds friends, answers requests, creates and joins groups. The console's thread."""

    def __init__(
        self,
        client: ChatClient,
        text: PlainText,
        show: Callable[[str], None],
        fail: Callable[[str, ClientError], None],
        ask_secret: Callable[[str], str] | None,
    ) -> None:
        """``show`` prints a line, ``fail`` a line about an error, unless that ends the program.

        ``ask_secret`` asks a person for a password; None in a script.
        """
        self._client = client
        self._text = text
        self._show = show
        self._fail = fail
        self._ask_secret = ask_secret

    def by_name(self) -> dict[str, Callable[..., None]]:
        """The commands by their words."""
        return {
            "addfriend": self.add_friend,
            "requests": self.requests,
            "accept": self.accept,
            "decline": self.decline,
            "creategroup": self.create_group,
            "addgroup": self.join_group,
        }

    # ------------------------------------------------------------------ friends

    def add_friend(self, who: str) -> None:
        """Add a friend, or ask that user. ``who``: the number or the name."""
        account, user = self._client.account, parse_id(who) or who.strip()
        friends = () if account is None else account.friends
        try:
            if any(user in (friend.id, friend.name) for friend in friends):
                raise RefusedError(ErrNo.EXISTS, "is a friend already")
            friend = self._client.add_friend(user)
        except ClientError as exc:
            self._failed("addfriend", exc, id=who)
        else:
            asked = self._text("friend asked", who=who)
            self._show(asked if friend is None else self._text.friend_added(friend))

    def requests(self) -> None:
        """Show the users that ask to be a friend."""
        try:
            found = self._client.friend_requests()
        except ClientError as exc:
            self._failed("requests", exc)
            return
        if not found:
            self._show(self._text("no requests"))
        for request in found:
            self._show(self._text("request", id=request.user_id, name=request.name))

    def accept(self, who: str) -> None:
        """Accept a request. ``who``: the number or the name of its user."""
        try:
            friend = self._client.answer_friend(self._asker(who), accept=True)
        except ClientError as exc:
            self._failed("accept", exc, who=who)
        else:
            if friend is not None:
                self._show(self._text.friend_added(friend))

    def decline(self, who: str) -> None:
        """Decline a request. ``who``: the number or the name of its user."""
        try:
            self._client.answer_friend(self._asker(who), accept=False)
        except ClientError as exc:
            self._failed("decline", exc, who=who)
        else:
            self._show(self._text("request declined", who=who))

    def _asker(self, who: str) -> int:
        """The number of the user. Raises RefusedError if no user of this name asks."""
        account, number = self._client.account, parse_id(who)
        if number is not None:
            return number
        requests = () if account is None else account.friend_requests
        for request in requests:
            if request.name.casefold() == who.strip().casefold():
                return request.user_id
        raise RefusedError(ErrNo.NOT_FOUND, NOT_ASKED)

    # ------------------------------------------------------------------ groups

    def create_group(self, name: str, desc: str) -> None:
        """Create a group."""
        try:
            group = self._client.create_group(name, desc)
        except ClientError as exc:
            self._failed("creategroup", exc, name=name)
        else:
            self._show(self._text("group created", id=group.id, name=name))

    def join_group(self, group_id: str) -> None:
        """Join a group. A person may type the password of a closed one."""
        account = self._client.account
        try:
            if account is not None and int(group_id) in {group.id for group in account.groups}:
                raise RefusedError(ErrNo.EXISTS, "is a member already")
            group = self._join(int(group_id))
        except ClientError as exc:
            self._failed("addgroup", exc, id=group_id)
        else:
            self._show(self._text.group_joined(group))

    def _join(self, group_id: int) -> Group:
        try:
            return self._client.join_group(group_id)
        except RefusedError as exc:
            if exc.errno != ErrNo.NOT_FOUND or self._ask_secret is None:
                raise
            password = self._ask_secret(self._text("group password", id=group_id))
            if not password:
                raise
        try:
            return self._client.join_group(group_id, password)
        except RefusedError as exc:
            if exc.errno != ErrNo.NOT_FOUND:
                raise
            raise RefusedError(exc.errno, WRONG_GROUP_PASSWORD) from exc

    def _failed(self, word: str, error: ClientError, **values: object) -> None:
        self._fail(self._text.failed(self._text(f"do {word}", **values), error), error)
