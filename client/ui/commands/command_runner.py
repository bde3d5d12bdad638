"""CommandRunner: what is typed into the input line, carried out."""

from __future__ import annotations

from collections.abc import Callable

from client.account.outbox import Withdrawal
from client.encoding import is_unicode
from client.errors import TooLargeError
from client.limits import check_text
from client.ui.commands.command_group import CommandGroup
from client.ui.commands.contact_commands import ContactCommands
from client.ui.commands.controller import Controller
from client.ui.commands.room_commands import RoomCommands
from client.ui.commands.settings_commands import SettingsCommands
from client.ui.model.command_line import (
    CommandInput,
    InputError,
    TextInput,
    parse_line,
)
from client.ui.model.room import Room, RoomKey
from client.ui.model.slash_commands import (
    ArgumentKind,
)
from client.ui.text.cells import one_line
from client.ui.text.error_texts import error_text
from client.ui.view.help_pages import one_command, whole_help
from client.values import Member


class CommandRunner(CommandGroup):
    """Understands lines, writes messages, and gives orders to those who carry them out.

    The terminal's thread.

    Attributes:
        looking, contacts, choices: who carries out what; the keys use them, too.
    """

    def __init__(self, controller: Controller, choices: SettingsCommands) -> None:
        super().__init__(controller)
        self.looking = RoomCommands(controller)
        self.contacts = ContactCommands(controller)
        self.choices = choices
        self._table: dict[str, Callable[..., None]] = {
            "help": self.help,
            "chat": self.looking.chat,
            "group": self.looking.group,
            "add": self.contacts.add,
            "remove": self.contacts.remove,
            "friends": self.contacts.friends,
            "create": self.contacts.create,
            "join": self.contacts.join,
            "members": self.contacts.members,
            "kick": self.contacts.kick,
            "leave": self.contacts.leave,
            "dissolve": self.contacts.dissolve,
            "search": self.looking.search,
            "export": self.looking.export,
            "bare": self.looking.bare,
            "open": self.looking.open_link,
            "retry": self.retry,
            "unsend": self.unsend,
            "discard": self.discard,
            "close": self.looking.close,
            "list": self.looking.toggle_list,
            "whoami": choices.whoami,
            "theme": choices.theme,
            "lang": choices.language,
            "bell": choices.bell,
            "notify": choices.notify,
            "reconnect": choices.reconnect,
            "logout": choices.logout,
            "quit": choices.quit,
        }

    def enter(self, line: str) -> None:
        """The input line was entered. It is emptied unless something is wrong with it."""
        self._state.notice = None
        self.attempt(lambda: self._enter(line))

    def attempt(self, action: Callable[[], None]) -> None:
        """Do something; if it cannot be done, a notice says why."""
        try:
            action()
        except InputError as exc:
            values = {name: one_line(value) for name, value in exc.values.items()}
            self._state.say(self._texts(exc.key, **values), failed=True)

    def help(self, command: str | None = None) -> None:
        """All of it, or what one command does."""
        if command is None:
            cells = self._controller.terminal.columns() - 2
            self._view("help title", whole_help(self._texts, cells))
            return
        about = one_command(command, self._texts)
        if about is None:
            raise InputError("no such command", command=command)
        self._state.say(about)

    def retry(self) -> None:
        """Send what has failed in this conversation again."""
        count = self._controller.retry(self._room())
        if count:
            self._notice("retrying", count=count)
        else:
            self._notice("nothing failed")

    def unsend(self) -> None:
        """Take back the last message that the server has not got, to be written anew."""
        room = self._room()
        if not room.unsent:
            raise InputError("nothing unsent")
        item = room.unsent[-1]
        result = self._controller.unsend(room, item)
        if result is Withdrawal.TOO_LATE:
            raise InputError("unsend late")
        if not self._controller.terminal.typed()[0]:
            self._controller.terminal.retype(item.text)
        self._notice("unsent unsure" if result is Withdrawal.UNSURE else "unsent surely")

    def discard(self) -> None:
        """Take back all that the server has not got in this conversation."""
        room = self._room()
        if not room.unsent:
            raise InputError("nothing unsent")
        results = [self._controller.unsend(room, item) for item in room.unsent]
        taken = len(results) - results.count(Withdrawal.TOO_LATE)
        unsure = results.count(Withdrawal.UNSURE)
        if not taken:
            raise InputError("unsend late")
        self._notice("discarded unsure" if unsure else "discarded", count=taken, unsure=unsure)

    # ------------------------------------------------------------------ lines

    def _enter(self, line: str) -> None:
        if not is_unicode(line):
            raise InputError("not unicode")
        meaning = parse_line(line, self._resolve, in_room=self._chats.current is not None)
        if meaning is None:
            self._controller.terminal.retype("")
            return
        if isinstance(meaning, TextInput):
            written = self._write(self._chats.current, meaning.text)
        elif self._is_message(meaning):
            written = self._write_order(meaning, line)
        else:
            self._controller.terminal.retype("")
            self._table[meaning.name](*meaning.args)
            written = True
        if written:
            self._controller.terminal.remember(line)

    @staticmethod
    def _is_message(order: CommandInput) -> bool:
        return order.name in ("chat", "group", "say") and isinstance(order.args[-1], str)

    def _write_order(self, order: CommandInput, line: str) -> bool:
        text = str(order.args[-1])
        if order.name == "say":
            return self._write(self._chats.current, text)
        key = RoomKey(order.name == "group", int(order.args[0]))
        try:
            check_text(text)
        except TooLargeError as exc:
            self._state.say(error_text(exc, self._texts), failed=True)
            return False
        self._controller.terminal.retype("")

        def arrived() -> None:
            if not self._controller.write(self._chats.room(key), text):
                missing()

        def missing() -> None:
            if not self._controller.terminal.typed()[0]:
                self._controller.terminal.retype(line)

        self.looking.visit(key, arrived, missing)
        return True

    def _write(self, room: Room | None, text: str) -> bool:
        """Send; returns whether that began well."""
        if room is None:
            raise InputError("no room")
        if not self._controller.write(room, text):
            return False
        self._controller.terminal.retype("")
        return True

    def _resolve(self, kind: ArgumentKind, name: str) -> int | None:
        """Whose name that is, if it is one person's or group's."""
        wanted = name.casefold()
        account = self._chats.account
        if kind is ArgumentKind.GROUP:
            groups = () if account is None else account.groups
            found = {group.id for group in groups if group.name.casefold() == wanted}
        else:
            friends = () if account is None else account.friends
            found = {friend.id for friend in friends if friend.name.casefold() == wanted}
            known = (key.id for key in self._chats.rooms if not key.in_group)
            found |= {id_ for id_ in known if self._chats.name_of(id_).casefold() == wanted}
            found |= {m.id for m in self._current_members() if m.name.casefold() == wanted}
        return found.pop() if len(found) == 1 else None

    def _current_members(self) -> tuple[Member, ...]:
        room = self._chats.current
        group = self._chats.group(room.key.id) if room is not None and room.key.in_group else None
        return () if group is None else group.members
