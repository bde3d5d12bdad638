-- The chat server's tables for SQLite. The MySQL and MariaDB form is schema.sql, beside this.
-- The server creates them by itself when it opens a database that has none.

-- A user's presence: state is what friends see; node, device and generation say whose session
-- it is. The generation grows with every login, and whatever acts for an older one is refused.
-- folded: the same for names that differ in case and width; skeleton: the same for names that look
-- alike. Both are hashes, and NULL where an older name has the same.
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
    groupdesc TEXT NOT NULL DEFAULT '',
    folded    TEXT,
    skeleton  TEXT
);
CREATE UNIQUE INDEX allgroup_folded ON allgroup (folded);
CREATE UNIQUE INDEX allgroup_skeleton ON allgroup (skeleton);

-- since: the last message of all before the user joined; history begins behind it.
-- joinorder: grows with every join of the group.
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

-- The log. AUTOINCREMENT: a seq is never used a second time, not even after a deletion.
-- kind is the msgid (6 to a user, 10 to a group), target the user's or group's id.
-- conversation: made of the others, one number for what two users say to each other in either
-- direction, or for what is said in a group, so that history is one range of an index.
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
-- database's own clock. incarnation: a new one at every start. place: machine and port. The rest is
-- what it says of itself.
CREATE TABLE node (
    name        TEXT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    place       TEXT NOT NULL DEFAULT '',
    expires     INTEGER NOT NULL,
    connections INTEGER NOT NULL DEFAULT 0,
    bus         TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
REPLACE INTO setting VALUES ('schema_version', '3');
