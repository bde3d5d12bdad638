"""No statement of a running server reads all rows of a table that grows.

The tables have enough rows for the planner to have a choice, both with and without statistics. A
deletion of four acknowledgements once read the whole table of mailboxes: with 810,000 messages for
one user it took 163 ms, and all users waited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import pytest

from chat.delivery.delivery import DIRECT
from chat.delivery.poller import MailboxPoller
from chat.handlers.context import Request
from chat.handlers.friend_requests import ask_friend
from chat.handlers.users import _with_prefix
from chat.login.device_rows import NamedDevice, Opened, end_device, open_named, open_only
from chat.login.passwords import Passwords
from chat.login.presence_feed import PresenceFeed
from chat.login.visibility import Visibility
from chat.mailbox.gap import fill_gap, open_gaps
from chat.mailbox_number import device_of, mailbox_of
from chat.maintenance.maintenance import Maintenance
from chat.maintenance.retention import find_boundary
from chat.names.lookalikes import Lookalikes
from chat.names.name_hash import RULES, name_hashes
from chat.protocol import MsgType
from chat.search.finder import Finder
from chat.search.query import Query
from chat.storage import Database, Transaction
from chat.storage.tables import (
    DISABLED,
    DRAIN,
    HASHES,
    AccountModel,
    AddressBanModel,
    AuditModel,
    ConversationModel,
    DeviceModel,
    DirectoryModel,
    FriendModel,
    FriendRequestModel,
    GroupListModel,
    GroupModel,
    HistoryModel,
    InvitationModel,
    KnownDeviceModel,
    MailboxGapModel,
    MessageModel,
    NameHashes,
    NodeModel,
    OfflineMessageModel,
    OwnedRowsModel,
    Progress,
    RetentionModel,
    SearchBlockModel,
    SearchProgressModel,
    SessionModel,
    SettingModel,
    TokenModel,
    UserModel,
    user_conversation,
)
from chat.storage.tables.friendrequest import REQUEST_SECONDS
from tests.chat.delivery.test_devices import add
from tests.chat.login.presencekit import offices
from tests.chat.loopkit import Passes
from tests.chat.nodekit import CHEAP, PASSWORD, Client, Node
from tests.chat.plankit import GROWING, Planner, model_methods
from tests.chat.search.searchkit import index_all

ROWS = 20_000
ABSENT = 7
"""The user with the most waiting messages."""

INDEXED = ROWS - 100
"""The indexer begins here. It looks at each conversation of the messages behind it, in the whole
log. From the beginning it would issue 24,000 statements, which differ in their values only."""

LATE = 2_000_000_000
"""Unix seconds after all times of the tests."""

ALLOWED = {
    "OfflineMessageModel.count": "one number for `chatcluster status`",
    "OfflineMessageModel.numbers_between": "once for 10,000 messages that retention deletes",
    "OfflineMessageModel.count_up_to": "a number of rows that is bounded, for the status page",
    "ConversationModel.fill": "once, when devices are switched on",
    "DeviceModel.users_with_more": "once, at a start, or when the number of devices changes",
    "SessionModel.online_by_node": "one number a node for `chatcluster status`",
    "AccountModel.search": "the searches of operators",
    "GroupListModel.search": "the searches of operators",
    "SessionModel.all_offline": "once, at a start or at the end",
}


@cache  # it takes 0.7 s
def hashed_names(kind: str) -> list[tuple[str, NameHashes]]:
    names = [f"{kind} {number}" for number in range(1, ROWS + 1)]
    return [(name, name_hashes(name)) for name in names]


def fill(tx: Transaction) -> None:
    """Rows in every table, before any server runs."""
    numbers = range(1, ROWS + 1)
    users = [(name, "h", *hashes) for name, hashes in hashed_names("user")]
    tx.insert_rows("user", ("name", "password", *HASHES), users)
    tx.insert_rows("friend", ("userid", "friendid"), [(n, n % 9000 + 1) for n in numbers])
    groups = [(name, *hashes) for name, hashes in hashed_names("group")]
    tx.insert_rows("allgroup", ("groupname", *HASHES), groups)
    SettingModel(tx).set("name_hashes", f"{RULES} done 0")
    tx.insert_rows("groupuser", ("groupid", "userid"), [(n % 200 + 1, n) for n in numbers])
    tx.insert_rows(
        "groupban",
        ("groupid", "userid", "kind", "byid", "time"),
        [(n % 200 + 1, n, "banned", n % 300 + 1, n) for n in numbers],
    )
    tx.insert_rows(
        "groupinvite",
        ("groupid", "userid", "byid", "time"),
        [(n, n % 500 + 1, n % 300 + 1, n if n <= 9 else LATE + n) for n in numbers],
    )
    tx.insert_rows("blocked", ("userid", "blockedid"), [(n, n % 9000 + ROWS) for n in numbers])
    gaps = [(n % 200 + 1, n, n) for n in numbers if n != ABSENT]
    tx.insert_rows("mailboxgap", ("groupid", "userid", "after"), sorted(gaps))
    tx.insert_rows("token", ("hash", "userid", "used"), [(f"{n:064}", n, n) for n in numbers])
    tx.insert_rows(
        "device",
        ("mailbox", "userid", "hash", "first", "used"),
        [(n << 31 | n, n, f"{n:064}", n, n) for n in numbers if n != ABSENT],
    )
    tx.insert_rows(
        "message",
        ("sender", "mid", "kind", "target", "text", "time"),
        [(n % 300 + 1, f"mid {n}", 6, n % 100 + 1, "hi", "now") for n in numbers],
    )
    blocks = [(n % 9000, n % 3, n % 16, n, n - 1, b"A" * 512) for n in numbers]
    columns = ("conversation", "level", "part", "last", "after", "bits")
    tx.insert_rows("searchblock", columns, blocks)
    tx.insert_rows(
        "conversation",
        ("userid", "conversation"),
        [(n % 300 + 1, (n % 300 + 1) << 31 | ROWS + n) for n in numbers],
    )
    tx.insert_rows(
        "offlinemessage", ("userid", "seq"), sorted((n % 50 or ABSENT, n) for n in numbers)
    )


def forget(tx: Transaction) -> None:
    """Begin without the statistics of the tests before, which a DELETE of all rows keeps."""
    if tx.for_update:
        for table in sorted(GROWING):
            tx.execute(f"TRUNCATE TABLE {table}")


def analyze(tx: Transaction) -> None:
    for table in sorted(GROWING):
        tx.query(f"ANALYZE {'' if tx.for_update == '' else 'TABLE '}{table}")


@pytest.fixture(params=["no statistics", "statistics"])
def planner(request: pytest.FixtureRequest, database: Database) -> Planner:
    database.write(forget)
    database.write(fill)
    if request.param == "statistics":
        database.write(analyze)
    return Planner(database)


def test_no_statement_scans_a_table_that_grows(
    planner: Planner, make_planned: Callable[..., Node]
) -> None:
    for node in (make_planned(), make_planned(mode=DIRECT, replace=True)):
        ann, bob = (registered(node, f"{name} {node.server.address}") for name in ("ann", "bob"))
        befriend(ann, bob)
        talk(ann, bob)
        see_conversations(ann, registered(node, f"kim {node.server.address}"))
        talk_in_a_group(ann, bob)
        for client in (ann, bob):  # each change is an event for them
            planner._real.write(partial(add, user_id=client.user_id, device=client.user_id))
        moderate_a_group(ann, bob)
        look_for_people(ann, bob)
        come_back(ann)
        tell_friends(node, ann)
        look_after(node, bob)
        change_accounts(registered(node, f"eve {node.server.address}"))
    see_to_the_dead(planner)
    compare_names(planner)
    see_to_accounts(planner)
    open_devices(planner)
    look_as_operators_do(planner)
    ask_for_the_status(planner)
    bound_mailboxes(planner)
    search_messages(planner)
    delete_old_messages(planner)
    assert any(scan.method == "OfflineMessageModel.count" for scan in planner.scans), "seen at all"
    assert [scan for scan in planner.scans if scan.method not in ALLOWED] == []
    silent = (
        {"GroupModel.hold", "DeviceModel.hold_shared"} if planner.exclusive else set()
    )  # SQLite needs no such lock
    assert planner.methods == model_methods() - silent, "methods that this test does not reach"


@pytest.fixture
def make_planned(planner: Planner, passes: Passes) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(**options: Any) -> Node:
        nodes.append(Node(planner, passes, **options))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


def registered(node: Node, name: str) -> Client:
    """Logged in, with a password whose hash has aged."""
    client = node.connect()
    for errno in (0, 1):
        answer = client.ask(MsgType.REG_MSG, name=f"other {name}", password=PASSWORD)
        assert answer["errno"] == errno
    aged = Passwords(replace(CHEAP, time_cost=2)).hash(PASSWORD)
    user_id = node.database.write(lambda tx: UserModel(tx).insert(name, aged))
    assert client.log_in(user_id, device="laptop")["errno"] == 0
    return client


def befriend(ann: Client, bob: Client) -> None:
    for client, other in ((ann, bob), (bob, ann)):
        assert client.ask(MsgType.ADD_FRIEND_MSG, friendid=other.user_id)["errno"] == 0
    assert ann.ask(MsgType.REMOVE_FRIEND_MSG, friendid=bob.user_id)["errno"] == 0


def talk(ann: Client, bob: Client) -> None:
    """Messages to an offline user, as many in one DELIVERED_MSG as statements are long."""
    bob_id = bob.user_id
    for count in (1, 4, 16, 64):
        bob.ask(MsgType.LOGINOUT_MSG)
        for number in range(count):
            ann.deliver(bob_id, "hi", mid=f"{count} {number}")
        mail = bob.log_in(bob_id)["offlinemsg"]
        bob.got(*[message["seq"] for message in mail])
        ann.node.until_owed(bob_id, 0)
    ann.deliver(ABSENT, "hi", mid="16 1")  # used for another message
    ann.deliver(bob, "the first")
    bob.next()
    assert len(ann.ask(MsgType.HISTORY_MSG, **{"with": bob_id, "limit": 9})["messages"]) == 9


def see_conversations(ann: Client, bob: Client) -> None:
    """The list at a login and in a page, marks, muting, receipts and typing."""
    node, bob_id = ann.node, bob.user_id
    group = ann.make_group(f"readers {ann.user_id}", bob)
    ann.tell(group, "hello")
    seq = ann.expect(MsgType.CHAT_ACK)["seq"]
    bob.next()
    ann.deliver(bob, "hello")
    bob.next()
    bob.leave()
    bob = node.connect()
    answer = bob.log_in(bob_id, devices=True)
    assert answer["errno"] == 0
    assert len(answer["conversations"]) >= 2
    assert bob.ask(MsgType.CONVERSATIONS_MSG, limit=1)["more"]
    for place in ({"groupid": group}, {"with": ann.user_id}):
        assert bob.ask(MsgType.READ_MSG, **place, seq=seq - 1)["errno"] == 0
        assert bob.ask(MsgType.MUTE_MSG, **place, muted=True)["errno"] == 0
        bob.send(MsgType.TYPING_MSG, **place)
    assert bob.ask(MsgType.READ_MSG, groupid=group, seq=seq - 1)["errno"] == 0  # once more
    assert bob.ask(MsgType.SETTINGS_MSG, receipts=True)["errno"] == 0
    bob.leave()
    node.database.write(lambda tx: ConversationModel(tx).fill())
    assert ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"] == 0


def talk_in_a_group(ann: Client, bob: Client) -> None:
    group = ann.make_group(f"group {ann.user_id}", bob)
    for _ in range(2):  # which in `direct` may have been stored for some members only
        ann.tell(group, "hello", mid="the same")
        ann.expect(MsgType.CHAT_ACK)
    bob.next()
    for msgid in (MsgType.MEMBERS_MSG, MsgType.HISTORY_MSG):
        assert ann.ask(msgid, groupid=group)["errno"] == 0
    assert ann.ask(MsgType.MEMBERS_MSG, groupid=ABSENT)["errno"] in (5, 9)
    ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=bob.user_id)
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    assert ann.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert bob.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"] == 0


def moderate_a_group(ann: Client, bob: Client) -> None:
    group = ann.make_group(f"club {ann.user_id}", bob)
    about_bob = {"groupid": group, "userid": bob.user_id}
    for _ in range(2):
        ann.ask(MsgType.SET_ROLE_MSG, **about_bob, role="admin")
    ann.ask(MsgType.REMOVE_MEMBER_MSG, **about_bob)
    name = f"other club {ann.user_id}"
    changes = {"groupname": name, "groupdesc": "closed", "join": "invite"}
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, **changes)["errno"] == 0
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 5
    for _ in range(2):
        assert ann.ask(MsgType.INVITE_MSG, **about_bob)["errno"] == 0
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    assert ann.ask(MsgType.BAN_MEMBER_MSG, **about_bob)["errno"] == 0
    assert len(ann.ask(MsgType.BANS_MSG, groupid=group)["bans"]) == 1
    assert ann.ask(MsgType.UNBAN_MEMBER_MSG, **about_bob)["errno"] == 0
    ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)


def look_for_people(ann: Client, bob: Client) -> None:
    """Where all users may be found, and where only acquaintances have names."""
    for name in ("bob", "unknown"):
        ann.ask(MsgType.FIND_USER_MSG, name=name)
        ann.ask(MsgType.ADD_FRIEND_MSG, friendname=name)
    assert ann.ask(MsgType.USER_MSG, ids=[bob.user_id, ABSENT])["users"]
    node = ann.node
    for prefix in ("b", "del"):
        node.database.read(partial(_with_prefix, viewer=ann.user_id, prefix=prefix))
    known = node.database.read(lambda tx: DirectoryModel(tx).acquaintances(ABSENT, range(1, 500)))
    assert known
    guest = node.connect()
    guest.ask(MsgType.LOGIN_MSG, v=2, name="unknown", password="wrong")


def come_back(client: Client) -> None:
    """With a token, which ends with the logout."""
    user_id, token = client.user_id, client.login.token
    client.leave()
    again = client.node.connect()
    assert again.log_in(user_id, token=token)["errno"] == 0
    assert again.ask(MsgType.LOGINOUT_MSG)["errno"] == 0


def ask_for_friends(eve: Client) -> None:
    """With the requests in the table, as of a server where friends need approval."""
    node, me = eve.node, eve.user_id
    others = [node.user(f"asks {number} {node.server.address}") for number in range(2)]
    for other in others:
        node.database.write(partial(_insert_request, other, me, node.clock.date))
    assert len(eve.ask(MsgType.FRIEND_REQUESTS_MSG)["requests"]) == 2
    for other in others:
        answer = eve.ask(MsgType.ANSWER_FRIEND_MSG, userid=other, accept=other == others[0])
        assert answer["errno"] == 0
    context = replace(node.context, approve_friends=True)
    request: Request[Any] = Request({}, eve.login.connection, eve.login, True, "")
    ask_friend(context, request, ABSENT)
    node.clock.date += 2 * REQUEST_SECONDS
    Maintenance(node.database, node.clock, 1).delete_expired_requests()
    node.clock.date -= 2 * REQUEST_SECONDS


def _insert_request(user_id: int, friend_id: int, now: int, tx: Transaction) -> None:
    FriendRequestModel(tx).insert(user_id, friend_id, now)


def change_accounts(eve: Client) -> None:
    name = f"another {eve.node.server.address}"
    assert eve.ask(MsgType.RENAME_MSG, name=name)["errno"] == 0
    for msgid in (MsgType.BLOCK_MSG, MsgType.UNBLOCK_MSG):
        assert eve.ask(msgid, userid=ABSENT)["errno"] == 0
    assert eve.ask(MsgType.BLOCKS_MSG)["userids"] == []
    ask_for_friends(eve)
    assert eve.ask(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new="another-1")["errno"] == 0
    assert eve.ask(MsgType.DELETE_ACCOUNT_MSG, password="another-1")["errno"] == 0


def tell_friends(node: Node, client: Client) -> None:
    feed = PresenceFeed(node.passes.loop, node.database, node.bus, node.logins, node.workers)
    feed.changed([client.user_id, *range(1, 500)])
    feed.tell_now()


def look_after(node: Node, client: Client) -> None:
    """The periodic work of a server."""
    node.reconciliation.check([client.user_id])
    node.reconciliation._compare_part()
    MailboxPoller(node.passes.loop, node.database, node.logins, node.workers)._look()


def see_to_the_dead(planner: Planner) -> None:
    with offices(planner) as make_office:
        here, there = (make_office(node=name, leased=True) for name in ("n1", "n2"))
        for office in (here, there):
            office.database.exclusive = False  # of either kind
        there.log_in(ABSENT)
        assert here.lease is not None
        assert there.lease is not None
        there.lease.close()
        here.database.write(here.lease._renew)
        assert here.database.read(partial(here.lease.is_dead, node="n2"))
        here.reconcile()
        assert here.row(ABSENT).node is None
    planner.write(lambda tx: SessionModel(tx).all_offline(None))
    planner.write(lambda tx: SessionModel(tx).fence(1, 500, ["n1"]))
    assert planner.read(lambda tx: SessionModel(tx).last_user()) >= ROWS
    planner.read(lambda tx: NodeModel(tx).has_older(5, 0))
    planner.write(lambda tx: NodeModel(tx).delete_older(5))
    planner.write(lambda tx: UserModel(tx).set_dialect(ABSENT, "reg3"))


def see_to_accounts(planner: Planner) -> None:
    """The work of operators."""
    for rule in (Visibility("all"), Visibility("friends")):
        planner.read(partial(rule.watchers, user_ids=range(1, 500)))
    planner.read(lambda tx: FriendModel(tx).with_friend(ABSENT, range(1, 500)))
    planner.write(lambda tx: UserModel(tx).set_status(ABSENT, DISABLED))
    planner.write(lambda tx: UserModel(tx).reset_password(ABSENT, "h"))
    planner.write(lambda tx: TokenModel(tx).delete_of_user(ABSENT))
    planner.write(lambda tx: InvitationModel(tx).insert("code", 1, 0))
    planner.write(lambda tx: SessionModel(tx).end_all(ABSENT))
    planner.read(lambda tx: TokenModel(tx).used_by(ABSENT))
    (invitation,) = planner.read(lambda tx: InvitationModel(tx).list())
    assert planner.read(lambda tx: InvitationModel(tx).is_valid("code", 1))
    planner.write(lambda tx: InvitationModel(tx).use("code", 1))
    planner.write(lambda tx: InvitationModel(tx).delete(invitation.hash))


def open_devices(planner: Planner) -> None:
    def work(tx: Transaction) -> None:
        user = UserModel(tx).find(ABSENT, lock=True)
        assert user is not None
        KnownDeviceModel(tx).hashes(ABSENT)
        opened = open_named(tx, user, NamedDevice("phone"), 8, LATE)
        SessionModel(tx).go_online(opened.mailbox, 0, "n1")
        assert SessionModel(tx).is_current(opened.mailbox, 1)
        assert open_named(tx, user, NamedDevice("phone"), 8, LATE).mailbox == opened.mailbox
        OwnedRowsModel(tx).move_mailbox(opened.mailbox, opened.mailbox + (1 << 40))
        SessionModel(tx).end_all(ABSENT, keep=opened.mailbox)
        assert SessionModel(tx).reassert([(opened.mailbox, 1)], "n1") == []
        DeviceModel(tx).note_all_used([opened.mailbox], LATE)
        assert DeviceModel(tx).part(ROWS)
        TokenModel(tx).give_to_device("token", opened.mailbox)
        end_device(tx, ABSENT, device_of(opened.mailbox))
        open_named(tx, user, NamedDevice("phone"), 8, LATE)
        assert DeviceModel(tx).users_with_more(1)
        assert open_only(tx, user, "phone") == Opened(None, ABSENT)
        OfflineMessageModel(tx).copies_and_events(opened.mailbox)
        OfflineMessageModel(tx).in_both(opened.mailbox, ABSENT)
        MailboxGapModel(tx).join(opened.mailbox, ABSENT)

    planner.write(work)


def bound_mailboxes(planner: Planner) -> None:
    """A gap in a group that begins, goes on and ends."""
    group = ABSENT % 200 + 1
    planner.read(lambda tx: FriendModel(tx).is_one(ABSENT, 8))
    planner.read(lambda tx: MessageModel(tx).known_mids(1, ["mid 300", "new"]))
    planner.read(lambda tx: OfflineMessageModel(tx).counts([ABSENT, 8]))
    planner.read(lambda tx: OfflineMessageModel(tx).shares(ABSENT, 8))
    assert planner.write(lambda tx: open_gaps(tx, group, [ABSENT])) == {ABSENT}
    planner.write(lambda tx: MailboxGapModel(tx).move(group, ABSENT, 8))
    planner.write(lambda tx: fill_gap(tx, ABSENT))
    assert not planner.read(lambda tx: MailboxGapModel(tx).has_one(ABSENT))
    planner.write(lambda tx: DeviceModel(tx).changed())
    planner.write(lambda tx: DeviceModel(tx).hold())
    planner.read(lambda tx: HistoryModel(tx).numbers_between_users(ABSENT, 0, 10))
    box = mailbox_of(ABSENT, 1)
    assert planner.write(lambda tx: open_gaps(tx, group, [box])) == {box}
    planner.write(lambda tx: fill_gap(tx, box))


def search_messages(planner: Planner) -> None:
    """In one conversation and in many, with blocks and without."""
    conversations = {user_conversation(ABSENT, other): 0 for other in range(1, 200)}
    query = Query("needle in the haystack")

    def look(tx: Transaction) -> None:
        for before in (None, ROWS // 2):
            Finder(tx, query, conversations).run(before, 20)
            Finder(tx, query, {user_conversation(ABSENT, 8): 0}).run(before, 20)
        SearchBlockModel(tx).part(range(1, 600), 3)
        HistoryModel(tx).rows([1, 2, 3])
        HistoryModel(tx).texts([1, 2, 3])
        FriendModel(tx).both_ways(ABSENT)
        ConversationModel(tx).with_users(ABSENT)
        GroupModel(tx).starts_of_user(ABSENT)

    planner.read(look)
    planner.write(lambda tx: SearchProgressModel(tx).set(Progress(0, INDEXED, "claim")))
    index_all(planner)
    planner.write(lambda tx: SearchBlockModel(tx).delete_up_to(5, 10))
    planner.write(lambda tx: SearchBlockModel(tx).delete(range(1, 600)))


def delete_old_messages(planner: Planner) -> None:
    def claim(tx: Transaction) -> None:
        assert RetentionModel(tx).lock() == (0, 0)
        RetentionModel(tx).set(1, 10)

    planner.write(claim)
    assert planner.read(lambda tx: find_boundary(tx, "o")) > ROWS - 10  # the time is "now"
    numbers = planner.read(lambda tx: MessageModel(tx).numbers(0, 10, 5))
    planner.read(lambda tx: OfflineMessageModel(tx).numbers_between(1, 5))
    planner.write(lambda tx: MessageModel(tx).delete(numbers))


def look_as_operators_do(planner: Planner) -> None:
    def look(tx: Transaction) -> None:
        accounts, groups = AccountModel(tx), GroupListModel(tx)
        for text in ("", "9"):
            accounts.search(text, online=bool(text), after=10, limit=10)
            groups.search(text, 10, 10)
        accounts.find(ABSENT)
        accounts.find_name("user 8")
        accounts.numbers(ABSENT)
        groups.find(8)
        groups.find_name("group 8")
        groups.members(8, 0, 10)
        AuditModel(tx).last(10)

    planner.read(look)
    planner.write(lambda tx: AuditModel(tx).insert(1, "root", "test", "", ""))
    planner.write(lambda tx: AuditModel(tx).delete_older(2))
    planner.write(lambda tx: NodeModel(tx).give_command("n1", DRAIN))
    planner.write(lambda tx: AddressBanModel(tx).set("203.0.113.7", 0, ""))
    planner.read(lambda tx: AddressBanModel(tx).active(1))
    planner.write(lambda tx: AddressBanModel(tx).delete_expired(1))
    planner.write(lambda tx: AddressBanModel(tx).delete("203.0.113.7"))
    planner.write(lambda tx: NodeModel(tx).set_state("n1", "run", "draining"))


def compare_names(planner: Planner) -> None:
    """As after a change of the rules, with a row that a server of version 2 has added."""
    planner.write(lambda tx: SettingModel(tx).set("name_hashes", f"{RULES} user {ROWS - 9}"))
    planner.write(lambda tx: UserModel(tx).insert("of version 2", "h"))
    lookalikes = Lookalikes(planner)
    while lookalikes.step():
        planner.write(lambda tx: SettingModel(tx).set("name_hashes", f"{RULES} done 0"))


def ask_for_the_status(planner: Planner) -> None:
    planner.write(lambda tx: SettingModel(tx).set("delivery", "stored"))
    planner.read(lambda tx: SettingModel(tx).get("delivery"))
    planner.read(lambda tx: NodeModel(tx).all())
    planner.read(lambda tx: SessionModel(tx).online_by_node())
    planner.read(lambda tx: OfflineMessageModel(tx).count())
    planner.read(lambda tx: OfflineMessageModel(tx).count_up_to(100))
    planner.write(lambda tx: SettingModel(tx).probe())
    planner.write(lambda tx: SettingModel(tx).fill_room())
    planner.write(lambda tx: SettingModel(tx).clear_room())
    planner.write(lambda tx: TokenModel(tx).delete_expired(ROWS // 2, 0, f"{ROWS // 4:064}"))
