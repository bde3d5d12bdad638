"""ContactMethods: the friend list, requests to be a friend, and blocked users."""

from __future__ import annotations

from client.account.requester import Requester
from client.ids import check_id
from client.protocol import requests
from client.values import Friend, FriendRequest


class ContactMethods:
    """A base of ChatClient."""

    _requester: Requester

    def add_friend(self, friend_id: int) -> Friend | None:
        """Put a user on the friend list; returns the friend, also one that was on it already.

        None: on this server the other user has to agree, and is asked. If the user agrees, a
        FriendNotice follows. ``remove_friend`` takes the request back. Any thread; blocks.
        """
        check_id(friend_id)
        since = self._requester.with_roster(lambda roster: roster.heard)
        friend = self._requester.ask_for("friend", requests.ADD_FRIEND, friendid=friend_id)
        self._take_friend(friend, since)
        return friend

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
