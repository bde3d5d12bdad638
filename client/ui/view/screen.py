"""Screen: the windows of the terminal and their content.

::

    title
    rooms │ messages           or the login form, or a page over everything
    banner, notice             only while they have a text
    status
    > input                    or a question, or the text to search
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import (
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    HSplit,
    Layout,
    VSplit,
    Window,
)
from prompt_toolkit.layout.containers import AnyContainer
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import PasswordProcessor

from client.ui.model.hit_list import HitList
from client.ui.model.room_list import RoomList
from client.ui.model.screen_state import KeyTarget, ScreenState
from client.ui.text.cells import clip, one_line, pad, width
from client.ui.text.styled_line import Line
from client.ui.text.wrap import wrap
from client.ui.view import bars
from client.ui.view.banner import banner, form_banner
from client.ui.view.controls import Flatten, Lines, TabCompleter
from client.ui.view.login_screen import LoginScreen
from client.ui.view.message_view import MessageView
from client.ui.view.room_list_view import list_lines, overview_lines, switcher_lines
from client.ui.view.text_bar import TextBars, one_row

_INPUT_ROWS = 6
_MENU_ROWS = 8
_GREETING_NAME = 40  # cells


class Screen:
    """Draws a ScreenState. The terminal's thread.

    Attributes:
        input: the text of the input line.
        prompt: the text of the room switcher and of the search.
        password: the password that is being typed.
        login_screen: the login form.
        layout: prompt_toolkit's, for the Application.
    """

    def __init__(
        self,
        state: ScreenState,
        message_view: MessageView,
        server: str,
        columns: Callable[[], int],
    ) -> None:
        """``server``: its address as it is shown. ``columns``: the width of the screen."""
        self._state = state
        self._message_view = message_view
        self._server = server
        self._columns = columns
        self._bars = TextBars(columns)
        self.input = Buffer(completer=TabCompleter(lambda: state.rooms), multiline=True)
        self.prompt = Buffer(multiline=False)
        self.password = Buffer(multiline=False)
        self.login_screen = LoginScreen(state, self._bars)
        self._input_control = BufferControl(self.input, input_processors=[Flatten()])
        self._prompt_control = BufferControl(self.prompt, input_processors=[Flatten()])
        self._password_control = BufferControl(
            self.password, input_processors=[PasswordProcessor()]
        )
        self._idle_control = FormattedTextControl("", focusable=True, show_cursor=False)
        self.layout = Layout(self._build(), focused_element=self.login_screen.control)

    # ------------------------------------------------------------------ the cursor

    def focus(self) -> None:
        """Give the cursor to the target of the keys."""
        target = self._state.key_target
        control = {
            KeyTarget.FORM: self.login_screen.control,
            KeyTarget.INPUT: self._input_control,
            KeyTarget.SWITCHER: self._prompt_control,
            KeyTarget.SEARCH: self._prompt_control,
            KeyTarget.PASSWORD: self._password_control,
        }.get(target, self._idle_control)
        if self.layout.current_control is control:
            return
        if control is self._prompt_control:
            begun = "" if self._state.search is None else self._state.search.text
            self.prompt.reset(Document(begun, len(begun)))
        self.layout.focus(control)

    def focus_field(self, name: str) -> None:
        """Give the cursor to a field of the login form, if the form gets the keys."""
        self.login_screen.choose(name)
        if self._state.key_target is KeyTarget.FORM:
            self.focus()

    # ------------------------------------------------------------------ windows

    def _build(self) -> FloatContainer:
        state = self._state
        in_form = Condition(lambda: not state.logged_in)
        on_page = Condition(lambda: state.page is not None)
        is_asking = Condition(lambda: state.question is not None)
        body = HSplit(
            [
                one_row(self._title),
                ConditionalContainer(Window(Lines(self._page)), filter=on_page),
                ConditionalContainer(self.login_screen.container, filter=in_form & ~on_page),
                ConditionalContainer(self._conversation(), filter=~in_form & ~on_page),
                self._bars.window(self._banner),
                self._bars.window(self._notice),
                ConditionalContainer(one_row(self._status), filter=~in_form),
                ConditionalContainer(self._bottom(), filter=~in_form | on_page | is_asking),
            ]
        )
        menu = CompletionsMenu(max_height=_MENU_ROWS, scroll_offset=1)
        return FloatContainer(body, [Float(menu, xcursor=True, ycursor=True)])

    def _conversation(self) -> VSplit:
        state = self._state
        has_list = Condition(lambda: self._list_cells() > 0)
        switching = Condition(lambda: state.switcher is not None)
        rooms = Window(Lines(self._rooms), width=lambda: Dimension.exact(self._list_cells()))
        frame = Window(width=1, char="│", style="class:frame")
        return VSplit(
            [
                ConditionalContainer(rooms, filter=has_list),
                ConditionalContainer(frame, filter=has_list),
                ConditionalContainer(Window(Lines(self._switcher)), filter=switching),
                ConditionalContainer(Window(Lines(self._messages)), filter=~switching),
            ]
        )

    def _bottom(self) -> HSplit:
        state = self._state
        input_window = Window(
            self._input_control,
            height=Dimension(min=1, max=_INPUT_ROWS),
            wrap_lines=True,
            dont_extend_height=True,
            get_line_prefix=_input_prefix,
        )
        windows = {
            KeyTarget.INPUT: input_window,
            KeyTarget.SWITCHER: self._labelled(
                self._prompt_control, lambda: state.texts("switch to")
            ),
            KeyTarget.SEARCH: self._labelled(
                self._prompt_control, lambda: state.texts("search for")
            ),
            KeyTarget.PASSWORD: self._labelled(self._password_control, self._password_label),
        }
        rows: list[AnyContainer] = [
            ConditionalContainer(window, filter=self._gets_keys(target))
            for target, window in windows.items()
        ]
        idle = Window(self._idle_control, width=1, height=1)
        question = VSplit([self._bars.window(self._question, beside=1), idle])
        shows_question = self._gets_keys(KeyTarget.QUESTION) | self._gets_keys(KeyTarget.PAGE)
        return HSplit([*rows, ConditionalContainer(question, filter=shows_question)])

    def _gets_keys(self, target: KeyTarget) -> Condition:
        return Condition(lambda: self._state.key_target is target)

    def _labelled(self, control: BufferControl, label: Callable[[], str]) -> Window:
        def prefix(line: int, wrapped: int) -> StyleAndTextTuples:
            return [("class:prompt", label() + " ")]

        return Window(control, height=1, get_line_prefix=prefix)

    # ------------------------------------------------------------------ content

    def _list_cells(self) -> int:
        return self._state.list_cells(self._columns())

    def _title(self, cells: int) -> Line:
        state = self._state
        if state.page is not None:
            return [("class:title", pad(f" {state.page.title}", cells))]
        rooms = state.rooms if state.logged_in else RoomList(0)  # the login is not confirmed yet
        return bars.title_line(rooms, state.texts, cells, self._server)

    def _status(self, cells: int) -> Line:
        room = self._state.rooms.current
        below = room is not None and room.is_above_end
        shown, above = self._message_view.shown, 0
        if room is not None and shown is not None and shown.room is room:
            above = room.unread_above(shown.first)
        return bars.status_line(self._state, cells, below=below, above=above)

    def _banner(self) -> tuple[str, str]:
        state = self._state
        text_of = banner if state.logged_in or state.form.busy else form_banner
        return "class:banner", text_of(state.status, state.texts, time.monotonic())

    def _notice(self) -> tuple[str, str]:
        notice = self._state.notice
        if notice is None:
            return "", ""
        return "class:notice.error" if notice.failed else "class:notice", notice.text

    def _password_label(self) -> str:
        prompt = self._state.password_prompt
        return "" if prompt is None else prompt.text

    def _question(self) -> tuple[str, str]:
        question = self._state.question
        if question is not None:
            return "class:question", question.text
        on_hits = isinstance(self._state.page, HitList)
        return "class:note", self._state.texts("hit keys" if on_hits else "page keys")

    def _rooms(self, cells: int, rows: int) -> list[Line]:
        return list_lines(self._state.rooms, self._state.texts, cells, rows, time.time())

    def _messages(self, cells: int, rows: int) -> list[Line]:
        room = self._state.rooms.current
        if room is None:
            return self._overview(cells, rows) or _centred(self._welcome(), cells, rows)
        return self._message_view.draw(room, cells, rows, self._state.search)

    def _overview(self, cells: int, rows: int) -> list[Line]:
        """The conversations with their last messages, and how to open one."""
        state = self._state
        hint: list[Line] = [
            [("class:note", piece)] for piece in wrap(state.texts("choose"), max(cells, 1))
        ]
        room_for = max(rows - len(hint) - 1, 0)
        found = overview_lines(state.rooms, state.texts, cells, room_for, time.time())
        return [*hint, [], *found] if found else []

    def _welcome(self) -> list[str]:
        rooms, texts = self._state.rooms, self._state.texts
        if rooms.ordered():
            return [texts("choose")]
        user_id, name = rooms.directory.me
        keys = ("add", "chat", "create", "join", "help")
        greeting = texts("welcome", name=clip(one_line(name), _GREETING_NAME), id=user_id)
        return [greeting, "", *(texts(f"welcome {key}") for key in keys)]

    def _switcher(self, cells: int, rows: int) -> list[Line]:
        state = self._state
        if state.switcher is None:
            return []
        return switcher_lines(state.switcher, state.rooms, state.texts, cells, rows)

    def _page(self, cells: int, rows: int) -> list[Line]:
        page = self._state.page
        return [] if page is None else page.visible(rows)


def _input_prefix(line: int, wrapped: int) -> StyleAndTextTuples:
    return [("class:prompt", "> " if line == 0 and wrapped == 0 else "  ")]


def _centred(texts: list[str], cells: int, rows: int) -> list[Line]:
    """The texts as a block in the middle."""
    texts = [piece for text in texts for piece in wrap(text, max(cells - 2, 1))]
    indent = max((cells - max(map(width, texts))) // 2, 0)
    above = max((rows - len(texts)) // 2, 0)
    lines: list[Line] = [[("", " " * indent + text)] for text in texts]
    return [*([] for _ in range(above)), *lines][:rows]
