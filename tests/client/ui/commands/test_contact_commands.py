"""Contact commands, in the whole terminal with a scripted server."""

from __future__ import annotations

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, ack
from tests.client.ui.apprun import ESC, AppRun, ctrl


def test_friends_and_groups(server: FakeServer, talk: AppRun) -> None:
    talk.command("/friends")
    talk.wait_for("Friends", "2  bob", "3  安妮")
    talk.type("q")
    talk.wait_for(">", gone="Friends")
    talk.command("/remove")
    talk.wait_for("Take bob off your list? y: yes   n: no")
    talk.type("n")
    talk.wait_for(">", gone="Take bob")
    assert server.received_nothing_more(MsgType.REMOVE_FRIEND_MSG)
    talk.command("/remove")
    talk.type("y")
    talk.wait_for("bob is not on your list any more.")
    assert server.expect(MsgType.REMOVE_FRIEND_MSG)["friendid"] == 2
    talk.command("/members")
    talk.wait_for("Open a group first: /group GROUP")
    talk.type(ctrl("c"))
    talk.command("/members tea")
    talk.wait_for("Members of tea", "1  alice  creator", "2  bob")
    talk.type(ESC)
    talk.command("/group tea")
    talk.wait_for("tea (7)  2 of 2 online  four o'clock")
    talk.command("/kick bob")
    talk.wait_for("bob is not in tea any more.")
    request = server.expect(MsgType.REMOVE_MEMBER_MSG)
    assert (request["groupid"], request["userid"]) == (7, 2)
    talk.command("/leave")
    talk.wait_for("Leave tea? y: yes   n: no")
    talk.type("n")
    talk.wait_for(">", gone="Leave tea?")
    assert server.received_nothing_more(MsgType.LEAVE_GROUP_MSG)
    talk.command("/dissolve")
    talk.wait_for("Dissolve tea for all members?")
    talk.type("y")
    talk.wait_for("tea does not exist any more.")
    server.expect(MsgType.DISSOLVE_GROUP_MSG)


def test_blocked_users(server: FakeServer, talk: AppRun) -> None:
    talk.command("/block")
    talk.wait_for("Block bob? You get no more messages from this user.")
    talk.type("n")
    talk.wait_for(">", gone="Block bob?")
    assert server.received_nothing_more(MsgType.BLOCK_MSG)
    talk.command("/block bob")
    talk.type("y")
    talk.wait_for("bob is blocked.")
    assert server.expect(MsgType.BLOCK_MSG)["userid"] == 2
    talk.command("/blocked")
    talk.wait_for("Blocked users", "2  bob", "9  name 9")
    talk.type(ESC)
    talk.command("/unblock bob")
    talk.wait_for("bob is not blocked any more.")
    assert server.expect(MsgType.UNBLOCK_MSG)["userid"] == 2
    server.rules[MsgType.BLOCKS_MSG] = lambda r: [ack(MsgType.BLOCKS_ACK, r, userids=[])]
    talk.command("/blocked")
    talk.wait_for("You have blocked no user.")
    talk.command("/group tea")
    talk.wait_for("four o'clock")
    talk.command("/block")
    talk.wait_for("This conversation is with a group.")


def test_a_new_name(server: FakeServer, talk: AppRun) -> None:
    talk.command("/nick Alice B.")
    talk.wait_for("Your name is Alice B. now.")
    assert server.expect(MsgType.RENAME_MSG)["name"] == "Alice B."
