"""ContactMethods: users by name, the friend list, requests to be a friend, blocked users."""

from __future__ import annotations

from collections.abc import Iterable

from chat.protocol import ErrNo
from client.account.requester import Requester
from client.account.shared_state import SharedState
from client.errors import RefusedError
from client.ids import check_id
from client.limits import check_text
from client.protocol import requests
from client.values import Friend, FriendRequest, User

NAMES_AT_ONCE = 200
"""Users in one request for names: the limit of the server."""


class ContactMethods:
    """A base of ChatClient."""

    _shared: SharedState
    _requester: Requester

    def find_user(self, name: str) -> User | None:
        """The user with this name, which may differ in case and width. Any thread; blocks.

        None: there is no such user.
        """
        check_text(name)
        try:
            found = self._requester.ask(requests.FIND_USER, name=name)
        except RefusedError as exc:
            if exc.errno != ErrNo.NOT_FOUND:
                raise
            return None
        self._note_names({user.id: user.name for user in found})
        return found[0] if found else None

    def find_users(self, prefix: str) -> tuple[User, ...]:
        """The first users whose names begin with this text. Any thread; blocks.

        A server without a directory refuses it (errno 1). There are 50 users at most.
        """
        check_text(prefix)
        return self._requester.ask(requests.FIND_USER, name=prefix, prefix=True)

    def user_names(self, user_ids: Iterable[int]) -> dict[int, str]:
        """The names of these users, by number. Any thread; blocks.

        Without users that do not exist, or whose names the server does not tell. One request for
        each 200 users.
        """
        wanted = sorted({check_id(user_id) for user_id in user_ids})
        found: dict[int, str] = {}
        for start in range(0, len(wanted), NAMES_AT_ONCE):
            ids = wanted[start : start + NAMES_AT_ONCE]
            users = self._requester.ask(requests.USER_NAMES, ids=ids)
            found.update((user.id, user.name) for user in users)
        self._note_names(found)
        return found

    def name_of(self, user_id: int) -> str:
        """The name of a user; empty if the server does not tell it. Any thread.

        It is known of friends, members of groups, and the senders of messages. Otherwise this asks
        the server, and blocks. 10,000 names are remembered.
        """
        check_id(user_id)
        known = self.known_name(user_id)
        if known:
            return known
        try:
            return self.user_names([user_id]).get(user_id, "")
        except RefusedError:  # too many requests, or a server of version 0.2.0
            return ""

    def known_name(self, user_id: int) -> str:
        """The name of a user, if the client knows it; otherwise empty. Any thread."""
        with self._shared.changed:
            account = self._shared.account
            if account is None:
                return ""
            roster = account.roster
            return account.names.get(user_id, None if roster is None else roster.account)

    def _note_names(self, names: dict[int, str]) -> None:
        with self._shared.changed:
            if self._shared.account is not None:
                self._shared.account.names.note_all(names)

    def add_friend(self, friend_id: int | str) -> Friend | None:
        """Put a user on the friend list, by number or name; returns the friend.

        It returns also a friend that was on the list already.

        None: on this server the other user has to agree, and is asked. If the user agrees, a
        FriendNotice follows. ``remove_friend`` takes the request back. Any thread; blocks.
        """
        if isinstance(friend_id, str):
            check_text(friend_id)
            who: dict[str, int | str] = {"friendname": friend_id}
        else:
            who = {"friendid": check_id(friend_id)}
        since = self._requester.with_roster(lambda roster: roster.heard)
        added = self._requester.ask_for("friend", requests.ADD_FRIEND, **who)
        self._take_friend(added, since)
        return added

    def friend_requests(self) -> tuple[FriendRequest, ...]:
        """The requests of other users to be a friend, the newest first. Any thread; blocks.

        There are 100 at most.
        """
        since = self._requester.with_roster(lambda roster: roster.heard)
        found = self._requester.ask(requests.FRIEND_REQUESTS)
        self._requester.with_roster(lambda roster: roster.set_friend_requests(found, since))
        return found

    def answer_friend(self, user_id: int, *, accept: bool) -> Friend | None:
        """Accept or decline a request to be a friend; returns an accepted friend.

        The other user learns of an acceptance only. Any thread; blocks.
        """
        check_id(user_id)
        since = self._requester.with_roster(lambda roster: roster.heard)
        friend = self._requester.ask(requests.ANSWER_FRIEND, userid=user_id, accept=accept)
        self._requester.with_roster(lambda roster: roster.forget_friend_request(user_id))
        self._take_friend(friend, since)
        return friend

    def remove_friend(self, friend_id: int) -> None:
        """Take a user off the friend list, or take a request back. Any thread; blocks."""
        self._requester.ask(requests.REMOVE_FRIEND, friendid=check_id(friend_id))
        self._requester.with_roster(lambda roster: roster.remove_friend(friend_id))

    def block(self, user_id: int) -> None:
        """Take no more messages from a user. Any thread; blocks.

        The sends of that user are refused, and you vanish from that user's friend list. Messages in
        common groups still arrive.
        """
        self._requester.ask(requests.BLOCK, userid=check_id(user_id))

    def unblock(self, user_id: int) -> None:
        """Take messages from a user again. Any thread; blocks."""
        self._requester.ask(requests.UNBLOCK, userid=check_id(user_id))

    def blocked(self) -> tuple[int, ...]:
        """The numbers of the users that you have blocked. Any thread; blocks."""
        return self._requester.ask(requests.BLOCKED)

    def _take_friend(self, friend: Friend | None, since: int | None) -> None:
        if friend is not None:
            self._requester.with_roster(lambda roster: roster.add_friend(friend, since))
