"""Names: their stored form, and the refused ones."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.protocol import Limits, MsgType, ProtocolError, build_schema, normal_name, validate
from chat.protocol.names import plain_name, visible_part
from tests.tiers import examples

INVISIBLE = [
    *("\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u180b", "\u180e"),
    *("\u180f", "\u200b", "\u200d", "\u200f", "\u202a", "\u202e", "\u2060", "\u2065", "\u206f"),
    *("\u3164", "\ufe00", "\ufe0d", "\ufeff", "\uffa0", "\ufff0", "\U0001bca0", "\U0001d173"),
    *("\U0001d17a", "\U000e0000", "\U000e0001", "\U000e007f", "\U000e0100", "\U000e0fff"),
    *("\u2800", "\ufffc", "\U0001d159", "\u2d7f", "\U0001107f", "\U00016fe4", "\U00013441"),
]
"""One or more of each range of Default_Ignorable_Code_Point, and symbols without ink."""

BLANKS = ["\u00a0", "\u1680", *map(chr, range(0x2000, 0x200B)), "\u202f", "\u205f", "\u3000"]

check = plain_name(50)


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_invisible_characters(character: str) -> None:
    for name in (character, f"zhang san{character}", f"zhang{character} san"):
        assert check(name) == "must not contain control or invisible characters"
    assert visible_part(f"{character}zhang {character} san{character}") == "zhang san"


@pytest.mark.parametrize("blank", BLANKS, ids=ascii)
def test_there_is_one_kind_of_blank(blank: str) -> None:
    assert normal_name(f"zhang{blank}san") == "zhang san"
    assert check(f"zhang{blank}san") is None
    assert check(f"zhang {blank}san") == "must not contain two spaces in a row"
    assert check(f"{blank}san") == "must not begin or end with a space"


def test_all_space_separators_are_covered() -> None:
    found = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs"]
    assert found == [" ", *BLANKS]


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("cafe\u0301", "café"),
        ("café", "café"),
        ("❤\ufe0f", "❤"),
        ("\u212b", "Å"),
        ("ａ", "ａ"),
        ("张三", "张三"),
    ],
)
def test_names_are_stored_in_nfc(given_name: str, stored: str) -> None:
    assert normal_name(given_name) == stored
    assert check(given_name) is None


def test_the_length_is_that_of_the_stored_form() -> None:
    """U+0958 has no composed form: it becomes two characters."""
    assert check("\u0958" * 25) is None
    assert check("\u0958" * 26) == "must be a string of 1 to 50 characters in NFC"
    assert check("\ufe0f") == "must be a string of 1 to 50 characters in NFC"


def test_a_mark_needs_something_to_stand_on() -> None:
    assert check("\u0301a") == "must not begin with a combining mark"
    assert check("a\u0323") is None


@given(st.text(max_size=60))
@settings(max_examples=examples(500), deadline=None, database=None)
def test_the_stored_form_is_accepted_again_and_stays(name: str) -> None:
    stored = normal_name(name)
    assert normal_name(stored) == stored
    assert check(stored) == check(name)


def test_groups_have_the_same_rules() -> None:
    schema = build_schema(Limits(group_name=5))
    row = schema[MsgType.CREATE_GROUP_MSG]
    validate({"id": 1, "groupname": "cafe\u0301", "groupdesc": ""}, row)
    with pytest.raises(ProtocolError, match="groupname: must not contain two spaces"):
        validate({"id": 1, "groupname": "a  b", "groupdesc": ""}, row)
