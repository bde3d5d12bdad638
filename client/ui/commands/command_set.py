"""CommandSet: the commands of all subjects, and their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from client.ui.commands.account_commands import AccountCommands
from client.ui.commands.contact_commands import ContactCommands
from client.ui.commands.context import CommandContext
from client.ui.commands.device_commands import DeviceCommands
from client.ui.commands.friend_request_commands import FriendRequestCommands
from client.ui.commands.login_controller import LoginController
from client.ui.commands.message_commands import MessageCommands
from client.ui.commands.message_search_commands import MessageSearchCommands
from client.ui.commands.message_sender import MessageSender
from client.ui.commands.moderation_commands import ModerationCommands
from client.ui.commands.people_commands import PeopleCommands
from client.ui.commands.program_commands import ProgramCommands
from client.ui.commands.room_commands import RoomCommands
from client.ui.commands.room_controller import RoomController
from client.ui.commands.room_loader import RoomLoader
from client.ui.commands.search_commands import SearchCommands
from client.ui.commands.settings_file import SettingsFile
from client.ui.commands.transcript_commands import TranscriptCommands


@dataclass(frozen=True, slots=True)
class CommandSet:
    """One object for each subject. The terminal's thread."""

    rooms: RoomCommands
    search: SearchCommands
    message_search: MessageSearchCommands
    transcript: TranscriptCommands
    messages: MessageCommands
    account: AccountCommands
    contacts: ContactCommands
    devices: DeviceCommands
    friend_requests: FriendRequestCommands
    moderation: ModerationCommands
    people: PeopleCommands
    program: ProgramCommands

    @classmethod
    def create(
        cls,
        context: CommandContext,
        loader: RoomLoader,
        sender: MessageSender,
        rooms: RoomController,
        login: LoginController,
        settings: SettingsFile,
        server: str,
    ) -> CommandSet:
        """Create the commands. ``server``: its address as it is shown."""
        in_room = SearchCommands(context, loader)
        return cls(
            RoomCommands(context, loader, rooms),
            in_room,
            MessageSearchCommands(context, loader, rooms, in_room),
            TranscriptCommands(context, loader),
            MessageCommands(context, sender),
            AccountCommands(context, loader, login),
            ContactCommands(context, loader, rooms),
            DeviceCommands(context, loader),
            FriendRequestCommands(context, loader),
            ModerationCommands(context, loader),
            PeopleCommands(context, loader),
            ProgramCommands(context, login, server, settings),
        )

    def by_name(self) -> dict[str, Callable[..., None]]:
        """The methods by the names in SLASH_COMMANDS, but for those of CommandRunner."""
        rooms, transcript = self.rooms, self.transcript
        messages, contacts, program = self.messages, self.contacts, self.program
        moderation = self.moderation
        return {
            "help": program.help,
            "add": contacts.add,
            "remove": contacts.remove,
            "friends": contacts.friends,
            "find": self.people.find,
            "requests": self.friend_requests.show,
            "accept": self.friend_requests.accept,
            "decline": self.friend_requests.decline,
            "block": contacts.block,
            "unblock": contacts.unblock,
            "blocked": contacts.blocked,
            "nick": contacts.rename,
            "password": self.account.password,
            "receipts": self.account.receipts,
            "devices": self.devices.show,
            "end": self.devices.end,
            "create": contacts.create,
            "join": contacts.join,
            "members": contacts.members,
            "kick": contacts.kick,
            "invite": moderation.invite,
            "invitations": moderation.invitations,
            "ban": moderation.ban,
            "unban": moderation.unban,
            "bans": moderation.bans,
            "role": moderation.role,
            "rename": moderation.rename,
            "access": moderation.access,
            "leave": contacts.leave,
            "dissolve": contacts.dissolve,
            "search": self.message_search.search,
            "export": transcript.export,
            "bare": transcript.copy_view,
            "open": transcript.open_link,
            "retry": messages.retry,
            "unsend": messages.unsend,
            "discard": messages.discard,
            "close": rooms.close,
            "mute": rooms.mute,
            "list": rooms.toggle_list,
            "whoami": program.whoami,
            "theme": program.theme,
            "lang": program.language,
            "bell": program.bell,
            "notify": program.notify,
            "reconnect": program.reconnect,
            "logout": program.logout,
            "deleteaccount": self.account.delete,
            "quit": program.quit,
        }
