-- From version 3 to version 4: accounts can be disabled and deleted, users can block others, groups
-- can be closed, and operators have invitations, bans of addresses, and an audit log.

ALTER TABLE user ADD COLUMN status TEXT NOT NULL DEFAULT 'active'
    CHECK (status IN ('active', 'disabled', 'deleted'));

CREATE INDEX token_userid ON token (userid);

ALTER TABLE allgroup ADD COLUMN joinmode TEXT NOT NULL DEFAULT 'open'
    CHECK (joinmode IN ('open', 'invite', 'password'));
ALTER TABLE allgroup ADD COLUMN joinhash TEXT;

-- A further role. SQLite cannot change a CHECK, so the table is copied.
CREATE TABLE newgroupuser (
    groupid   INTEGER NOT NULL,
    userid    INTEGER NOT NULL,
    grouprole TEXT NOT NULL DEFAULT 'normal' CHECK (grouprole IN ('creator', 'admin', 'normal')),
    since     INTEGER NOT NULL DEFAULT 0,
    joinorder INTEGER,
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;
INSERT INTO newgroupuser SELECT groupid, userid, grouprole, since, joinorder FROM groupuser;
DROP TABLE groupuser;
ALTER TABLE newgroupuser RENAME TO groupuser;
CREATE INDEX groupuser_userid ON groupuser (userid);
CREATE INDEX groupuser_joinorder ON groupuser (groupid, joinorder);

ALTER TABLE node ADD COLUMN state TEXT NOT NULL DEFAULT 'serving';
ALTER TABLE node ADD COLUMN command TEXT NOT NULL DEFAULT '';

CREATE TABLE friendrequest (
    userid   INTEGER NOT NULL,
    friendid INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    PRIMARY KEY (userid, friendid)
) WITHOUT ROWID;
CREATE INDEX friendrequest_friendid ON friendrequest (friendid, time);
CREATE INDEX friendrequest_time ON friendrequest (time);

CREATE TABLE blocked (
    userid    INTEGER NOT NULL,
    blockedid INTEGER NOT NULL,
    PRIMARY KEY (userid, blockedid)
) WITHOUT ROWID;
CREATE INDEX blocked_blockedid ON blocked (blockedid);

CREATE TABLE groupban (
    groupid INTEGER NOT NULL,
    userid  INTEGER NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('removed', 'banned')),
    byid    INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    reason  TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;

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

CREATE TABLE mailboxgap (
    userid  INTEGER NOT NULL,
    groupid INTEGER NOT NULL,
    after   INTEGER NOT NULL,
    PRIMARY KEY (groupid, userid)
) WITHOUT ROWID;
CREATE INDEX mailboxgap_userid ON mailboxgap (userid);

CREATE TABLE knowndevice (
    userid INTEGER NOT NULL,
    hash   TEXT NOT NULL,
    used   INTEGER NOT NULL,
    PRIMARY KEY (userid, hash)
) WITHOUT ROWID;

CREATE TABLE invitation (
    hash    TEXT PRIMARY KEY,
    uses    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    note    TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE addressban (
    network TEXT PRIMARY KEY,
    expires INTEGER NOT NULL,
    reason  TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    time   INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT ''
);

UPDATE setting SET value = '4' WHERE name = 'schema_version';
