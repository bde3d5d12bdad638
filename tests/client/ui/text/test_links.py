from __future__ import annotations

import pytest

from client.ui.text.links import fragments, links_in, style_of


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
