"""Texts read in the wrong encoding: restored where it is certain, and never where it is not."""

from __future__ import annotations

import random

import pytest

from chat.storage.mysql.garbled import StoredText, Verdict, is_common, read_stored

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
TRADITIONAL = "陳張黃劉楊趙吳孫馬羅鄭謝韓馮蕭許鄧彭蘇蔣賈閻葉餘鍾陸萬錢湯龍賴龔語門問國學術"


def stored(text: str) -> StoredText:
    return StoredText(text, in_encoding(text, "gbk"), in_encoding(text, "latin-1"))


def in_encoding(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


def common(lead: range = range(0xB0, 0xD8)) -> list[str]:
    """The first level of GB 2312: the 3,755 most common characters."""
    found = [bytes((a, b)).decode("gb2312", "ignore") for a in lead for b in range(0xA1, 0xFF)]
    return [character for character in found if character]


COMMON = common()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("鏉庡洓", "李四"),
        ("寮犱笁", "张三"),
        ("灏忔槑123", "小明123"),
        ("鐜嬪皬鏄?", "王小\ufffd"),
        ("鐜嬪皬鏄", "王小\ufffd"),
        ("浣犲ソ锛屼笘鐣", "你好，世\ufffd"),
        ("浣犲ソ锛屼笘鐣?", "你好，世\ufffd"),
        ('{"msg":"浣犲ソ","name":"鏉庡洓"}', '{"msg":"你好","name":"李四"}'),
        ("caf\u00c3\u00a9", "café"),
        ("\u00e6\u009d\u008e\u00e5\u009b\u009b", "李四"),
    ],
)
def test_restored(text: str, meant: str) -> None:
    reading = read_stored(stored(text))
    assert (reading.verdict, reading.restored) == (Verdict.GARBLED, meant)


@pytest.mark.parametrize("text", ["zhang san", "", "???", '{"msgid":6,"msg":"hi?"}'])
def test_ascii_says_nothing(text: str) -> None:
    assert read_stored(stored(text)).verdict is Verdict.SILENT


@pytest.mark.parametrize(
    "text",
    [
        "张三",
        "李四",
        "王小明",
        "張三",
        "Ünï",
        "Élève",
        "山田さん",
        "김철수",
        "Вася",
        "王?",
        "你好吗?",
    ],
)
def test_right(text: str) -> None:
    assert read_stored(stored(text)).verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("text", "perhaps"), [("谢", "л"), ("caf茅", "café"), ("馃榾", "😀"), ("鏉巃", "李a")]
)
def test_in_doubt(text: str, perhaps: str) -> None:
    reading = read_stored(stored(text))
    assert (reading.verdict, reading.restored) == (Verdict.IN_DOUBT, perhaps)


def test_nothing_is_left() -> None:
    assert read_stored(stored("鏉?")).verdict is Verdict.DAMAGED


@pytest.mark.parametrize(
    "characters", [COMMON, common(range(0xB0, 0xF8)), list(TRADITIONAL)], ids=["1", "1 and 2", "T"]
)
def test_a_chinese_name_is_never_taken_for_another(characters: list[str]) -> None:
    """Not even if the other texts would decide: that requires common characters."""
    chance = random.Random(12)
    for _ in range(50_000):
        name = chance.choice(characters + list(SURNAMES))
        name += "".join(chance.choices(characters, k=chance.randrange(4)))
        reading = read_stored(stored(name))
        assert reading.verdict in (Verdict.RIGHT, Verdict.IN_DOUBT), name
        assert reading.restored is None or not is_common(reading.restored), name


def test_garbled_names_are_found_and_come_back_whole() -> None:
    """One of seventy is in doubt; none counts as garbled."""
    chance = random.Random(12)
    found = doubts = 0
    for _ in range(20_000):
        name = chance.choice(SURNAMES) + "".join(chance.choices(COMMON, k=chance.choice((1, 3))))
        try:
            text = name.encode().decode("gbk")
        except UnicodeDecodeError:
            continue  # the database would have damaged it
        reading = read_stored(stored(text))
        assert reading.restored == name
        found += reading.verdict is Verdict.GARBLED
        doubts += reading.verdict is Verdict.IN_DOUBT
    assert found > 50 * doubts
