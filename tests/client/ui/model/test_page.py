from __future__ import annotations

from client.ui.model.page import Page


def test_scrolling_stays_on_the_page() -> None:
    page = Page("x", [[("", str(number))] for number in range(10)])
    assert len(page.visible(4)) == 4
    page.scroll(-5)
    assert page.offset == 0
    page.scroll(100)
    assert page.visible(4)[-1] == [("", "9")]
    assert len(page.visible(20)) == 10  # the window has grown
    assert page.offset == 0
