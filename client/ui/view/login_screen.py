"""LoginScreen: the windows of the login form, and its fields."""

from __future__ import annotations

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.layout import ConditionalContainer, Dimension, HSplit, VSplit, Window
from prompt_toolkit.layout.containers import AnyContainer
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import PasswordProcessor

from client.ui.model.login_form import ALL_FIELDS, SECRET, FormMode
from client.ui.model.screen_state import ScreenState
from client.ui.text.cells import clip, one_line, pad
from client.ui.text.styled_line import Line
from client.ui.view.controls import Flatten, Lines
from client.ui.view.text_bar import TextBars

_LABEL = 14
_FIELD = 40


class LoginScreen:
    """Draws the login form. The terminal's thread.

    Attributes:
        fields: the texts of the fields, by name.
        controls: their controls, which can get the cursor.
        container: all windows of the form.
    """

    def __init__(self, state: ScreenState, bars: TextBars) -> None:
        self._state = state
        self._chosen = ALL_FIELDS[0]
        self.fields = {name: Buffer(multiline=False) for name in ALL_FIELDS}
        self.controls = {
            name: BufferControl(
                buffer, input_processors=[PasswordProcessor() if name in SECRET else Flatten()]
            )
            for name, buffer in self.fields.items()
        }
        rows: list[AnyContainer] = [Window(Lines(self._head), height=self._head_rows)]
        rows += [self._row(name, control) for name, control in self.controls.items()]
        self.container = HSplit(
            [*rows, bars.window(self._line), Window(), bars.window(self._key_hints)]
        )

    @property
    def field(self) -> str:
        """The field that has the cursor, or gets it when the form gets the keys."""
        names = self._state.form.fields
        return self._chosen if self._chosen in names else names[0]

    @property
    def control(self) -> BufferControl:
        """The control of that field."""
        return self.controls[self.field]

    def choose(self, name: str) -> None:
        """Choose a field, if the mode of the form has it."""
        if name in self._state.form.fields:
            self._chosen = name

    def _row(self, name: str, control: BufferControl) -> ConditionalContainer:
        label = Window(
            Lines(lambda cells, rows: [self._label(name, cells)]), width=_LABEL, height=1
        )
        field = Window(control, height=1, width=_FIELD, style="class:form.field")
        row = VSplit([label, field, Window()], height=1)
        in_mode = Condition(lambda: name in self._state.form.fields)
        return ConditionalContainer(HSplit([row, Window(height=1)]), filter=in_mode)

    def _label(self, name: str, cells: int) -> Line:
        return [("", pad(f"  {self._state.texts(name)}", cells))]

    def _head_rows(self) -> Dimension:
        return Dimension.exact(5 if self._state.form.saved else 4)

    def _head(self, cells: int, rows: int) -> list[Line]:
        form, texts = self._state.form, self._state.texts
        tabs: Line = [("", "  ")]
        for mode in FormMode:
            style = "class:form.tab.on" if mode is form.mode else "class:form.tab"
            tabs += [(style, f" {texts(mode.value)} "), ("", "  ")]
        lines: list[Line] = [[], tabs, []]
        if form.saved:
            names = ", ".join(map(one_line, form.choices))
            lines.append([("class:note", clip(f"  {texts('saved logins', names=names)}", cells))])
        return [*lines, []]

    def _line(self) -> tuple[str, str]:
        form = self._state.form
        return "class:form.line.failed" if form.failed else "class:form.line", form.line

    def _key_hints(self) -> tuple[str, str]:
        form, texts = self._state.form, self._state.texts
        other = texts("register instead" if form.mode is FormMode.LOGIN else "sign in instead")
        key = "form keys busy" if form.busy else "form keys"
        return "class:note", texts(key, other=other)
