"""Screen: the windows of the terminal and what is in them.

::

    title
    list │ messages            or the form; or a page of help over everything
    banner, notice             only when there is something to say
    status
    > input                    or a question, or what is searched for
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

from client.ui.model.chats import Chats
from client.ui.model.login_form import ALL_FIELDS, SECRET, FormMode
from client.ui.model.room_title import room_title
from client.ui.model.screen_state import KeyTarget, ScreenState
from client.ui.text.cells import clip, one_line, pad, width
from client.ui.text.styled_line import Line
from client.ui.text.wrap import wrap
from client.ui.view import bars
from client.ui.view.controls import Flatten, Lines, TabCompleter
from client.ui.view.message_view import MessageView

_INPUT_ROWS = 6
_MENU_ROWS = 8
_LABEL = 12
_FIELD = 40


class Screen:
    """Draws a state. The terminal's thread.

    Attributes:
        input: the line in which messages are typed.
        prompt: the line for a name or a search.
        fields: of the form, by name.
        layout: prompt_toolkit's.
    """

    def __init__(
        self, state: ScreenState, message_view: MessageView, server: str, columns: Callable[[], int]
    ) -> None:
        self._state = state
        self._message_view = message_view
        self._server = server
        self._columns = columns
        self.input = Buffer(completer=TabCompleter(lambda: state.chats), multiline=True)
        self.prompt = Buffer(multiline=False)
        self.fields = {name: Buffer(multiline=False) for name in ALL_FIELDS}
        self._input_control = BufferControl(self.input, input_processors=[Flatten()])
        self._prompt_control = BufferControl(self.prompt, input_processors=[Flatten()])
        self._field_controls = {
            name: BufferControl(
                buffer, input_processors=[PasswordProcessor() if name in SECRET else Flatten()]
            )
            for name, buffer in self.fields.items()
        }
        self._field = ALL_FIELDS[0]  # has the cursor, or gets it back
        self._idle_control = FormattedTextControl("", focusable=True, show_cursor=False)
        self.layout = Layout(self._build(), focused_element=self._field_controls["id"])

    # ------------------------------------------------------------------ where the keys go

    def focus(self) -> None:
        """Give the cursor to what is in front."""
        front = self._state.key_target
        if front is KeyTarget.FORM:
            field = self._field_controls[self.field]
            if self.layout.current_control is not field:
                self.layout.focus(field)
            return
        control = {
            KeyTarget.INPUT: self._input_control,
            KeyTarget.SWITCHER: self._prompt_control,
            KeyTarget.SEARCH: self._prompt_control,
        }.get(front, self._idle_control)
        if self.layout.current_control is not control:
            if control is self._prompt_control:
                begun = "" if self._state.search is None else self._state.search.text
                self.prompt.reset(Document(begun, len(begun)))
            self.layout.focus(control)

    @property
    def field(self) -> str:
        """The field of the form that has the cursor, or gets it back from what is in front."""
        names = self._state.form.fields
        return self._field if self._field in names else names[0]

    def go_to_field(self, name: str) -> None:
        """Give the cursor to a field of the form."""
        if name in self._state.form.fields:
            self._field = name
            if self._state.key_target is KeyTarget.FORM:
                self.layout.focus(self._field_controls[name])

    def step_field(self, step: int) -> None:
        """To the next (1) or previous (-1) field."""
        names = self._state.form.fields
        self.go_to_field(names[(names.index(self.field) + step) % len(names)])

    # ------------------------------------------------------------------ building

    def _build(self) -> FloatContainer:
        state = self._state
        in_form = Condition(lambda: not state.logged_in)
        page_open = Condition(lambda: state.page is not None)
        body = HSplit(
            [
                _bar(self._title),
                ConditionalContainer(self._page(), filter=page_open),
                ConditionalContainer(self._form(), filter=in_form & ~page_open),
                ConditionalContainer(self._conversations(), filter=~in_form & ~page_open),
                self._wrapped(self._banner),
                self._wrapped(self._notice),
                ConditionalContainer(_bar(self._status), filter=~in_form),
                ConditionalContainer(self._bottom(), filter=~in_form | page_open | self._asking),
            ]
        )
        menu = CompletionsMenu(max_height=_MENU_ROWS, scroll_offset=1)
        return FloatContainer(body, [Float(menu, xcursor=True, ycursor=True)])

    @property
    def _asking(self) -> Condition:
        return Condition(lambda: self._state.question is not None)

    def _conversations(self) -> VSplit:
        state = self._state
        has_list = Condition(lambda: self._list_cells() > 0)
        listing = Window(Lines(self._list), width=lambda: Dimension.exact(self._list_cells()))
        return VSplit(
            [
                ConditionalContainer(listing, filter=has_list),
                ConditionalContainer(
                    Window(width=1, char="│", style="class:frame"), filter=has_list
                ),
                ConditionalContainer(
                    Window(Lines(self._switcher)),
                    filter=Condition(lambda: state.switcher is not None),
                ),
                ConditionalContainer(
                    Window(Lines(self._messages)),
                    filter=Condition(lambda: state.switcher is None),
                ),
            ]
        )

    def _page(self) -> Window:
        return Window(Lines(self._viewer))

    def _bottom(self) -> HSplit:
        fronts = {
            KeyTarget.INPUT: Window(
                self._input_control,
                height=Dimension(min=1, max=_INPUT_ROWS),
                wrap_lines=True,
                dont_extend_height=True,
                get_line_prefix=_input_prefix,
            ),
            KeyTarget.SWITCHER: self._labelled(self._prompt_control, "switch to"),
            KeyTarget.SEARCH: self._labelled(self._prompt_control, "search for"),
        }
        rows: list[AnyContainer] = [
            ConditionalContainer(window, filter=self._is_in_front(front))
            for front, window in fronts.items()
        ]
        idle = Window(self._idle_control, width=1, height=1)
        others = Condition(lambda: self._state.key_target in (KeyTarget.QUESTION, KeyTarget.PAGE))
        question = VSplit([self._wrapped(self._question, beside=1), idle])
        rows.append(ConditionalContainer(question, filter=others))
        return HSplit(rows)

    def _wrapped(
        self, draw: Callable[[], tuple[str, str]], beside: int = 0
    ) -> ConditionalContainer:
        """A bar of as many rows as its text needs, and none if there is no text.

        ``draw`` returns style and text. ``beside``: cells of the row that other bars use.
        """

        def lines(cells: int) -> list[Line]:
            return bars.wrapped(*draw(), cells)

        def rows() -> Dimension:
            return Dimension(min=1, preferred=max(len(lines(self._columns() - beside)), 1))

        window = Window(
            Lines(lambda cells, rows: lines(cells)), height=rows, dont_extend_height=True
        )
        return ConditionalContainer(window, filter=Condition(lambda: bool(draw()[1])))

    def _is_in_front(self, front: KeyTarget) -> Condition:
        return Condition(lambda: self._state.key_target is front)

    def _labelled(self, control: BufferControl, key: str) -> Window:
        def prefix(line: int, wrapped: int) -> StyleAndTextTuples:
            return [("class:prompt", self._state.texts(key) + " ")]

        return Window(control, height=1, get_line_prefix=prefix)

    def _form(self) -> HSplit:
        rows: list[AnyContainer] = [Window(Lines(self._form_head), height=self._form_head_rows)]
        for name, control in self._field_controls.items():
            label = Window(self._label(name), width=_LABEL, height=1)
            field = Window(control, height=1, width=_FIELD, style="class:form.field")
            row = VSplit([label, field, Window()], height=1)
            rows.append(
                ConditionalContainer(
                    HSplit([row, Window(height=1)]), filter=self._is_asked_for(name)
                )
            )
        rows.append(self._wrapped(self._form_line))
        rows.append(Window())
        rows.append(self._wrapped(self._form_keys))
        return HSplit(rows)

    # ------------------------------------------------------------------ drawing

    def _list_cells(self) -> int:
        return self._state.list_cells(self._columns())

    def _title(self, cells: int) -> Line:
        if self._state.page is not None:
            return [("class:title", pad(f" {self._state.page.title}", cells))]
        state = self._state
        chats = state.chats if state.logged_in else Chats(0)  # a login may still be refused
        return bars.title_line(chats, state.texts, cells, self._server)

    def _status(self, cells: int) -> Line:
        state = self._state
        room = state.chats.current
        below = room is not None and room.anchor is not None
        shown, above = self._message_view.shown, 0
        if room is not None and shown is not None and shown.room is room:
            above = room.unread_above(shown.first)
        return bars.status_line(
            state.chats, state.texts, cells, state.status.state, state.unsent, below, above
        )

    def _banner(self) -> tuple[str, str]:
        is_in = self._state.logged_in or self._state.form.busy
        banner = bars.banner if is_in else bars.form_banner
        return "class:banner", banner(self._state.status, self._state.texts, time.monotonic())

    def _notice(self) -> tuple[str, str]:
        notice = self._state.notice
        if notice is None:
            return "", ""
        return "class:notice.error" if notice.failed else "class:notice", notice.text

    def _question(self) -> tuple[str, str]:
        question = self._state.question
        if question is not None:
            return "class:question", question.text
        return "class:note", self._state.texts("viewer keys")

    def _list(self, cells: int, rows: int) -> list[Line]:
        return bars.list_lines(self._state.chats, self._state.texts, cells, rows, time.time())

    def _messages(self, cells: int, rows: int) -> list[Line]:
        room = self._state.chats.current
        if room is None:
            return _centred(self._welcome(), cells, rows)
        return self._message_view.draw(room, cells, rows, self._state.search)

    def _welcome(self) -> list[str]:
        chats, texts = self._state.chats, self._state.texts
        if chats.ordered():
            return [texts("choose")]
        user_id, name = chats.me
        keys = ("add", "chat", "create", "join", "help")
        greeting = texts("welcome", name=clip(one_line(name), _FIELD), id=user_id)
        return [greeting, "", *(texts(f"welcome {key}") for key in keys)]

    def _switcher(self, cells: int, rows: int) -> list[Line]:
        switcher = self._state.switcher
        if switcher is None:
            return []
        first = max(0, switcher.index - rows + 1)
        lines: list[Line] = []
        for number, room in enumerate(switcher.rooms[first : first + rows], first):
            title = room_title(room, self._state.chats, self._state.texts)
            style = "class:list.current" if number == switcher.index else ""
            badge = f"  {room.unread}" if room.unread else ""
            lines.append([(style, pad(f" {title} ({room.key.id}){badge}", cells))])
        return lines

    def _viewer(self, cells: int, rows: int) -> list[Line]:
        page = self._state.page
        return [] if page is None else page.visible(rows)

    # ------------------------------------------------------------------ the form

    def _form_head_rows(self) -> Dimension:
        return Dimension.exact(5 if self._state.form.saved else 4)

    def _form_head(self, cells: int, rows: int) -> list[Line]:
        form, texts = self._state.form, self._state.texts
        tabs: Line = [("", "  ")]
        for mode in FormMode:
            on = mode is form.mode
            style = "class:form.tab.on" if on else "class:form.tab"
            tabs += [(style, f" {texts(mode.value)} "), ("", "  ")]
        lines: list[Line] = [[], tabs, []]
        if form.saved:
            names = ", ".join(f"{one_line(one.name)} ({one.user_id})" for one in form.saved)
            lines.append([("class:note", clip(f"  {texts('saved logins', names=names)}", cells))])
        return [*lines, []]

    def _label(self, name: str) -> Lines:
        return Lines(lambda cells, rows: [[("", pad(f"  {self._state.texts(name)}", cells))]])

    def _is_asked_for(self, name: str) -> Condition:
        return Condition(lambda: name in self._state.form.fields)

    def _form_line(self) -> tuple[str, str]:
        form = self._state.form
        return "class:form.line.failed" if form.failed else "class:form.line", form.line

    def _form_keys(self) -> tuple[str, str]:
        form, texts = self._state.form, self._state.texts
        other = texts("register instead" if form.mode is FormMode.LOGIN else "sign in instead")
        key = "form keys busy" if form.busy else "form keys"
        return "class:note", texts(key, other=other)


def _bar(draw: Callable[[int], Line]) -> Window:
    return Window(Lines(lambda cells, rows: [draw(cells)]), height=1)


def _input_prefix(line: int, wrapped: int) -> StyleAndTextTuples:
    return [("class:prompt", "> " if line == 0 and wrapped == 0 else "  ")]


def _centred(texts: list[str], cells: int, rows: int) -> list[Line]:
    """Some lines in the middle, as a block."""
    texts = [piece for text in texts for piece in wrap(text, max(cells - 2, 1))]
    indent = max((cells - max(map(width, texts))) // 2, 0)
    above = max((rows - len(texts)) // 2, 0)
    lines: list[Line] = [[("", " " * indent + text)] for text in texts]
    return [*([] for _ in range(above)), *lines][:rows]
