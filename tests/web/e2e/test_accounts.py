"""Several accounts in one browser, each in a tab of its own."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from tests.web.e2e.pagekit import Tab


def of_own_name(tab: Tab, name: str) -> None:
    expect(tab.page.locator(".own-name")).to_have_text(name)


def test_two_accounts_chat_in_two_tabs_and_stay_after_a_reload(
    new_context: Callable[[], BrowserContext], open_tab: Callable[..., Tab]
) -> None:
    browser = new_context()
    ann = open_tab(browser)
    ann.register("ann")
    bob = open_tab(browser)
    bob.page.get_by_role("button", name="Profile and devices").click()
    bob.page.get_by_role("button", name="Another account").click()
    bob.register("bob")
    bob.add_person("ann")
    bob.say("hello")
    ann.open("bob")
    ann.sees("hello")
    for tab, name in ((ann, "ann"), (bob, "bob")):
        tab.reload()
        of_own_name(tab, name)
        tab.sees("hello")


def test_a_sign_out_ends_all_tabs_of_the_account(
    new_context: Callable[[], BrowserContext], open_tab: Callable[..., Tab]
) -> None:
    browser = new_context()
    first = open_tab(browser)
    first.register("ann")
    second = open_tab(browser)
    second.wait_until_online()
    first.page.get_by_role("button", name="Profile and devices").click()
    first.page.get_by_role("button", name="Sign out").click()
    for tab in (first, second):
        expect(tab.page.locator("input[name=username]")).to_be_visible()
    second.reload()
    expect(second.page.locator("input[name=username]")).to_be_visible()


def test_a_fourth_tab_takes_the_place_of_the_first_if_the_user_wants(
    new_context: Callable[[], BrowserContext], open_tab: Callable[..., Tab]
) -> None:
    browser = new_context()
    first = open_tab(browser)
    first.register("ann")
    for _ in range(2):
        open_tab(browser).wait_until_online()
    fourth = open_tab(browser)
    use_here = fourth.page.get_by_role("button", name="Use it here")
    expect(use_here).to_be_visible()
    use_here.click()
    fourth.wait_until_online()
    expect(first.page.get_by_text("open in another tab")).to_be_visible()
