-- The tables of the chat server for SQLite. schema.sql has the same tables for MySQL and MariaDB.
-- The server creates them in an empty database.

-- state: for friends. node, device, generation: the session of the user. Every login increments
-- generation, and requests of an older generation are refused.
-- folded, skeleton: hashes that are equal for names that differ in case and width only, and for
-- names that look alike. They are NULL if an older name has the same hash.
-- dialect: the table of the classic client that the account used last.
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
    dialect    TEXT
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

CREATE TABLE allgroup (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    groupname TEXT NOT NULL UNIQUE,
    groupdesc TEXT NOT NULL DEFAULT '',
    folded    TEXT,
    skeleton  TEXT
);
CREATE UNIQUE INDEX allgroup_folded ON allgroup (folded);
CREATE UNIQUE INDEX allgroup_skeleton ON allgroup (skeleton);

-- since: the newest message in the log when the user joined. The user's history begins after it.
-- joinorder: increases with every join of the group.
CREATE TABLE groupuser (
    groupid   INTEGER NOT NULL,
    userid    INTEGER NOT NULL,
    grouprole TEXT NOT NULL DEFAULT 'normal' CHECK (grouprole IN ('creator', 'normal')),
    since     INTEGER NOT NULL DEFAULT 0,
    joinorder INTEGER,
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;
CREATE INDEX groupuser_userid ON groupuser (userid);
CREATE INDEX groupuser_joinorder ON groupuser (groupid, joinorder);

-- The log of all messages. seq is their order. With AUTOINCREMENT SQLite gives each seq once, also
-- after a deletion.
-- kind: the msgid, 6 to a user or 10 to a group. target: the id of that user or group.
-- conversation: a number computed from the other columns. It is the same for both directions
-- between two users, and one for each group. So the history of a conversation is one range of an
-- index.
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
CREATE INDEX message_conversation ON message (conversation, seq);

-- The mailbox: a row for each message that a user has not acknowledged yet.
-- message: the whole JSON message if the log has no row for seq, else NULL.
CREATE TABLE offlinemessage (
    userid  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    message TEXT,
    PRIMARY KEY (userid, seq)
) WITHOUT ROWID;

-- Session tokens, hashed with SHA-256: the table is of no use for a login. used: the last login
-- with it, in Unix seconds.
CREATE TABLE token (
    hash   TEXT PRIMARY KEY,
    userid INTEGER NOT NULL,
    used   INTEGER NOT NULL
) WITHOUT ROWID;

-- The servers, each with its lease. A server counts as dead when its lease has expired.
-- incarnation: new at every start. place: address, port and host name. expires: milliseconds since
-- 1970 by the database's clock. connections and bus: reported by the server, for operators.
CREATE TABLE node (
    name        TEXT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    place       TEXT NOT NULL DEFAULT '',
    expires     INTEGER NOT NULL,
    connections INTEGER NOT NULL DEFAULT 0,
    bus         TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- Values that all servers share: the schema version, the delivery mode, the rules for names.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
REPLACE INTO setting VALUES ('schema_version', '3');
