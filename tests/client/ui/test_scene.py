from __future__ import annotations

import pytest

from client.ui.form import Form
from client.ui.helping import one_command, whole_help
from client.ui.orders import COMMANDS
from client.ui.recall import MOST, Recall
from client.ui.scene import Front, Scene, Switcher, Viewer
from client.ui.texts import Texts
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


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("cells", [15, 30, 51, 52, 78, 200])
def test_help_names_every_command_and_fits(language: str, cells: int) -> None:
    from client.ui.cells import width

    lines = ["".join(text for _, text in line) for line in whole_help(Texts(language), cells)]
    whole = "\n".join(lines)
    for command in COMMANDS:
        assert command.usage in whole
    if cells >= 52:
        assert all(width(line) <= cells for line in lines)


def test_help_for_one_command() -> None:
    texts = Texts("en")
    assert one_command("/quit", texts) == one_command("QUIT", texts) == one_command("exit", texts)
    assert one_command("nothing", texts) is None


def test_what_was_sent_before() -> None:
    recall = Recall()
    assert recall.earlier("x") is None
    assert recall.later() is None
    for line in ("one", "two", "two", "three"):
        recall.add(line)
    assert [recall.earlier("half"), recall.earlier("?"), recall.earlier("?")] == [
        "three", "two", "one",
    ]  # fmt: skip
    assert recall.earlier("?") is None
    assert [recall.later(), recall.later(), recall.later(), recall.later()] == [
        "two", "three", "half", None,
    ]  # fmt: skip
    for number in range(MOST + 50):
        recall.add(str(number))
    assert len(recall._lines) == MOST
