"""ConversationMethods: the list of conversations, read marks, typing, muting."""

from __future__ import annotations

from client.account.lifecycle import State
from client.account.requester import Requester
from client.account.shared_state import SharedState
from client.ids import check_id
from client.protocol import requests
from client.values import ConversationPage


class ConversationMethods:
    """A base of ChatClient.

    Each method about one conversation takes ``user_id``, the other user, or ``group_id``. It raises
    ValueError unless there is one of them.
    """

    _shared: SharedState
    _requester: Requester

    def conversations(self, *, before: int | None = None, limit: int = 100) -> ConversationPage:
        """The conversations with the newest messages, newest first. Any thread; blocks.

        ``before``: only those whose last message has a lower ``seq``, for the next page. ``limit``:
        1 to 100. The answer to a login has the first page: ``Account.conversations``.
        """
        page = {} if before is None else {"before": before}
        return self._requester.ask(requests.CONVERSATIONS, **page, limit=limit)

    def mark_read(
        self, seq: int, *, user_id: int | None = None, group_id: int | None = None
    ) -> int:
        """This user has read a conversation up to ``seq``; returns the mark. Any thread; blocks.

        A mark never goes back. The other devices of this user are told, and the other user, unless
        one of the two has switched receipts off.
        """
        return self._requester.ask(requests.READ, **_place(user_id, group_id), seq=seq)

    def typing(self, *, user_id: int | None = None, group_id: int | None = None) -> None:
        """This user is writing a message. Any thread; does not block.

        Call it every few seconds while the user types. Without a connection it does nothing.
        """
        place = _place(user_id, group_id)
        with self._shared.changed:
            session = self._shared.session if self._shared.state is State.ONLINE else None
        if session is not None:
            session.tell_typing(place)

    def mute(
        self, *, user_id: int | None = None, group_id: int | None = None, muted: bool = True
    ) -> None:
        """Note that a conversation should not disturb this user, or should. Any thread; blocks.

        All devices of the user are told. The messages come as before.
        """
        self._requester.ask(requests.MUTE, **_place(user_id, group_id), muted=muted)
        self._requester.with_roster(lambda roster: roster.set_muted(user_id, group_id, muted=muted))

    def receipts(self) -> bool:
        """Do other users see what this one has read, and the other way? Any thread; blocks."""
        return self._requester.ask(requests.SETTINGS)

    def set_receipts(self, receipts: bool) -> None:
        """Switch receipts on or off, in both directions. Any thread; blocks."""
        self._requester.ask(requests.SETTINGS, receipts=receipts)


def _place(user_id: int | None, group_id: int | None) -> dict[str, int]:
    if (user_id is None) == (group_id is None):
        raise ValueError("either a user or a group")
    if user_id is not None:
        return {"with": check_id(user_id)}
    assert group_id is not None
    return {"groupid": check_id(group_id)}
