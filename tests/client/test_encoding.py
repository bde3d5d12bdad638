from __future__ import annotations

import pytest

from client.encoding import encoding_of, is_unicode, needs_utf8


@pytest.mark.parametrize(
    ("environment", "reported", "encoding"),
    [
        ({}, "utf-8", "utf-8"),
        ({}, "", "utf-8"),
        ({"LC_ALL": "C"}, "utf-8", "utf-8"),
        ({"LC_ALL": "POSIX"}, "ANSI_X3.4-1968", "utf-8"),
        ({"LANG": "zh_CN.UTF-8"}, "utf-8", "utf-8"),
        ({"LANG": "zh_CN.utf8@x"}, "utf-8", "utf-8"),
        ({"LANG": "zh_CN.GBK"}, "utf-8", "gbk"),  # Python knows no such locale here
        ({"LANG": "zh_CN.GBK"}, "gbk", "gbk"),
        ({"LANG": "zh_CN.GBK", "LC_CTYPE": "C.UTF-8"}, "utf-8", "utf-8"),
        ({"LANG": "zh_TW.BIG5", "LC_ALL": ""}, "utf-8", "big5"),
        ({"LANG": "zh_CN.GBK", "LC_ALL": "zh_CN.GB18030"}, "utf-8", "gb18030"),
        ({"LANG": "de_DE"}, "iso8859-1", "iso8859-1"),
        ({"LANG": "xx.nonsense"}, "utf-8", "utf-8"),
        ({"LANG": "xx.rot13"}, "utf-8", "utf-8"),
        ({"LANG": "zh_CN.GBK", "PYTHONUTF8": "1"}, "utf-8", "utf-8"),
        ({"LANG": "C", "PYTHONIOENCODING": "gbk"}, "gbk", "gbk"),
    ],
)
def test_the_encoding(environment: dict[str, str], reported: str, encoding: str) -> None:
    assert encoding_of(environment, reported) == encoding


def test_the_error_names_the_remedy() -> None:
    assert "gbk" in needs_utf8("gbk", "en")
    assert "LANG=" in needs_utf8("gbk", "zh")
    needs_utf8("gbk", "zh").encode("gbk")


def test_unreadable_bytes_are_no_text() -> None:
    assert is_unicode("你好 😀")
    assert not is_unicode(b"\xc4\xe3".decode(errors="surrogateescape"))
