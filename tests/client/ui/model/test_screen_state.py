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


def test_key_target() -> None:
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


@pytest.mark.parametrize(
    ("columns", "cells"), [(20, 0), (55, 0), (56, 18), (80, 20), (100, 25), (200, 30)]
)
def test_list_cells(columns: int, cells: int) -> None:
    state = make_state()
    assert state.list_cells(columns) == cells
    state.toggle_list(columns)
    assert (state.list_cells(columns) == 0) is (cells > 0)
    state.toggle_list(columns)
    assert (state.list_cells(columns) == 0) is (cells == 0)
