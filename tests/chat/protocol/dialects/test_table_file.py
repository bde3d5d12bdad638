"""Tables from TOML: the installed ones, an operator's, and mistakes in them."""

from __future__ import annotations

import pytest

from chat.protocol.dialects import TUTORIAL, Table, TableError, parse_table
from tests.chat.protocol.dialects.dialectkit import BY_NAME, CONF, FAMILIES

NUMBERS = {  # login, ack, logout, register, ack, chat, add friend, create, join, group chat
    "tutorial": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "reg3": (1, 2, 10, 3, 4, 5, 6, 7, 8, 9),
    "thousand": (1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009),
    "ack5": (1, 5, 2, 3, 4, 6, 7, 8, 9, 10),
    "logout11": (1, 2, 11, 4, 5, 6, 7, 8, 9, 10),
    "to": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "errnum": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "passwd": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    "unterminated": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
}


def test_all_families_are_shipped() -> None:
    files = {path.stem for path in CONF.glob("*.toml")}
    assert files | {"tutorial"} == set(FAMILIES) == set(NUMBERS)


@pytest.mark.parametrize("family", NUMBERS)
def test_numbers_of_the_families(family: str) -> None:
    login, login_ack, logout, register, register_ack, *rest = NUMBERS[family]
    table = BY_NAME[family]
    meant = [table.requests[number] for number in (login, logout, register, *rest)]
    assert meant == [1, 3, 4, 6, 7, 8, 9, 10]
    sent = [table.numbers[number] for number in (2, 5, 6, 10)]
    assert sent == [login_ack, register_ack, rest[0], rest[-1]]
    assert table.numbers[31] == 31


def test_an_empty_file_is_the_tutorial_s() -> None:
    table = parse_table("same", "")
    assert table.reads_as(TUTORIAL)
    assert (table.numbers, table.answer) == (TUTORIAL.numbers, TUTORIAL.answer)
    assert table.writes_plainly
    assert not table.unterminated


def test_errnum_alone_reads_as_the_tutorial() -> None:
    assert [name for name in FAMILIES if BY_NAME[name].reads_as(TUTORIAL)] == ["tutorial", "errnum"]


@pytest.mark.parametrize(("family", "plain"), [("logout11", True), ("reg3", False), ("to", False)])
def test_writes_plainly(family: str, plain: bool) -> None:
    assert BY_NAME[family].writes_plainly is plain


def test_everything_at_once() -> None:
    table = parse_table(
        "own-1",
        """
        [numbers]
        login = 20
        logout = [21, 22]
        error = 99
        [request]
        msgid = "msgId"
        friendid = ["friendId", "friendid"]
        [answer]
        msgid = "msgId"
        friends = "friendlist"
        errno = "err"
        [friend]
        state = "status"
        [group]
        users = "groupusers"
        [member]
        id = "userid"
        name = "username"
        [message]
        name = ["name", "from"]
        [frames]
        terminator = "none"
        """,
    )
    assert [table.requests.get(number) for number in (20, 21, 22, 1, 3, 4)] == [
        1,
        3,
        3,
        None,
        None,
        4,
    ]
    assert (table.numbers[31], table.numbers.get(27)) == (99, None)
    assert table.number_names == ("msgId",)
    assert table.fields["friendId"] == table.fields["friendid"] == "friendid"
    assert "msgid" not in table.fields
    assert table.answer == {"msgid": ("msgId",), "friends": ("friendlist",), "errno": ("err",)}
    assert table.friend == {"state": ("status",)}
    assert table.group == {"users": ("groupusers",)}
    assert table.member == {"id": ("userid",), "name": ("username",)}
    assert table.message == {"name": ("name", "from")}
    assert table.unterminated


def test_names_may_change_places() -> None:
    table = parse_table("own", '[request]\nid = "name"\nname = "id"\n')
    assert (table.fields["id"], table.fields["name"]) == ("name", "id")


def test_a_client_with_another_31_gets_no_errors() -> None:
    table = parse_table("own", "[numbers]\nchat = 31\n")
    assert 31 not in {meant for meant in table.numbers if meant == 31}
    assert table.numbers[6] == 31


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[numbers", "Expected ']'"),
        ("[number]", "unknown section [number]; there are numbers, request, frames, answer"),
        ("numbers = 1", "numbers: is a section, write [numbers]"),
        ("[numbers]\nsignup = 3", "unknown key numbers.signup; there are login, logout"),
        ("[numbers]\nregister = 3", "numbers: 3 is given twice, to logout and register"),
        ("[numbers]\nlogin_ack = 10", "numbers: 10 is given twice, to group_chat and login_ack"),
        ("[numbers]\nlogout = [11, 11]", "numbers: 11 is given twice, to logout and logout"),
        ("[numbers]\nlogout = []", "numbers.logout: has no number"),
        ("[numbers]\nchat = -1", "numbers.chat: must be an integer from 0 to"),
        ("[numbers]\nchat = true", "numbers.chat: must be an integer"),
        ('[numbers]\nchat = "5"', "numbers.chat: must be an integer"),
        ("[numbers]\nlogin_ack = [2, 3]", "numbers.login_ack: must be an integer"),
        ('[request]\nreceiver = "to"', "unknown key request.receiver; there are msgid, id"),
        ('[friend]\nrole = "x"', "unknown key friend.role; there are id, name, state"),
        ("[request]\ntoid = 5", "request.toid: must be a name or an array of names"),
        ("[request]\ntoid = []", "request.toid: must be a name"),
        ('[request]\ntoid = [""]', "request.toid: must be a name"),
        ('[request]\ntoid = ["to", "to"]', "request.toid: has a name twice"),
        ('[request]\ntoid = "id"', "request: 'id' stands for both id and toid"),
        ('[message]\nname = ["name", "msg"]', "message: 'msg' stands for both name and msg"),
        ('[frames]\nend = "nul"', "unknown key frames.end; there are terminator"),
        ('[frames]\nterminator = "lf"', 'frames.terminator: must be "nul" or "none"'),
        ("[frames]\nterminator = []", 'frames.terminator: must be "nul" or "none"'),
    ],
)
def test_mistakes_are_named(text: str, problem: str) -> None:
    with pytest.raises(TableError) as raised:
        parse_table("own", text)
    assert problem in str(raised.value)


@pytest.mark.parametrize("name", ["", "Own", "own?", "a b", "x" * 31, "-own", "tutorial"])
def test_names_that_a_table_cannot_have(name: str) -> None:
    with pytest.raises(TableError):
        parse_table(name, "")


def test_a_table_is_not_changed() -> None:
    table: Table = BY_NAME["reg3"]
    with pytest.raises(TypeError):
        table.requests[7] = 7  # type: ignore[index]
