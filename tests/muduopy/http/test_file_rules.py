"""The rules of file serving as plain functions: paths, ranges, conditions, codings, types."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muduopy.http import HttpHeaders
from muduopy.http.byte_ranges import MAX_RANGES, parse_ranges
from muduopy.http.content_coding import accepted_codings
from muduopy.http.content_type import content_type
from muduopy.http.file_path import open_below, relative_path
from muduopy.http.preconditions import http_time, precondition_status, range_is_current

# ---------------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/", b""),
        ("/a", b"a"),
        ("/a/b.js", b"a/b.js"),
        ("/a/", b"a/"),
        ("/%C3%BC%20x", "ü x".encode()),
        ("/a..b/c.", b"a..b/c."),
        ("/.well-known/x", b".well-known/x"),
        ("/%25", b"%"),
        ("/%zz", b"%zz"),
    ],
)
def test_good_paths(raw: str, path: bytes) -> None:
    assert relative_path(raw) == path


BAD_PATHS = [
    "",
    "a",
    "*",
    "//a",
    "/a//b",
    "/..",
    "/../x",
    "/a/../x",
    "/a/..",
    "/./a",
    "/%2e%2e/x",
    "/%2E%2e/x",
    "/.%2e/x",
    "/%2e",
    "/a%2fb",
    "/..%2fx",
    "/a%5cb",
    "/a\\b",
    "/..\\x",
    "/a%00",
    "/%00",
    "/.git/config",
    "/a/.env",
    "/.well-known/.x",
]


@pytest.mark.parametrize("raw", BAD_PATHS)
def test_bad_paths(raw: str) -> None:
    assert relative_path(raw) is None


@given(st.lists(st.sampled_from([*"/.\\ab", "%2e", "%2f", "%5c", "%00", "%"])).map("".join))
def test_no_path_leads_out(text: str) -> None:
    path = relative_path("/" + text)
    if path is not None:
        assert os.path.normpath(b"/root/" + path).startswith(b"/root")
        assert b"\0" not in path
        assert b".." not in path.split(b"/")


def test_links_are_followed_within_the_root_only(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "root-of-another"
    (root / "in").mkdir(parents=True)
    outside.mkdir()
    (root / "in" / "file").write_text("in")
    (outside / "file").write_text("out")
    (root / "good").symlink_to("in/file")
    (root / "folder").symlink_to(outside)
    (root / "bad").symlink_to("../root-of-another/file")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")

    def opened(path: bytes) -> bytes | None:
        fd = open_below(os.fsencode(root), path)
        if fd is None:
            return None
        with os.fdopen(fd, "rb") as file:
            return file.read()

    assert opened(b"in/file") == opened(b"good") == b"in"
    assert opened(b"fifo") == b""  # without waiting for a writer
    for path in (b"bad", b"folder/file", b"loop", b"none", b"in/file/x", b"x" * 5000, b"a\0b"):
        assert opened(path) is None


# ---------------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("field", "ranges"),
    [
        ("bytes=0-4", [(0, 5)]),
        ("bytes=5-", [(5, 5)]),
        ("bytes=-3", [(7, 3)]),
        ("bytes=-30", [(0, 10)]),
        ("bytes=0-100", [(0, 10)]),
        ("bytes=9-9", [(9, 1)]),
        ("BYTES=0-0", [(0, 1)]),
        ("bytes=0-0, 2-3 ,,-1", [(0, 1), (2, 2), (9, 1)]),
        ("bytes=5-6,0-1", [(5, 2), (0, 2)]),
        ("bytes=0-1,20-30", [(0, 2)]),
        ("bytes=10-", []),
        ("bytes=-0", []),
        ("bytes=10-12,-0", []),
        ("bytes=0-5,5-6", None),  # overlap
        ("bytes=0-,0-,0-", None),
        ("bytes=4-3", None),
        ("bytes=a-b", None),
        ("bytes=1", None),
        ("bytes=-", None),
        ("bytes=+1-2", None),
        ("bytes=\u00b2-", None),
        ("bytes=", None),
        ("bytes", None),
        ("lines=0-1", None),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(MAX_RANGES + 1)), None),
    ],
)
def test_ranges(field: str, ranges: list[tuple[int, int]] | None) -> None:
    assert parse_ranges(field, 10) == ranges


def test_an_empty_file_has_no_ranges() -> None:
    assert parse_ranges("bytes=0-", 0) == parse_ranges("bytes=-5", 0) == []


@given(st.text("bytes=0123456789-, ", max_size=30), st.integers(0, 100))
def test_ranges_lie_within_the_file(text: str, size: int) -> None:
    for offset, count in parse_ranges("bytes=" + text, size) or []:
        assert 0 <= offset < offset + count <= size


# ---------------------------------------------------------------------- conditions

TAG = '"a-1"'
CHANGED = 784111777
SAME, BEFORE, AFTER = (f"Sun, 06 Nov 1994 08:49:{second} GMT" for second in (37, 36, 38))


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (200, {}),
        (304, {"If-None-Match": TAG}),
        (304, {"If-None-Match": f'"x", W/{TAG}'}),
        (304, {"If-None-Match": "*"}),
        (200, {"If-None-Match": '"x"'}),
        (200, {"If-None-Match": "a-1"}),
        (200, {"If-None-Match": '"x"', "If-Modified-Since": SAME}),
        (304, {"If-Modified-Since": SAME}),
        (304, {"If-Modified-Since": AFTER}),
        (200, {"If-Modified-Since": BEFORE}),
        (200, {"If-Modified-Since": "yesterday"}),
        (304, {"If-Modified-Since": "Sunday, 06-Nov-94 08:49:37 GMT"}),
        (304, {"If-Modified-Since": "Sun Nov  6 08:49:37 1994"}),
        (200, {"If-Match": TAG}),
        (200, {"If-Match": "*"}),
        (412, {"If-Match": '"x"'}),
        (412, {"If-Match": f"W/{TAG}"}),
        (304, {"If-Match": TAG, "If-None-Match": TAG}),
        (412, {"If-Unmodified-Since": BEFORE}),
        (200, {"If-Unmodified-Since": SAME}),
        (200, {"If-Match": TAG, "If-Unmodified-Since": BEFORE}),
        (200, {"If-Unmodified-Since": "never"}),
    ],
)
def test_preconditions(status: int, fields: dict[str, str]) -> None:
    assert precondition_status(HttpHeaders(fields.items()), TAG, CHANGED) == status


@pytest.mark.parametrize(
    ("current", "condition"),
    [
        (True, TAG),
        (False, f"W/{TAG}"),
        (False, '"x"'),
        (True, SAME),
        (False, AFTER),
        (False, BEFORE),
        (False, "x"),
    ],
)
def test_if_range(current: bool, condition: str) -> None:
    assert range_is_current(HttpHeaders([("If-Range", condition)]), TAG, CHANGED) is current
    assert range_is_current(HttpHeaders(), TAG, CHANGED)


@given(st.text(max_size=40))
def test_times_of_any_text(text: str) -> None:
    assert isinstance(http_time(text), int | None)


# ---------------------------------------------------------------------- codings and types


@pytest.mark.parametrize(
    ("field", "codings"),
    [
        (None, []),
        ("", []),
        ("gzip", ["gzip"]),
        ("GZIP", ["gzip"]),
        ("gzip, deflate, br, zstd", ["br", "gzip"]),
        ("gzip;q=1.0, br;q=0.5", ["gzip", "br"]),
        ("br;q=0, gzip", ["gzip"]),
        ("*", ["br", "gzip"]),
        ("*;q=0.1, br; q=0", ["gzip"]),
        ("identity", []),
        ("identity, gzip;q=0.5", []),
        ("gzip;q=x", []),
        ("gzip;q=7", []),
        ("gzip;x=1", []),
        ("x-gzip", []),
    ],
)
def test_codings(field: str | None, codings: list[str]) -> None:
    assert accepted_codings(field) == codings


def test_types() -> None:
    assert content_type("a/b.min.JS") == "text/javascript; charset=utf-8"
    assert content_type("x.svg") == "image/svg+xml; charset=utf-8"
    assert content_type("README") == content_type("x.unheard") == "application/octet-stream"
