"""The answer to a login fits into one read, for any lists of a user."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chat.config_values import MIN_CLASSIC_FRAME
from chat.protocol import MAX_ID, Limits, encode
from chat.protocol.classic_login import fit_login, left_out
from chat.protocol.dialects.classic_answer import classic_answer
from tests.tiers import examples

LIMITS = Limits()


def longest(characters: int) -> st.SearchStrategy[str]:
    return st.sampled_from(["", "x", '"', "\\", "你", "👍", "\x01"]).map(
        lambda char: char * characters
    )


USER = st.fixed_dictionaries(
    {
        "id": st.integers(1, MAX_ID),
        "name": longest(LIMITS.name),
        "state": st.just("offline"),
        "role": st.just("creator"),
    }
)
FRIEND = st.fixed_dictionaries(
    {"id": st.integers(1, MAX_ID), "name": st.text(max_size=5) | longest(LIMITS.name)}
)
GROUP = st.fixed_dictionaries(
    {
        "id": st.integers(1, MAX_ID),
        "groupname": longest(LIMITS.group_name),
        "groupdesc": st.text(max_size=9) | longest(LIMITS.group_desc),
        "users": st.lists(USER, max_size=9),
    }
)
MAIL = st.fixed_dictionaries({"msgid": st.just(6), "msg": st.text(max_size=300)})
ANSWER = st.fixed_dictionaries(
    {
        "msgid": st.just(2),
        "errno": st.just(0),
        "id": st.just(MAX_ID),
        "name": longest(LIMITS.name),
        "rid": longest(LIMITS.opaque),
        "friends": st.lists(FRIEND, max_size=40),
        "groups": st.lists(GROUP, max_size=5),
        "offlinemsg": st.lists(MAIL, max_size=4),
    }
)


def size(answer: dict[str, Any]) -> int:
    shaped = classic_answer(answer)
    assert shaped is not None
    return len(encode(shaped))


@settings(max_examples=examples(100), deadline=None)
@given(ANSWER, st.sampled_from([MIN_CLASSIC_FRAME, 1023, 2000]))
def test_it_fits_and_keeps_as_much_as_possible(answer: dict[str, Any], limit: int) -> None:
    before = encode(answer)
    fitted = fit_login(answer, limit, size)
    assert encode(answer) == before, "the answer given is not changed"
    assert size(fitted) <= limit
    if size(answer) <= limit:
        assert fitted == answer
        return
    assert fitted["offlinemsg"] == []
    friends, groups = fitted["friends"], fitted["groups"]
    assert friends == answer["friends"][: len(friends)]
    assert [group["id"] for group in groups] == [g["id"] for g in answer["groups"][: len(groups)]]
    for kept, whole in zip(groups, answer["groups"], strict=False):
        assert kept == {**whole, "users": whole["users"][: len(kept["users"])]}
    # One entry more would not fit.
    if len(friends) < len(answer["friends"]):
        one_more = answer["friends"][: len(friends) + 1]
        assert size({**fitted, "groups": [], "friends": one_more}) > limit
    elif len(groups) < len(answer["groups"]):
        bare = [{**group, "users": []} for group in answer["groups"][: len(groups) + 1]]
        assert size({**fitted, "groups": bare}) > limit


def test_left_out_entries_are_named() -> None:
    group = {"id": 1, "groupname": "tea", "groupdesc": "", "users": [{"id": n} for n in range(9)]}
    answer = {"friends": [{}] * 3, "groups": [group, group]}
    cut = {"friends": [{}] * 2, "groups": [{**group, "users": [{"id": 0}]}]}
    assert left_out(answer, cut) == "1 of 3 friends, 1 of 2 groups, 17 of 18 members"
    assert left_out(answer, {**answer, "offlinemsg": []}) == ""


def test_the_cost_depends_on_the_result() -> None:
    """A user with 100,000 friends must not block the loop."""
    friends = [{"id": number, "name": "x" * 50, "state": "online"} for number in range(100_000)]
    encoded: list[int] = []

    def measured(answer: dict[str, Any]) -> int:
        encoded.append(len(answer["friends"]))
        return size(answer)

    answer = {"msgid": 2, "errno": 0, "id": 1, "name": "x", "friends": friends}
    fitted = fit_login({**answer, "groups": [], "offlinemsg": []}, 1023, measured)
    assert 5 < len(fitted["friends"]) < 20
    assert sum(encoded) < 300
