from __future__ import annotations

import pytest

from client.ui.model.login_form import Form
from client.ui.model.screen_state import Front, Scene, Switcher, Viewer
from client.ui.text.translations import Texts
from tests.client.ui.uikit import make_chats


def make_scene() -> Scene:
    return Scene(Texts("en"), Form([]))


def test_what_the_keys_go_to() -> None:
    scene = make_scene()
    assert scene.front is Front.FORM
    scene.signed_in = True
    assert scene.front is Front.INPUT
    scene.switcher = Switcher(make_chats(), scene.texts)
    assert scene.front is Front.SWITCHER
    scene.ask("sure?", lambda: None)
    assert scene.front is Front.QUESTION
    scene.viewer = Viewer("help", [])
    assert scene.front is Front.VIEWER


def test_a_question_is_answered_once() -> None:
    scene = make_scene()
    answers: list[str] = []
    scene.say("before")
    scene.ask("sure?", lambda: answers.append("yes"))
    assert scene.notice is None
    scene.answer(yes=False)
    scene.answer(yes=True)
    assert answers == []
    scene.ask("sure?", lambda: answers.append("yes"))
    scene.answer(yes=True)
    assert answers == ["yes"]
    assert scene.question is None


def test_a_page_is_scrolled_within_its_bounds() -> None:
    viewer = Viewer("x", [[("", str(number))] for number in range(10)])
    assert len(viewer.visible(4)) == 4
    viewer.scroll(-5)
    assert viewer.offset == 0
    viewer.scroll(100)
    assert viewer.visible(4)[-1] == [("", "9")]
    assert len(viewer.visible(20)) == 10  # the window has grown
    assert viewer.offset == 0


@pytest.mark.parametrize(
    ("columns", "cells"), [(20, 0), (55, 0), (56, 18), (80, 20), (100, 25), (200, 30)]
)
def test_how_wide_the_list_is(columns: int, cells: int) -> None:
    scene = make_scene()
    assert scene.list_cells(columns) == cells
    scene.toggle_list(columns)
    assert (scene.list_cells(columns) == 0) is (cells > 0)
    scene.toggle_list(columns)
    assert (scene.list_cells(columns) == 0) is (cells == 0)


def test_the_switcher() -> None:
    switcher = Switcher(make_chats(), Texts("en"))
    assert [room.title for room in switcher.rooms] == ["bob", "tea", "安妮"]
    switcher.move(-1)
    assert switcher.chosen is switcher.rooms[2]
    switcher.look_for("7")  # by number
    assert [room.title for room in switcher.rooms] == ["tea"]
    assert switcher.index == 0
    switcher.look_for("xyz")
    switcher.move(1)
    assert switcher.chosen is None
