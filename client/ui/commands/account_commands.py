"""AccountCommands: the commands about the user's own account."""

from __future__ import annotations

from client.ui.commands.command_group import RequestCommands
from client.ui.commands.context import CommandContext
from client.ui.commands.login_controller import LoginController
from client.ui.commands.room_loader import RoomLoader
from client.ui.model.command_line import InputError


class AccountCommands(RequestCommands):
    """Change the password, switch receipts, delete the account. The terminal's thread.

    Passwords are asked for one after another. They are not shown, and not kept among the lines that
    were entered.
    """

    def __init__(self, context: CommandContext, loader: RoomLoader, login: LoginController) -> None:
        super().__init__(context, loader)
        self._login = login

    def password(self) -> None:
        """Ask for the present password and twice for the new one, and change it."""
        self._need_connection()

        def ask_new(old: str) -> None:
            self._ask_password("new password", lambda new: ask_again(old, new))

        def ask_again(old: str, new: str) -> None:
            self._ask_password("new password again", lambda again: change(old, new, again))

        def change(old: str, new: str, again: str) -> None:
            if new != again:
                raise InputError("passwords differ")
            self._request(self._context.client.change_password, old, new, done=done)

        def done(nothing: None) -> None:
            self._context.notice("password changed", stays=True)

        self._ask_password("present password", ask_new)

    def receipts(self, switch: str | None = None) -> None:
        """Switch receipts on or off; without an argument show whether they are on."""
        client = self._context.client

        def show(on: bool) -> None:
            self._context.notice("receipts on" if on else "receipts off")

        if switch is None:
            self._request(client.receipts, done=show)
        else:
            on = switch == "on"
            self._request(client.set_receipts, on, done=lambda nothing: show(on))

    def delete(self) -> None:
        """Delete the account after a question, with the password."""
        self._need_connection()

        def yes() -> None:
            self._ask_password("present password", delete)

        def delete(password: str) -> None:
            self._request(self._context.client.delete_account, password, done=done)

        def done(nothing: None) -> None:
            self._login.account_deleted()

        self._context.state.ask(self._context.state.texts("delete sure"), yes)
