"""ScreenState: everything that the screen shows, and the target of the keys. Pure.

RoomList holds the conversations. The rest is here: the login form, the notice, the question, the
search, and the page or the switcher that covers the conversation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from client.account.lifecycle import State, Status
from client.ui.model.input_history import InputHistory
from client.ui.model.login_form import LoginForm
from client.ui.model.page import Page
from client.ui.model.pending_line import PendingLine
from client.ui.model.room_list import RoomList
from client.ui.model.room_switcher import RoomSwitcher
from client.ui.model.search import Search
from client.ui.text.translations import Translations

NARROW = 56
"""Columns of a screen below which the list leaves its place to the messages."""

_LIST_SHARE = 4
_LIST_CELLS = (18, 30)


class KeyTarget(Enum):
    """The part of the screen that gets the keys."""

    FORM = auto()
    INPUT = auto()
    QUESTION = auto()
    PASSWORD = auto()
    SWITCHER = auto()
    SEARCH = auto()
    PAGE = auto()


@dataclass(frozen=True, slots=True)
class Notice:
    """One line that reports a result.

    Attributes:
        stays: until the next notice or key; otherwise it goes after some seconds.
    """

    text: str
    failed: bool = False
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is answered by y or n; ``yes`` is called for y, and ``no`` for n."""

    text: str
    yes: Callable[[], None]
    no: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class PasswordPrompt:
    """A line for a password, which is not shown; ``done`` gets it."""

    text: str
    done: Callable[[str], None]


class ScreenState:
    """The state of the terminal. Its thread.

    Attributes:
        texts: in the user's language.
        form: the login form, shown until ``logged_in``.
        rooms: the conversations of the logged-in user.
        logged_in: whether the conversations are shown, and not the form.
        status: the status of the client.
        unsent: the number of messages that the server has not confirmed.
        notice, question, password_prompt, page, switcher, search: None while they are not shown.
        input_history: the lines that were sent.
        draft_waits: whether the input line has a restored draft. The next Enter does not send it.
        pending: an entered line that waits for the server; None if there is none.
        wants_list: whether the user wants the list of conversations; None: decided by the width.
        focused: whether the terminal window has the focus, as far as the terminal reports it.
        bell: whether messages to the user ring.
        notify: the way of desktop notices: "off", or the number of an OSC sequence.
        theme: the name of the colours.
    """

    def __init__(self, texts: Translations, form: LoginForm) -> None:
        self.texts = texts
        self.form = form
        self.rooms = RoomList(0)
        self.logged_in = False
        self.status = Status(State.IDLE)
        self.unsent = 0
        self.notice: Notice | None = None
        self.question: Question | None = None
        self.password_prompt: PasswordPrompt | None = None
        self.page: Page | None = None
        self.switcher: RoomSwitcher | None = None
        self.search: Search | None = None
        self.input_history = InputHistory()
        self.wants_list: bool | None = None
        self.draft_waits = False
        self.pending: PendingLine | None = None
        self.focused = True
        self.bell = True
        self.notify = "off"
        self.theme = "dark"

    @property
    def key_target(self) -> KeyTarget:
        """The part of the screen that gets the keys."""
        if self.page is not None:
            return KeyTarget.PAGE
        if self.question is not None:
            return KeyTarget.QUESTION
        if not self.logged_in:
            return KeyTarget.FORM
        if self.password_prompt is not None:
            return KeyTarget.PASSWORD
        if self.switcher is not None:
            return KeyTarget.SWITCHER
        return KeyTarget.INPUT if self.search is None else KeyTarget.SEARCH

    @property
    def is_online(self) -> bool:
        """Whether the client is connected and logged in."""
        return self.status.state is State.ONLINE

    def say(self, text: str, *, failed: bool = False, stays: bool = False) -> None:
        """Show a notice. The text is escaped already."""
        self.notice = Notice(text, failed, stays)

    def ask(self, text: str, yes: Callable[[], None], no: Callable[[], None] | None = None) -> None:
        """Show a question in place of the notice."""
        self.notice = None
        self.question = Question(text, yes, no)

    def answer(self, yes: bool) -> None:
        """Answer the question, if one is shown."""
        question, self.question = self.question, None
        if question is not None and yes:
            question.yes()
        elif question is not None and question.no is not None:
            question.no()

    def ask_password(self, text: str, done: Callable[[str], None]) -> None:
        """Show a line for a password in place of the input line and the notice."""
        self.notice = None
        self.password_prompt = PasswordPrompt(text, done)

    def enter_password(self, password: str | None) -> None:
        """End the line for a password. None, or an empty one: it was cancelled."""
        prompt, self.password_prompt = self.password_prompt, None
        self.notice = None  # the one that explained the question
        if prompt is not None and password:
            prompt.done(password)

    def show_form(self) -> None:
        """Replace the conversations by the login form, and close all that covers them."""
        self.logged_in = False
        self.page = self.question = self.switcher = self.search = self.notice = None
        self.password_prompt = self.pending = None

    def list_cells(self, columns: int) -> int:
        """The width of the list of conversations on a screen of so many columns; 0 hides it."""
        wanted = columns >= NARROW if self.wants_list is None else self.wants_list
        if not wanted:
            return 0
        least, most = _LIST_CELLS
        return min(max(columns // _LIST_SHARE, least), most, max(columns - 2, 0))

    def toggle_list(self, columns: int) -> None:
        """Show the list of conversations, or hide it."""
        self.wants_list = self.list_cells(columns) == 0
