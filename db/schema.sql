-- The tables of the chat server for MySQL 8 and MariaDB 10.5 or newer. schema.sqlite.sql has the
-- same tables for SQLite.
--
--     mysql < db/schema.sql     (with an account that may create databases)
--
-- utf8mb4_bin compares names exactly, as SQLite does. mid is binary: in other collations "abc"
-- equals "ABC ", and all emoji are equal.

CREATE DATABASE IF NOT EXISTS chat CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE chat;

-- state: for friends; online while any device is. node, device, generation: the session of the
-- unnamed device. Every login increments generation, and requests of an older generation are refused.
-- folded, skeleton: hashes that are equal for names that differ in case and width only, and for
-- names that look alike. They are NULL if an older name has the same hash, or if a server of
-- version 2 inserted the row.
-- dialect: the table of the classic client that the account used last.
-- status: "disabled" by an operator, "deleted" by the user. The password of a deleted account is
-- empty, and no password matches it.
-- receipts: 0: the user does not tell others what it has read, and is not told either.
CREATE TABLE user (
    id         INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(50) NOT NULL UNIQUE,
    password   VARCHAR(255) NOT NULL,
    state      ENUM('online', 'offline') NOT NULL DEFAULT 'offline',
    node       VARCHAR(64),
    device     VARCHAR(64),
    generation BIGINT NOT NULL DEFAULT 0,
    folded     CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    skeleton   CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    dialect    VARCHAR(32),
    status     ENUM('active', 'disabled', 'deleted') NOT NULL DEFAULT 'active',
    receipts   TINYINT NOT NULL DEFAULT 1,
    KEY user_node (node),
    UNIQUE KEY user_folded (folded),
    UNIQUE KEY user_skeleton (skeleton)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One direction: friendid is in the friend list of userid.
CREATE TABLE friend (
    userid   INT NOT NULL,
    friendid INT NOT NULL,
    PRIMARY KEY (userid, friendid),
    KEY friend_friendid (friendid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- friendid has not answered yet the request of userid to be a contact. time: Unix seconds.
CREATE TABLE friendrequest (
    userid   INT NOT NULL,
    friendid INT NOT NULL,
    time     BIGINT NOT NULL,
    PRIMARY KEY (userid, friendid),
    KEY friendrequest_friendid (friendid, time),
    KEY friendrequest_time (time)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- userid takes no messages and no requests from blockedid.
CREATE TABLE blocked (
    userid    INT NOT NULL,
    blockedid INT NOT NULL,
    PRIMARY KEY (userid, blockedid),
    KEY blocked_blockedid (blockedid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- joinmode: open to all users, to invited users, or to users with the password. joinhash: the hash
-- of that password.
CREATE TABLE allgroup (
    id        INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    groupname VARCHAR(50) NOT NULL UNIQUE,
    groupdesc VARCHAR(200) NOT NULL DEFAULT '',
    folded    CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    skeleton  CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    joinmode  ENUM('open', 'invite', 'password') NOT NULL DEFAULT 'open',
    joinhash  VARCHAR(255),
    UNIQUE KEY allgroup_folded (folded),
    UNIQUE KEY allgroup_skeleton (skeleton)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- since: the newest message in the log when the user joined. The user's history begins after it.
-- joinorder: increases with every join of the group. It is NULL if a server of version 2 inserted
-- the row; such a member counts as younger than all members with a number.
CREATE TABLE groupuser (
    groupid   INT NOT NULL,
    userid    INT NOT NULL,
    grouprole ENUM('creator', 'normal', 'admin') NOT NULL DEFAULT 'normal',
    since     BIGINT NOT NULL DEFAULT 0,
    joinorder BIGINT,
    PRIMARY KEY (groupid, userid),
    KEY groupuser_userid (userid),
    KEY groupuser_joinorder (groupid, joinorder)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Users that may not join a group by themselves. A removed user joins an open group again, or
-- another one after an invitation; a banned user joins none. byid: the member that did it. time:
-- Unix seconds. reason: its text.
CREATE TABLE groupban (
    groupid INT NOT NULL,
    userid  INT NOT NULL,
    kind    ENUM('removed', 'banned') NOT NULL,
    byid    INT NOT NULL,
    time    BIGINT NOT NULL,
    reason  VARCHAR(200) NOT NULL DEFAULT '',
    PRIMARY KEY (groupid, userid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Unused invitations to a group. byid: the member that invites. time: Unix seconds.
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

-- The log of all messages. seq is their order.
-- kind: the msgid, 6 to a user or 10 to a group. target: the id of that user or group.
-- conversation: a number computed from the other columns. It is the same for both directions
-- between two users, and one for each group. So the history of a conversation is one range of an
-- index. An event of a group has the kind 113, the sender 0, the group as target, and its fields as
-- JSON in extra. So its conversation is the id of the group, below the numbers of two users.
-- message_conversation has the sender, so that unread messages are counted without their rows.
CREATE TABLE message (
    seq          BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sender       INT NOT NULL,
    mid          VARBINARY(256) NOT NULL,
    kind         SMALLINT NOT NULL,
    target       INT NOT NULL,
    text         MEDIUMTEXT NOT NULL,
    time         VARCHAR(40) NOT NULL,
    extra        MEDIUMTEXT,
    conversation BIGINT AS (IF(kind = 10, -target, LEAST(sender, target) * 2147483648 + GREATEST(sender, target))) VIRTUAL,
    UNIQUE KEY message_sender_mid (sender, mid),
    KEY message_conversation (conversation, seq, sender)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The conversations of a user. conversation: as in message. One with another user has a row for each of
-- the two from its first message on; one of a group has a row when its member has read or muted
-- something.
-- readmark: the user has read the messages up to this number. muted: 1: they do not disturb the user.
CREATE TABLE conversation (
    userid       INT NOT NULL,
    conversation BIGINT NOT NULL,
    readmark     BIGINT NOT NULL DEFAULT 0,
    muted        TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (userid, conversation)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The devices of the users, and the numbers of their mailboxes. A user without rows has the unnamed
-- device only.
-- mailbox: for the unnamed device the id of the user, for others a multiple of 2^31 plus that id.
-- hash: of the device's identification, SHA-256; "" for the unnamed device. label: its name for its
-- owner. first, used: its first and last login, in Unix seconds. node, generation: the session, as in
-- user; the unnamed device has it there. since: the newest message in the log at the first login;
-- later ones are in the mailbox.
CREATE TABLE device (
    mailbox    BIGINT NOT NULL PRIMARY KEY,
    userid     INT NOT NULL,
    hash       CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
    label      VARCHAR(64) NOT NULL DEFAULT '',
    first      BIGINT NOT NULL,
    used       BIGINT NOT NULL,
    node       VARCHAR(64),
    generation BIGINT NOT NULL DEFAULT 0,
    since      BIGINT NOT NULL DEFAULT 0,
    UNIQUE KEY device_userid (userid, hash),
    KEY device_node (node)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What the search skips. A row is a part of a block: the filters (chat/search/filters.py) of the
-- messages of a conversation behind the number ``after`` and up to ``last``. Without rows a search
-- reads more texts.
CREATE TABLE searchblock (
    conversation BIGINT NOT NULL,
    level        TINYINT NOT NULL,
    part         TINYINT NOT NULL,
    last         BIGINT NOT NULL,
    after        BIGINT NOT NULL,
    bits         BLOB NOT NULL,
    PRIMARY KEY (conversation, level, part, last),
    KEY searchblock_last (last, part)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The mailboxes: a row for each message that a device has not acknowledged yet.
-- userid: the number of the mailbox; for the unnamed device that is the id of the user.
-- message: the whole JSON message if the log has no row for seq, else NULL.
CREATE TABLE offlinemessage (
    userid  BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    message MEDIUMTEXT,
    PRIMARY KEY (userid, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The mailbox with the number userid is too full: messages of the group after the number ``after``
-- have no rows yet. They get them when the device has read the mailbox.
CREATE TABLE mailboxgap (
    userid  BIGINT NOT NULL,
    groupid INT NOT NULL,
    after   BIGINT NOT NULL,
    PRIMARY KEY (groupid, userid),
    KEY mailboxgap_userid (userid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Session tokens, hashed with SHA-256. used: the last login with it, in Unix seconds. mailbox: of its
-- device; 0: a server of version 4 inserted the row, for the unnamed device.
CREATE TABLE token (
    hash    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    userid  INT NOT NULL,
    used    BIGINT NOT NULL,
    mailbox BIGINT NOT NULL DEFAULT 0,
    KEY token_userid (userid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Devices with which a user has logged in, hashed with SHA-256. Failed logins from elsewhere do not
-- lock them out. used: the last login, in Unix seconds.
CREATE TABLE knowndevice (
    userid INT NOT NULL,
    hash   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    used   BIGINT NOT NULL,
    PRIMARY KEY (userid, hash)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Codes for registration, hashed with SHA-256. uses: how many are left. expires: Unix seconds;
-- 0: never.
CREATE TABLE invitation (
    hash    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    uses    INT NOT NULL,
    expires BIGINT NOT NULL,
    note    VARCHAR(200) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Banned addresses and networks, such as 203.0.113.0/24. expires: Unix seconds; 0: never.
CREATE TABLE addressban (
    network VARCHAR(50) NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL,
    reason  VARCHAR(200) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What operators have done. time: Unix seconds. actor: the account of the operating system.
CREATE TABLE audit (
    id     BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    time   BIGINT NOT NULL,
    actor  VARCHAR(64) NOT NULL,
    action VARCHAR(64) NOT NULL,
    target VARCHAR(255) NOT NULL DEFAULT '',
    detail VARCHAR(1000) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The servers, each with its lease. A server counts as dead when its lease has expired.
-- incarnation: new at every start. place: address, port and host name. expires: milliseconds since
-- 1970 by the database's clock. connections and bus: reported by the server, for operators.
-- state: "serving" or "draining". command: an order of an operator, such as "drain"; the server
-- reads it at its next renewal. version: of the tables that the server knows; 0: below 5.
CREATE TABLE node (
    name        VARCHAR(64) NOT NULL PRIMARY KEY,
    incarnation CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    place       VARCHAR(255) NOT NULL DEFAULT '',
    expires     BIGINT NOT NULL,
    connections INT NOT NULL DEFAULT 0,
    bus         VARCHAR(16) NOT NULL DEFAULT '',
    state       VARCHAR(16) NOT NULL DEFAULT 'serving',
    command     VARCHAR(16) NOT NULL DEFAULT '',
    version     INT NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Values that all servers share: the schema version, the delivery mode, the rules for names. devices:
-- grows with each new or ended device. devices_on: users may have named devices.
CREATE TABLE setting (
    name  VARCHAR(64) NOT NULL PRIMARY KEY,
    value VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
REPLACE INTO setting VALUES ('devices', '0');
REPLACE INTO setting VALUES ('devices_on', '1');
REPLACE INTO setting VALUES ('schema_version', '5');
