-- The tables of the chat server for SQLite. schema.sql has the same tables for MySQL and MariaDB.
-- The server creates them in an empty database.

-- state: for friends; online while any device is. node, device, generation: the session of the
-- unnamed device. Every login increments generation, and requests of an older generation are refused.
-- folded, skeleton: hashes that are equal for names that differ in case and width only, and for
-- names that look alike. They are NULL if an older name has the same hash.
-- dialect: the table of the classic client that the account used last.
-- status: "disabled" by an operator, "deleted" by the user. The password of a deleted account is
-- empty, and no password matches it.
-- receipts: 0: the user does not tell others what it has read, and is not told either.
CREATE TABLE user (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    password   TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'offline' CHECK (state IN ('online', 'offline')),
    node       TEXT,
    device     TEXT,
    generation INTEGER NOT NULL DEFAULT 0,
    folded     TEXT,
    skeleton   TEXT,
    dialect    TEXT,
    status     TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
    receipts   INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX user_node ON user (node) WHERE node IS NOT NULL;
CREATE UNIQUE INDEX user_folded ON user (folded);
CREATE UNIQUE INDEX user_skeleton ON user (skeleton);

-- One direction: friendid is in the friend list of userid.
CREATE TABLE friend (
    userid   INTEGER NOT NULL,
    friendid INTEGER NOT NULL,
    PRIMARY KEY (userid, friendid)
) WITHOUT ROWID;
CREATE INDEX friend_friendid ON friend (friendid);

-- friendid has not answered yet the request of userid to be a contact. time: Unix seconds.
CREATE TABLE friendrequest (
    userid   INTEGER NOT NULL,
    friendid INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    PRIMARY KEY (userid, friendid)
) WITHOUT ROWID;
CREATE INDEX friendrequest_friendid ON friendrequest (friendid, time);
CREATE INDEX friendrequest_time ON friendrequest (time);

-- userid takes no messages and no requests from blockedid.
CREATE TABLE blocked (
    userid    INTEGER NOT NULL,
    blockedid INTEGER NOT NULL,
    PRIMARY KEY (userid, blockedid)
) WITHOUT ROWID;
CREATE INDEX blocked_blockedid ON blocked (blockedid);

-- joinmode: open to all users, to invited users, or to users with the password. joinhash: the hash
-- of that password.
CREATE TABLE allgroup (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    groupname TEXT NOT NULL UNIQUE,
    groupdesc TEXT NOT NULL DEFAULT '',
    folded    TEXT,
    skeleton  TEXT,
    joinmode  TEXT NOT NULL DEFAULT 'open' CHECK (joinmode IN ('open', 'invite', 'password')),
    joinhash  TEXT
);
CREATE UNIQUE INDEX allgroup_folded ON allgroup (folded);
CREATE UNIQUE INDEX allgroup_skeleton ON allgroup (skeleton);

-- since: the newest message in the log when the user joined. The user's history begins after it.
-- joinorder: increases with every join of the group.
CREATE TABLE groupuser (
    groupid   INTEGER NOT NULL,
    userid    INTEGER NOT NULL,
    grouprole TEXT NOT NULL DEFAULT 'normal' CHECK (grouprole IN ('creator', 'admin', 'normal')),
    since     INTEGER NOT NULL DEFAULT 0,
    joinorder INTEGER,
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;
CREATE INDEX groupuser_userid ON groupuser (userid);
CREATE INDEX groupuser_joinorder ON groupuser (groupid, joinorder);

-- Users that may not join a group by themselves. A removed user joins an open group again, or
-- another one after an invitation; a banned user joins none. byid: the member that did it. time:
-- Unix seconds. reason: its text.
CREATE TABLE groupban (
    groupid INTEGER NOT NULL,
    userid  INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('removed', 'banned')),
    byid    INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    reason  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;

-- Unused invitations to a group. byid: the member that invites. time: Unix seconds.
CREATE TABLE groupinvite (
    groupid INTEGER NOT NULL,
    userid  INTEGER NOT NULL,
    byid    INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;
CREATE INDEX groupinvite_userid ON groupinvite (userid);
CREATE INDEX groupinvite_byid ON groupinvite (byid);
CREATE INDEX groupinvite_time ON groupinvite (time);

-- The log of all messages. seq is their order. With AUTOINCREMENT SQLite gives each seq once, also
-- after a deletion.
-- kind: the msgid, 6 to a user or 10 to a group. target: the id of that user or group.
-- conversation: a number computed from the other columns. It is the same for both directions
-- between two users, and one for each group. So the history of a conversation is one range of an
-- index. An event of a group has the kind 113, the sender 0, the group as target, and its fields as
-- JSON in extra. So its conversation is the id of the group, below the numbers of two users.
-- message_conversation has the sender, so that unread messages are counted without their rows.
CREATE TABLE message (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    sender       INTEGER NOT NULL,
    mid          TEXT NOT NULL,
    kind         INTEGER NOT NULL,
    target       INTEGER NOT NULL,
    text         TEXT NOT NULL,
    time         TEXT NOT NULL,
    extra        TEXT,
    conversation INTEGER AS (IIF(kind = 10, -target, MIN(sender, target) * 2147483648 + MAX(sender, target))) VIRTUAL,
    UNIQUE (sender, mid)
);
CREATE INDEX message_conversation ON message (conversation, seq, sender);

-- The conversations of a user. conversation: as in message. One with another user has a row for each of
-- the two from its first message on; one of a group has a row when its member has read or muted
-- something.
-- readmark: the user has read the messages up to this number. muted: 1: they do not disturb the user.
CREATE TABLE conversation (
    userid       INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    readmark     INTEGER NOT NULL DEFAULT 0,
    muted        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (userid, conversation)
) WITHOUT ROWID;

-- The devices of the users, and the numbers of their mailboxes. A user without rows has the unnamed
-- device only.
-- mailbox: for the unnamed device the id of the user, for others a multiple of 2^31 plus that id.
-- hash: of the device's identification, SHA-256; "" for the unnamed device. label: its name for its
-- owner. first, used: its first and last login, in Unix seconds. node, generation: the session, as in
-- user; the unnamed device has it there. since: the newest message in the log at the first login;
-- later ones are in the mailbox.
CREATE TABLE device (
    mailbox    INTEGER PRIMARY KEY,
    userid     INTEGER NOT NULL,
    hash       TEXT NOT NULL DEFAULT '',
    label      TEXT NOT NULL DEFAULT '',
    first      INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    node       TEXT,
    generation INTEGER NOT NULL DEFAULT 0,
    since      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (userid, hash)
);
CREATE INDEX device_node ON device (node) WHERE node IS NOT NULL;

-- What the search skips. A row is a part of a block: the filters (chat/search/filters.py) of the
-- messages of a conversation behind the number ``after`` and up to ``last``. Without rows a search
-- reads more texts.
CREATE TABLE searchblock (
    conversation INTEGER NOT NULL,
    level        INTEGER NOT NULL,
    part         INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    after        INTEGER NOT NULL,
    bits         BLOB NOT NULL,
    PRIMARY KEY (conversation, level, part, last)
) WITHOUT ROWID;
CREATE INDEX searchblock_last ON searchblock (last, part);

-- The mailboxes: a row for each message that a device has not acknowledged yet.
-- userid: the number of the mailbox; for the unnamed device that is the id of the user.
-- message: the whole JSON message if the log has no row for seq, else NULL.
CREATE TABLE offlinemessage (
    userid  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    message TEXT,
    PRIMARY KEY (userid, seq)
) WITHOUT ROWID;

-- The mailbox with the number userid is too full: messages of the group after the number ``after``
-- have no rows yet. They get them when the device has read the mailbox.
CREATE TABLE mailboxgap (
    userid  INTEGER NOT NULL,
    groupid INTEGER NOT NULL,
    after   INTEGER NOT NULL,
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;
CREATE INDEX mailboxgap_userid ON mailboxgap (userid);

-- Session tokens, hashed with SHA-256: the table is of no use for a login. used: the last login
-- with it, in Unix seconds. mailbox: of its device; 0: a server of version 4 inserted the row, for
-- the unnamed device.
CREATE TABLE token (
    hash    TEXT PRIMARY KEY,
    userid  INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    mailbox INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX token_userid ON token (userid);

-- Devices with which a user has logged in, hashed with SHA-256. Failed logins from elsewhere do not
-- lock them out. used: the last login, in Unix seconds.
CREATE TABLE knowndevice (
    userid INTEGER NOT NULL,
    hash   TEXT NOT NULL,
    used   INTEGER NOT NULL,
    PRIMARY KEY (userid, hash)
) WITHOUT ROWID;

-- Codes for registration, hashed with SHA-256. uses: how many are left. expires: Unix seconds;
-- 0: never.
CREATE TABLE invitation (
    hash    TEXT PRIMARY KEY,
    uses    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    note    TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- Banned addresses and networks, such as 203.0.113.0/24. expires: Unix seconds; 0: never.
CREATE TABLE addressban (
    network TEXT PRIMARY KEY,
    expires INTEGER NOT NULL,
    reason  TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- What operators have done. time: Unix seconds. actor: the account of the operating system.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    time   INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT ''
);

-- The servers, each with its lease. A server counts as dead when its lease has expired.
-- incarnation: new at every start. place: address, port and host name. expires: milliseconds since
-- 1970 by the database's clock. connections and bus: reported by the server, for operators.
-- state: "serving" or "draining". command: an order of an operator, such as "drain"; the server
-- reads it at its next renewal. version: of the tables that the server knows; 0: below 5.
CREATE TABLE node (
    name        TEXT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    place       TEXT NOT NULL DEFAULT '',
    expires     INTEGER NOT NULL,
    connections INTEGER NOT NULL DEFAULT 0,
    bus         TEXT NOT NULL DEFAULT '',
    state       TEXT NOT NULL DEFAULT 'serving',
    command     TEXT NOT NULL DEFAULT '',
    version     INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Values that all servers share: the schema version, the delivery mode, the rules for names. devices:
-- grows with each new or ended device.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
REPLACE INTO setting VALUES ('devices', '0');
REPLACE INTO setting VALUES ('schema_version', '5');
