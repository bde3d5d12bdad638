"""ConversationCommands: the commands of line mode about conversations and their messages."""

from __future__ import annotations

from itertools import islice

from client.plain.command_group import Command, CommandGroup, Lines

_HITS = 20
_PAGES = 10
"""The pages of a search: a page may have no hits, and yet others follow."""


class ConversationCommands(CommandGroup):
    """Lists, searches and mutes conversations, and shows their past. The console's thread."""

    def by_name(self) -> dict[str, Command]:
        """The commands by their words."""
        return {
            "list": self.list_all,
            "search": self.search,
            "history": self.history,
            "grouphistory": self.group_history,
            "mute": self.mute,
            "groupmute": self.mute_group,
            "receipts": self.receipts,
        }

    def list_all(self) -> Lines:
        """The conversations with the newest messages."""
        found = self._client.conversations().conversations
        return [self._text.conversation_line(one) for one in found] or [self._text("nothing")]

    def search(self, words: str) -> Lines:
        """The newest messages with all these words, the oldest of them first."""
        pages = islice(self._client.search(words, limit=_HITS), _PAGES)
        hits = list(islice((hit.message for page in pages for hit in page.hits), _HITS))
        lines = [self._text.message_line(message) for message in reversed(hits)]
        return lines or [self._text("nothing")]

    def history(self, who: str) -> Lines:
        """The newest messages of a conversation with a user."""
        return self._past(user_id=self._user(who))

    def group_history(self, group_id: str) -> Lines:
        """The newest messages and events of a group."""
        return self._past(group_id=int(group_id))

    def _past(self, *, user_id: int | None = None, group_id: int | None = None) -> Lines:
        account = self._client.account
        lines = []
        for message in self._client.history(user_id=user_id, group_id=group_id).messages:
            if message.event is None:
                lines.append(self._text.message_line(message))
            elif account is not None:
                lines.append(self._text.group_event(message, account) or "")
        return list(filter(None, lines)) or [self._text("nothing")]

    def mute(self, who: str, switch: str) -> Lines:
        """Mute the conversation with a user, or end that."""
        self._client.mute(user_id=self._user(who), muted=switch.strip() == "on")
        return None

    def mute_group(self, group_id: str, switch: str) -> Lines:
        """Mute a group, or end that."""
        self._client.mute(group_id=int(group_id), muted=switch.strip() == "on")
        return None

    def receipts(self, switch: str) -> Lines:
        """Let others see what this user has read, or not."""
        self._client.set_receipts(switch.strip() == "on")
        return None
