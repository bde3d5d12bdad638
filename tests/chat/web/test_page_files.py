"""PageFiles: addresses with the version, and nothing but the page."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from chat.process.data_files import shipped_page
from chat.web.page_files import PageFiles


def page(folder: Path, **files: str) -> PageFiles:
    for name, text in {"index": '<script src="/v/dev/app.js">', **files}.items():
        (folder / f"{name}.{'html' if name == 'index' else 'js'}").write_text(text)
    return PageFiles(folder)


def test_the_start_page_names_the_version(tmp_path: Path) -> None:
    files = page(tmp_path, app="1")
    start = files.get("/")
    assert start is not None
    assert f'"/v/{files.version}/app.js"' in start.body.decode()
    assert start.cache_control == "no-cache"


def test_a_change_of_any_file_is_another_version(tmp_path: Path) -> None:
    first = page(tmp_path, app="1", other="1").version
    assert page(tmp_path, app="1", other="1").version == first
    assert page(tmp_path, app="1", other="2").version != first


def test_a_file_of_a_version_is_kept_for_ever(tmp_path: Path) -> None:
    files = page(tmp_path, app="x" * 1000)
    app = files.get(f"/v/{files.version}/app.js")
    assert app is not None
    assert "immutable" in app.cache_control
    assert app.zipped is not None
    assert gzip.decompress(app.zipped) == app.body


@pytest.mark.parametrize(
    "path", ["", "/app.js", "/v/dev/app.js", "/index.html", "/v/../index.html", "//", "/%2e%2e/x"]
)
def test_other_addresses_have_nothing(tmp_path: Path, path: str) -> None:
    assert page(tmp_path, app="1").get(path) is None


def test_files_for_developers_are_not_served() -> None:
    addresses = PageFiles(shipped_page()).addresses
    assert not [one for one in addresses if one.endswith(".json")]


def test_a_missing_page_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"index\.html"):
        PageFiles(tmp_path)
