-- The chat server's tables for SQLite. The MySQL and MariaDB form is schema.sql, beside this.
-- The server creates them by itself when it opens a database that has none.

-- A user's presence: state is what friends see; node, device and generation say whose session
-- it is. The generation grows with every login, and whatever acts for an older one is refused.
CREATE TABLE user (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    password   TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'offline' CHECK (state IN ('online', 'offline')),
    node       TEXT,
    device     TEXT,
    generation INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX user_node ON user (node) WHERE node IS NOT NULL;

-- One-way: userid has friendid in the list of contacts.
CREATE TABLE friend (
    userid   INTEGER NOT NULL,
    friendid INTEGER NOT NULL,
    PRIMARY KEY (userid, friendid)
) WITHOUT ROWID;
CREATE INDEX friend_friendid ON friend (friendid);

CREATE TABLE allgroup (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    groupname TEXT NOT NULL UNIQUE,
    groupdesc TEXT NOT NULL DEFAULT ''
);

CREATE TABLE groupuser (
    groupid   INTEGER NOT NULL,
    userid    INTEGER NOT NULL,
    grouprole TEXT NOT NULL DEFAULT 'normal' CHECK (grouprole IN ('creator', 'normal')),
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;
CREATE INDEX groupuser_userid ON groupuser (userid);

-- The log. AUTOINCREMENT: a seq is never used a second time, not even after a deletion.
-- kind is the msgid (6 to a user, 10 to a group), target the user's or group's id.
CREATE TABLE message (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    sender INTEGER NOT NULL,
    mid    TEXT NOT NULL,
    kind   INTEGER NOT NULL,
    target INTEGER NOT NULL,
    text   TEXT NOT NULL,
    time   TEXT NOT NULL,
    extra  TEXT,
    UNIQUE (sender, mid)
);

-- The mailbox: what each user is still owed. message holds a whole JSON message only where
-- the log has no row for seq.
CREATE TABLE offlinemessage (
    userid  INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    message TEXT,
    PRIMARY KEY (userid, seq)
) WITHOUT ROWID;

-- Session tokens, hashed: who reads this table cannot log in with it. used: Unix seconds.
CREATE TABLE token (
    hash   TEXT PRIMARY KEY,
    userid INTEGER NOT NULL,
    used   INTEGER NOT NULL
) WITHOUT ROWID;

-- The servers. One whose lease has run out is dead: expires is in milliseconds since 1970 by the
-- database's own clock. incarnation: a new one at every start. The rest is what it says of itself.
CREATE TABLE node (
    name        TEXT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    expires     INTEGER NOT NULL,
    connections INTEGER NOT NULL DEFAULT 0,
    bus         TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO setting VALUES ('schema_version', '1');
