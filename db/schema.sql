-- The chat server's tables for MySQL 8 and MariaDB 10.5 or newer. schema.sqlite.sql is the SQLite form.
--
--     mysql < db/schema.sql     (as an account that may create databases)
--
-- utf8mb4_bin: names compare exactly, as they do in SQLite. mid is binary, because under
-- other collations "abc" would equal "ABC ", and all emoji each other.

CREATE DATABASE IF NOT EXISTS chat CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE chat;

-- folded: the same for names that differ in case and width; skeleton: the same for names that look
-- alike. Both are hashes, and NULL if an older name has the same hash, or if a server of version 2 made
-- the row. dialect: the table of the classic client that the account used last.
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
    KEY user_node (node),
    UNIQUE KEY user_folded (folded),
    UNIQUE KEY user_skeleton (skeleton)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE friend (
    userid   INT NOT NULL,
    friendid INT NOT NULL,
    PRIMARY KEY (userid, friendid),
    KEY friend_friendid (friendid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE allgroup (
    id        INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    groupname VARCHAR(50) NOT NULL UNIQUE,
    groupdesc VARCHAR(200) NOT NULL DEFAULT '',
    folded    CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    skeleton  CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    UNIQUE KEY allgroup_folded (folded),
    UNIQUE KEY allgroup_skeleton (skeleton)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- since: the last message of all before the user joined; history begins behind it.
-- joinorder: grows with every join of the group; NULL for a row of a server of version 2, which joined
-- behind all that have a number.
CREATE TABLE groupuser (
    groupid   INT NOT NULL,
    userid    INT NOT NULL,
    grouprole ENUM('creator', 'normal') NOT NULL DEFAULT 'normal',
    since     BIGINT NOT NULL DEFAULT 0,
    joinorder BIGINT,
    PRIMARY KEY (groupid, userid),
    KEY groupuser_userid (userid),
    KEY groupuser_joinorder (groupid, joinorder)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The log. kind is the msgid (6 to a user, 10 to a group), target the user's or group's id.
-- conversation: made of the others, one number for what two users say to each other in either
-- direction, or for what is said in a group, so that history is one range of an index.
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
    KEY message_conversation (conversation, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The mailbox: what each user is still owed. message holds a whole JSON message only where
-- the log has no row for seq.
CREATE TABLE offlinemessage (
    userid  INT NOT NULL,
    seq     BIGINT NOT NULL,
    message MEDIUMTEXT,
    PRIMARY KEY (userid, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Session tokens, hashed. used: Unix seconds.
CREATE TABLE token (
    hash   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    userid INT NOT NULL,
    used   BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The servers. One whose lease has run out is dead: expires is in milliseconds since 1970 by the
-- database's own clock. incarnation: a new one at every start. place: machine and port. The rest is
-- what it says of itself.
CREATE TABLE node (
    name        VARCHAR(64) NOT NULL PRIMARY KEY,
    incarnation CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    place       VARCHAR(255) NOT NULL DEFAULT '',
    expires     BIGINT NOT NULL,
    connections INT NOT NULL DEFAULT 0,
    bus         VARCHAR(16) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE setting (
    name  VARCHAR(64) NOT NULL PRIMARY KEY,
    value VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
REPLACE INTO setting VALUES ('schema_version', '3');
