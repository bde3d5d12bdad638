-- From version 3 to version 4: accounts can be disabled and deleted, users can block others, groups
-- can be closed, and operators have invitations, bans of addresses, and an audit log.
--
-- Running servers of version 3 continue to work, because their statements name the columns. They do
-- not know the new rules: they log in disabled users, deliver messages of blocked senders, let users
-- join closed groups, and treat administrators of groups as normal members. So restart all servers
-- soon. The deleted name of an account, and its
-- empty password, hold for them, too.
--
-- An interrupted upgrade is repeated from the beginning of this file. Tables, columns and keys that
-- exist are then skipped.

ALTER TABLE user ADD COLUMN status ENUM('active', 'disabled', 'deleted') NOT NULL DEFAULT 'active';

ALTER TABLE token ADD KEY token_userid (userid);

ALTER TABLE allgroup ADD COLUMN joinmode ENUM('open', 'invite', 'password') NOT NULL DEFAULT 'open';
ALTER TABLE allgroup ADD COLUMN joinhash VARCHAR(255);

ALTER TABLE groupuser MODIFY grouprole ENUM('creator', 'normal', 'admin') NOT NULL DEFAULT 'normal';

ALTER TABLE node ADD COLUMN state VARCHAR(16) NOT NULL DEFAULT 'serving';
ALTER TABLE node ADD COLUMN command VARCHAR(16) NOT NULL DEFAULT '';

CREATE TABLE friendrequest (
    userid   INT NOT NULL,
    friendid INT NOT NULL,
    time     BIGINT NOT NULL,
    PRIMARY KEY (userid, friendid),
    KEY friendrequest_friendid (friendid, time),
    KEY friendrequest_time (time)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE blocked (
    userid    INT NOT NULL,
    blockedid INT NOT NULL,
    PRIMARY KEY (userid, blockedid),
    KEY blocked_blockedid (blockedid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE groupban (
    groupid INT NOT NULL,
    userid  INT NOT NULL,
    kind    ENUM('removed', 'banned') NOT NULL,
    byid    INT NOT NULL,
    time    BIGINT NOT NULL,
    reason  VARCHAR(200) NOT NULL DEFAULT '',
    PRIMARY KEY (groupid, userid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE groupinvite (
    groupid INT NOT NULL,
    userid  INT NOT NULL,
    byid    INT NOT NULL,
    time    BIGINT NOT NULL,
    PRIMARY KEY (groupid, userid),
    KEY groupinvite_userid (userid),
    KEY groupinvite_byid (byid),
    KEY groupinvite_time (time)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE mailboxgap (
    userid  INT NOT NULL,
    groupid INT NOT NULL,
    after   BIGINT NOT NULL,
    PRIMARY KEY (groupid, userid),
    KEY mailboxgap_userid (userid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE knowndevice (
    userid INT NOT NULL,
    hash   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    used   BIGINT NOT NULL,
    PRIMARY KEY (userid, hash)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE invitation (
    hash    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    uses    INT NOT NULL,
    expires BIGINT NOT NULL,
    note    VARCHAR(200) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE addressban (
    network VARCHAR(50) NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL,
    reason  VARCHAR(200) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE audit (
    id     BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    time   BIGINT NOT NULL,
    actor  VARCHAR(64) NOT NULL,
    action VARCHAR(64) NOT NULL,
    target VARCHAR(255) NOT NULL DEFAULT '',
    detail VARCHAR(1000) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

UPDATE setting SET value = '4' WHERE name = 'schema_version';
