"""What people send: text that looks like markup, many messages, other clients, other scripts."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from tests.e2e.chatkit import ServerProcess, Wire
from tests.web.e2e.pagekit import Person, Tab, texts_in

ATTACKS = [
    "<img src=x onerror=window.hit=1>",
    "<script>window.hit=1</script>",
    "javascript:window.hit=1",
    '"><svg onload=window.hit=1>',
    'https://example.org/"onmouseover="window.hit=1',
    "&lt;b&gt;bold&lt;/b&gt;",
]


def test_markup_in_names_texts_and_groups_does_nothing(
    person: Person, member: Callable[..., Wire], server: ServerProcess
) -> None:
    ann = person("<i>ann</i>")
    ann.create_group("<img src=x onerror=window.hit=1>")
    group = int(ann.page.evaluate("location.hash").removeprefix("#g"))
    mallory = member(server, "<svg onload=window.hit=1>")
    mallory.send(msgid=9, id=mallory.id, groupid=group)
    mallory.find(24)
    for number, attack in enumerate(ATTACKS):
        mallory.group_chat(group, attack, mid=str(number))
    ann.sees(*ATTACKS)
    assert ann.page.evaluate("window.hit") is None
    assert ann.violations() == []
    expect(ann.page.locator(".lines :is(img, script, svg, b, i), .conversations i")).to_have_count(
        0
    )
    hrefs = ann.page.locator(".lines a").evaluate_all("all => all.map(one => one.href)")
    assert hrefs == ["https://example.org/"]


def test_two_hundred_messages_at_once(
    person: Person, member: Callable[..., Wire], server: ServerProcess
) -> None:
    ann = person("ann")
    bot = member(server, "bot")
    ann.add_person("bot")
    own_id = server.query("SELECT id FROM user WHERE name = 'ann'")[0][0]
    texts = [f"message {number}" for number in range(200)]
    for number, text in enumerate(texts):
        bot.chat(own_id, text, mid=str(number))
    ann.sees(*texts)
    ann.reload()
    ann.wait_until_online()
    ann.sees_last(texts[-1])


def test_a_page_a_bot_and_a_classic_client_in_one_group(
    person: Person, member: Callable[..., Wire], server: ServerProcess
) -> None:
    ann = person("ann")
    ann.create_group("tea")
    group = int(ann.page.evaluate("location.hash").removeprefix("#g"))
    bot = member(server, "bot")
    classic = member(server, "classic", v2=False)
    for client in (bot, classic):
        client.send(msgid=9, id=client.id, groupid=group)
    bot.find(24)
    classic.nothing_classic()
    ann.say("from the page")
    for client in (bot, classic):
        assert client.find(10)["msg"] == "from the page"
    bot.group_chat(group, "from the bot", mid="1")
    ann.sees("from the page", "from the bot")
    classic.group_chat(group, "from the classic client")
    ann.sees("from the page", "from the bot", "from the classic client")


def test_enter_while_a_chinese_text_is_composed_does_not_send(
    friends: tuple[Tab, Tab], server: ServerProcess
) -> None:
    ann, bob = friends
    ann.input.focus()
    session = ann.page.context.new_cdp_session(ann.page)
    session.send(
        "Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5}
    )
    ann.input.evaluate(
        "input => input.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    session.send("Input.insertText", {"text": "你好"})
    expect(ann.input).to_have_value("你好")
    ann.input.press("Enter")
    bob.sees("你好")
    assert texts_in(server) == ["你好"]


def test_another_device_has_the_same_messages(
    friends: tuple[Tab, Tab], open_tab: Callable[..., Tab], server: ServerProcess
) -> None:
    ann, bob = friends
    ann.say("one")
    bob.sees("one")
    telephone = open_tab()
    telephone.sign_in("ann")
    telephone.open("bob")
    telephone.say("two")
    for tab in (ann, bob, telephone):
        tab.sees("one", "two")
    bob.say("three")
    for tab in (ann, bob, telephone):
        tab.sees("one", "two", "three")
    assert texts_in(server) == ["one", "two", "three"]


def test_a_request_to_be_a_friend_that_is_accepted(
    make_server: Callable[..., ServerProcess], new_context: Callable[[], BrowserContext]
) -> None:
    server = make_server('[chat]\nfriend_requests = "approve"\n')
    ann, bob = Tab(new_context(), server), Tab(new_context(), server)
    ann.register("ann")
    bob.register("bob")
    ann.fill_in_person("bob")
    bob.page.get_by_role("button", name="Accept").click()
    ann.open("bob")
    ann.say("thank you")
    bob.sees("thank you")
