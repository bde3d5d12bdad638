from __future__ import annotations

import io

from prompt_toolkit.data_structures import Size
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from client.ui.text.links import style_of
from client.ui.view.link_style import LinkAttrs, LinkStyle
from client.ui.view.terminal_output import TerminalOutput


def test_the_link_is_an_attribute_like_a_colour() -> None:
    style = LinkStyle(Style.from_dict({"link": "underline"}))
    plain = style.get_attrs_for_style_str("class:other")
    one, two = (style.get_attrs_for_style_str(style_of(f"http://{name}")) for name in "ab")
    assert isinstance(one, LinkAttrs)
    assert one.underline
    assert one == style.get_attrs_for_style_str(style_of("http://a"))
    assert one != two
    assert two != plain
    assert plain != one


def test_the_output_begins_and_ends_links() -> None:
    written = io.StringIO()
    output = TerminalOutput(written, lambda: Size(24, 80), term="xterm")
    style = LinkStyle(Style.from_dict({"link": "underline"}))
    for part in ("", style_of("http://a"), style_of("http://b"), ""):
        output.set_attributes(style.get_attrs_for_style_str(part), ColorDepth.DEPTH_1_BIT)
        output.write("x")
    output.set_attributes(
        style.get_attrs_for_style_str(style_of("http://a")), ColorDepth.DEPTH_1_BIT
    )
    output.reset_attributes()
    output.flush()
    shown = written.getvalue()
    assert shown.count("\x1b]8;id=") == 3
    assert shown.count("\x1b]8;;\x1b\\") == 2
    assert shown.index(";http://a\x1b\\") < shown.index(";http://b\x1b\\")
    assert shown.endswith("\x1b]8;;\x1b\\\x1b[0m")


def test_a_console_without_links() -> None:
    written = io.StringIO()
    output = TerminalOutput(written, lambda: Size(24, 80), term="linux")
    style = LinkStyle(Style.from_dict({}))
    output.set_attributes(
        style.get_attrs_for_style_str(style_of("http://a")), ColorDepth.DEPTH_1_BIT
    )
    output.flush()
    assert "\x1b]8" not in written.getvalue()
