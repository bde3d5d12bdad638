"""Scene: everything that is to be seen, and what is in front. Pure; the view-model's other half.

Chats has the conversations; here is the rest: the form before them, notices, questions, what is
being searched for, and the pages of help and lists that are laid over the conversation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from client.account.lifecycle import State, Status
from client.ui.model.chats import Chats
from client.ui.model.login_form import Form
from client.ui.model.room import Room, RoomKey
from client.ui.model.room_title import room_title
from client.ui.model.search import Finding
from client.ui.text import fuzzy
from client.ui.text.styled_line import Line
from client.ui.text.translations import Texts

NARROW = 56
"""Columns below which the list gives its place to the messages."""

_LIST_SHARE = 4
_LIST_CELLS = (18, 30)


class Front(Enum):
    """What the keys go to."""

    FORM = auto()
    INPUT = auto()
    QUESTION = auto()
    SWITCHER = auto()
    SEARCH = auto()
    VIEWER = auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """One line about what was done or was not.

    Attributes:
        stays: until another takes its place or a key is pressed, and not only some seconds.
    """

    text: str
    failed: bool = False
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is answered by y or n."""

    text: str
    yes: Callable[[], None]


class Viewer:
    """A page that is read and closed: help, members, friends.

    Attributes:
        offset: the first line to be seen.
    """

    def __init__(self, title: str, lines: list[Line]) -> None:
        self.title = title
        self.lines = lines
        self.offset = 0
        self.height = 1

    def scroll(self, down: int) -> None:
        """Move by so many lines."""
        last = max(len(self.lines) - self.height, 0)
        self.offset = min(max(self.offset + down, 0), last)

    def visible(self, height: int) -> list[Line]:
        """What fits."""
        self.height = max(height, 1)
        self.scroll(0)
        return self.lines[self.offset : self.offset + self.height]


class Switcher:
    """Choosing a conversation by some letters of its name.

    Attributes:
        rooms: those that match, the best first.
        index: which of them is chosen.
    """

    def __init__(self, chats: Chats, texts: Texts) -> None:
        self._chats = chats
        self._texts = texts
        self.index = 0
        self.rooms: list[Room] = []
        self.look_for("")

    def look_for(self, query: str) -> None:
        """Other letters."""
        self.index = 0
        self.rooms = fuzzy.matches(query, self._chats.ordered(), self._name)

    def move(self, step: int) -> None:
        """To another one of them."""
        if self.rooms:
            self.index = (self.index + step) % len(self.rooms)

    @property
    def chosen(self) -> Room | None:
        """The room to go to."""
        return self.rooms[self.index] if self.rooms else None

    def _name(self, room: Room) -> str:
        return f"{room_title(room, self._chats, self._texts)} {room.key.id}"


class Scene:
    """What the terminal shows. Its thread.

    Attributes:
        texts: in the user's language.
        form: before one is logged in.
        chats: the conversations of whoever is.
        signed_in: whether the conversations are to be seen, or the form.
        status: of the client.
        unsent: messages that the server has not confirmed.
        notice, question, viewer, switcher, finding: what is in front, if anything.
        draft_waits: the input line has what was typed earlier; Enter does not send it yet.
        visiting: a conversation that is opened if the server knows of it.
        wants_list: whether the user wants to see the list of conversations.
        focused: whether the user looks at the terminal, as far as it tells.
        bell: whether it rings.
        notify: how desktop notices are shown: "off", or the number of an OSC sequence.
        theme: which colours there are.
    """

    def __init__(self, texts: Texts, form: Form) -> None:
        self.texts = texts
        self.form = form
        self.chats = Chats(0)
        self.signed_in = False
        self.status = Status(State.IDLE)
        self.unsent = 0
        self.notice: Notice | None = None
        self.question: Question | None = None
        self.viewer: Viewer | None = None
        self.switcher: Switcher | None = None
        self.finding: Finding | None = None
        self.wants_list: bool | None = None
        self.draft_waits = False
        self.visiting: RoomKey | None = None
        self.focused = True
        self.bell = True
        self.notify = "off"
        self.theme = "dark"

    @property
    def front(self) -> Front:
        """What the keys go to."""
        if self.viewer is not None:
            return Front.VIEWER
        if self.question is not None:
            return Front.QUESTION
        if not self.signed_in:
            return Front.FORM
        if self.switcher is not None:
            return Front.SWITCHER
        return Front.INPUT if self.finding is None else Front.SEARCH

    def say(self, text: str, *, failed: bool = False, stays: bool = False) -> None:
        """Show a notice, which is escaped already."""
        self.notice = Notice(text, failed, stays)

    def ask(self, text: str, yes: Callable[[], None]) -> None:
        """Ask something; ``yes`` is called if the answer is y."""
        self.notice = None
        self.question = Question(text, yes)

    def answer(self, yes: bool) -> None:
        """The question is answered."""
        question, self.question = self.question, None
        if question is not None and yes:
            question.yes()

    def list_cells(self, columns: int) -> int:
        """How wide the list of conversations is; 0 if it is not to be seen."""
        wanted = columns >= NARROW if self.wants_list is None else self.wants_list
        if not wanted:
            return 0
        least, most = _LIST_CELLS
        return min(max(columns // _LIST_SHARE, least), most, max(columns - 2, 0))

    def toggle_list(self, columns: int) -> None:
        """Show the list, or do not."""
        self.wants_list = self.list_cells(columns) == 0
