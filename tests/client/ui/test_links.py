from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from client.ui.links import LinkAttrs, LinkStyle, fragments, links_in, opener, style_of
from client.ui.output import TerminalOutput, notice_sequence


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("nothing here", []),
        ("see http://a.example/b.", ["http://a.example/b"]),
        ("(https://a.example/x_(y))", ["https://a.example/x_(y)"]),
        ("http://a.example, https://b.example!", ["http://a.example", "https://b.example"]),
        ("看http://a.example/路", ["http://a.example/"]),
        ("http:// and https://...", []),
        ("ftp://a.example javascript://x", []),
        ('<a href="http://a.example/">', ["http://a.example/"]),
        ("http://" + "x" * 3000, []),
    ],
)
def test_addresses(text: str, urls: list[str]) -> None:
    links = links_in(text)
    assert [link.url for link in links] == urls
    assert all(text[link.start : link.end] == link.url for link in links)


def test_an_address_over_two_lines_is_one_link() -> None:
    text = "see http://a.example/long now"
    links = links_in(text)
    style = "class:mention " + style_of("http://a.example/long")
    mention = "class:mention"
    assert fragments("see http://a.e", 0, links, mention) == [
        (mention, "see "),
        (style, "http://a.e"),
    ]
    assert fragments("xample/long now", 14, links, mention) == [
        (style, "xample/long"),
        (mention, " now"),
    ]
    assert fragments("", 0, links, "") == [("", "")]


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


def test_a_console_that_knows_no_links() -> None:
    written = io.StringIO()
    output = TerminalOutput(written, lambda: Size(24, 80), term="linux")
    style = LinkStyle(Style.from_dict({}))
    output.set_attributes(
        style.get_attrs_for_style_str(style_of("http://a")), ColorDepth.DEPTH_1_BIT
    )
    output.flush()
    assert "\x1b]8" not in written.getvalue()


def test_what_opens_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://a.example/;x"
    assert opener({"BROWSER": sys.executable}, url) == [sys.executable, url]
    wanted = {"BROWSER": f"{sys.executable} -m 'web %s':other"}
    assert opener(wanted, url) == [sys.executable, "-m", f"web {url}"]
    assert opener({"BROWSER": "no-such-program"}, url) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert opener({}, url) is None
    (tmp_path / "xdg-open").write_text("#!/bin/sh\n", encoding="ascii")
    (tmp_path / "xdg-open").chmod(0o755)
    assert opener({}, url) == ["xdg-open", url]


def test_desktop_notices() -> None:
    assert notice_sequence("9", "bob", "4; hi") == "\x1b]9;bob: 4; hi\x07"
    assert notice_sequence("777", "b;b", "hi") == "\x1b]777;notify;b,b;hi\x07"
