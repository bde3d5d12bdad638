"""A person at the page in a real Chromium, and what the tests look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.chatkit import ServerProcess

PASSWORD = "a-long-secret-1"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MILLISECONDS = 30_000
"""After which what a test waits for will not come."""

COUNT_VIOLATIONS = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


class Tab:
    """One tab with the page. Errors of its scripts are in ``errors``."""

    def __init__(self, context: BrowserContext, server: ServerProcess) -> None:
        self.errors: list[str] = []
        self.page: Page = context.new_page()
        self.page.add_init_script(COUNT_VIOLATIONS)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"http://127.0.0.1:{server.port}/")

    @property
    def input(self) -> Any:
        return self.page.locator(".composer textarea")

    def register(self, name: str) -> None:
        self.page.get_by_role("button", name="I am new here").click()
        self._enter(name)

    def sign_in(self, name: str) -> None:
        self._enter(name)

    def _enter(self, name: str) -> None:
        self.page.locator("input[name=username]").fill(name)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.locator("button[type=submit]").click()
        self.wait_until_online()

    def wait_until_online(self) -> None:
        expect(self.page.locator(".chat")).to_be_visible()  # a bar that is not there is hidden, too
        expect(self.page.locator(".chat .bar")).to_be_hidden()

    def wait_until_offline(self) -> None:
        expect(self.page.locator(".chat .bar")).to_be_visible()

    def try_now(self) -> None:
        """Do not wait for the next attempt to connect."""
        self.page.evaluate("dispatchEvent(new Event('online'))")

    def add_person(self, name: str) -> None:
        self.fill_in_person(name)
        expect(self.input).to_be_visible()

    def fill_in_person(self, name: str) -> None:
        """Add a person: a friend at once, or a request to be one."""
        self.page.get_by_role("button", name="New chat").click()
        self.page.locator("dialog input").fill(name)
        self.page.locator("dialog button[type=submit]").click()

    def create_group(self, name: str) -> None:
        self.page.get_by_role("button", name="New chat").click()
        self.page.locator("dialog").get_by_role("button", name="New group").click()
        self.page.locator("dialog input").first.fill(name)
        self.page.locator("dialog button[type=submit]").click()
        expect(self.input).to_be_visible()

    def open(self, name: str) -> None:
        self.page.locator(".conversations button").filter(has_text=name).first.click()
        expect(self.input).to_be_visible()

    def say(self, text: str) -> None:
        self.input.fill(text)
        self.input.press("Enter")

    def sees(self, *texts: str) -> None:
        """The messages on the screen are exactly these, in this order."""
        expect(self.page.locator(".lines .message .body")).to_have_text(list(texts))

    def sees_last(self, text: str) -> None:
        expect(self.page.locator(".lines .message .body").last).to_have_text(text)

    def wait_until_sent(self) -> None:
        """Every message of this tab is stored by the server."""
        expect(self.page.locator(".state[data-mark='…'], .state[data-mark='✗']")).to_have_count(0)

    def wait_until_saved(self, count: int) -> None:
        """IndexedDB has so many messages without an answer."""
        self.page.wait_for_function(COUNT_OUTBOX, arg=count)

    def reload(self) -> None:
        self.page.reload()

    def violations(self) -> list[str]:
        found: list[str] = self.page.evaluate("window.violations")
        return found


COUNT_OUTBOX = """(count) => new Promise((resolve) => {
  const opened = indexedDB.open('chat');
  opened.onsuccess = () => {
    const store = opened.result.transaction('outbox').objectStore('outbox');
    store.count().onsuccess = (event) => {
      opened.result.close();
      resolve(event.target.result === count);
    };
  };
})"""

Person = Callable[..., Tab]


def texts_in(server: ServerProcess) -> list[str]:
    """The texts of all chat messages that the server has stored, in the order of storing."""
    rows = server.query("SELECT text FROM message WHERE kind IN (6, 10) ORDER BY seq")
    return [str(row[0]) for row in rows]
