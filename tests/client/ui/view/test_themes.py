from __future__ import annotations

import pytest

from client.ui.view.themes import NAME_COLOURS, THEMES, name_class, theme_of


def test_both_themes_have_the_same_classes() -> None:
    assert THEMES["dark"].keys() == THEMES["light"].keys()
    assert {name_class(number) for number in range(1, 100)} == {
        f"class:name.{number}" for number in range(NAME_COLOURS)
    }
    assert name_class(5) == name_class(5)


@pytest.mark.parametrize(
    ("value", "theme"),
    [("15;0", "dark"), ("0;15", "light"), ("0;default;7", "light"), ("", "dark"), ("x", "dark")],
)
def test_the_theme_of_the_terminal(value: str, theme: str) -> None:
    assert theme_of({"COLORFGBG": value}) == theme
    assert theme_of({}) == "dark"
