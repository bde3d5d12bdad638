"""SessionState: what the threads of one session know about its login and its end."""

from __future__ import annotations

from client.account.local_account import LocalAccount
from client.account.shared_state import SharedState
from client.errors import StoreError
from client.protocol.events import Goodbye
from client.protocol.session import Session


class SessionState:
    """The state of one session. All of it is read and changed while ``shared.changed`` is held.

    Attributes:
        session: the session; set once, before it starts.
        account: the account that logs in or is logged in here; None before and after.
        welcomed: its LoggedIn event has been taken.
        problem: its files cannot be used.
        logged_out: the server has confirmed its logout.
        goodbye: the server has announced the end.
        complaint: an error before the login: the reason of the end.
        retry_after: the least pause after it, in seconds.
    """

    session: Session

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared
        self.account: LocalAccount | None = None
        self.welcomed = False
        self.problem: StoreError | None = None
        self.logged_out = False
        self.goodbye: Goodbye | None = None
        self.complaint: str | None = None
        self.retry_after = 0.0

    @property
    def is_sent_away(self) -> bool:
        """Whether the server does not want this client to connect again."""
        return self.goodbye is not None and not self.goodbye.reconnect

    def is_current(self, account: LocalAccount) -> bool:
        """Whether events of this session still belong to the account.

        They do not after its logout, or when there is a newer session.
        """
        return account is self._shared.account and self._shared.session is self.session
