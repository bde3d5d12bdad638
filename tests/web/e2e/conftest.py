"""One Chromium for all tests of a process; a context of it for each person."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.e2e.chatkit import ServerProcess
from tests.e2e.conftest import connect, make_server, member, own_state, server
from tests.web.e2e.pagekit import FLAGS, MILLISECONDS, Person, Tab

__all__ = ["connect", "make_server", "member", "own_state", "server"]

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """A browser of its own for each person or device: ``new_context()``."""
    contexts: list[BrowserContext] = []

    def make() -> BrowserContext:
        contexts.append(browser.new_context(locale="en-GB"))
        contexts[-1].set_default_timeout(MILLISECONDS)
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def open_tab(
    new_context: Callable[[], BrowserContext], server: ServerProcess
) -> Iterator[Callable[..., Tab]]:
    """Opens the page: ``open_tab(context)``, by default in a browser of its own."""
    tabs: list[Tab] = []

    def make(context: BrowserContext | None = None) -> Tab:
        tabs.append(Tab(context or new_context(), server))
        return tabs[-1]

    yield make
    for tab in tabs:
        assert tab.errors == []


@pytest.fixture
def person(open_tab: Callable[..., Tab]) -> Person:
    """A new user at the page: ``person(name)``."""

    def make(name: str) -> Tab:
        tab = open_tab()
        tab.register(name)
        return tab

    return make


@pytest.fixture
def friends(person: Person) -> tuple[Tab, Tab]:
    """Two friends, each with the conversation open."""
    ann, bob = person("ann"), person("bob")
    ann.add_person("bob")
    bob.add_person("ann")
    return ann, bob
