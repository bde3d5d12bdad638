from __future__ import annotations

import pytest

from client.ui.model.login_form import LoginForm
from client.ui.model.page import Page
from client.ui.model.room_switcher import RoomSwitcher
from client.ui.model.screen_state import KeyTarget, ScreenState
from client.ui.text.translations import Translations
from tests.client.ui.uikit import make_rooms


def make_state() -> ScreenState:
    return ScreenState(Translations("en"), LoginForm([]))


def target(state: ScreenState) -> KeyTarget:
    return state.key_target


def test_what_the_keys_go_to() -> None:
    state = make_state()
    assert target(state) is KeyTarget.FORM
    state.logged_in = True
    assert target(state) is KeyTarget.INPUT
    state.switcher = RoomSwitcher(make_rooms(), state.texts)
    assert target(state) is KeyTarget.SWITCHER
    state.ask("sure?", lambda: None)
    assert target(state) is KeyTarget.QUESTION
    state.page = Page("help", [])
    assert target(state) is KeyTarget.PAGE


def test_a_question_is_answered_once() -> None:
    state = make_state()
    answers: list[str] = []
    state.say("before")
    state.ask("sure?", lambda: answers.append("yes"))
    assert state.notice is None
    state.answer(yes=False)
    state.answer(yes=True)
    assert answers == []
    state.ask("sure?", lambda: answers.append("yes"))
    state.answer(yes=True)
    assert answers == ["yes"]
    assert state.question is None


def test_a_page_is_scrolled_within_its_bounds() -> None:
    page = Page("x", [[("", str(number))] for number in range(10)])
    assert len(page.visible(4)) == 4
    page.scroll(-5)
    assert page.offset == 0
    page.scroll(100)
    assert page.visible(4)[-1] == [("", "9")]
    assert len(page.visible(20)) == 10  # the window has grown
    assert page.offset == 0


@pytest.mark.parametrize(
    ("columns", "cells"), [(20, 0), (55, 0), (56, 18), (80, 20), (100, 25), (200, 30)]
)
def test_how_wide_the_list_is(columns: int, cells: int) -> None:
    state = make_state()
    assert state.list_cells(columns) == cells
    state.toggle_list(columns)
    assert (state.list_cells(columns) == 0) is (cells > 0)
    state.toggle_list(columns)
    assert (state.list_cells(columns) == 0) is (cells == 0)


def test_the_switcher() -> None:
    switcher = RoomSwitcher(make_rooms(), Translations("en"))
    assert [room.title for room in switcher.matches] == ["bob", "tea", "安妮"]
    switcher.move(-1)
    assert switcher.chosen is switcher.matches[2]
    switcher.set_query("7")  # by number
    assert [room.title for room in switcher.matches] == ["tea"]
    assert switcher.index == 0
    switcher.set_query("xyz")
    switcher.move(1)
    assert switcher.chosen is None
