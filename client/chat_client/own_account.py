"""AccountMethods: changes of the own account."""

from __future__ import annotations

from client.account.login_control import LoginControl
from client.account.message_stream import MessageStream
from client.account.requester import Requester
from client.account.shared_state import SharedState
from client.limits import check_text
from client.protocol import requests


class AccountMethods:
    """A base of ChatClient."""

    _shared: SharedState
    _requester: Requester
    _login: LoginControl
    _stream: MessageStream

    def change_password(self, old: str, new: str) -> None:
        """Change the password; saved logins in other programs end. Any thread; blocks."""
        check_text(old)
        check_text(new)
        self._requester.ask(requests.CHANGE_PASSWORD, old=old, new=new)

    def rename(self, name: str) -> str:
        """Change the name that others see; returns it as the server stores it. Any thread; blocks.

        Other users see it with the next message, and after their next login.
        """
        check_text(name)
        stored = self._requester.ask(requests.RENAME, name=name)
        with self._shared.changed:
            if self._shared.account is not None:
                self._shared.account.renamed(stored)
        return stored

    def delete_account(self, password: str) -> None:
        """Delete the account for good, and its files in the folder. Any thread; blocks.

        Messages that others have stay, with the name "deleted" and the number. The client is logged
        out then.
        """
        check_text(password)
        self._stream.finish()
        self._requester.ask(requests.DELETE_ACCOUNT, password=password)
        self._login.finish()
        self._login.end_deleted()
