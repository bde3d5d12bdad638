-- From the five tables of the original project to version 1. Users, friends, groups and waiting
-- messages are kept; passwords stay as they are until their first login, which hashes them.
--
-- Everything is built beside what is there and then takes its place in one step, so an upgrade
-- that was cut short can simply be run again.

DROP TABLE IF EXISTS new_user, new_friend, new_allgroup, new_groupuser, new_message,
    new_offlinemessage, new_token, new_node, new_setting;

CREATE TABLE new_user (
    id         INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(50) NOT NULL UNIQUE,
    password   VARCHAR(255) NOT NULL,
    state      ENUM('online', 'offline') NOT NULL DEFAULT 'offline',
    node       VARCHAR(64),
    device     VARCHAR(64),
    generation BIGINT NOT NULL DEFAULT 0,
    KEY user_node (node)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_user (id, name, password) SELECT id, name, password FROM user;

CREATE TABLE new_friend (
    userid   INT NOT NULL,
    friendid INT NOT NULL,
    PRIMARY KEY (userid, friendid),
    KEY friend_friendid (friendid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_friend SELECT DISTINCT userid, friendid FROM friend;

CREATE TABLE new_allgroup (
    id        INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    groupname VARCHAR(50) NOT NULL UNIQUE,
    groupdesc VARCHAR(200) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_allgroup SELECT id, groupname, COALESCE(groupdesc, '') FROM allgroup;

CREATE TABLE new_groupuser (
    groupid   INT NOT NULL,
    userid    INT NOT NULL,
    grouprole ENUM('creator', 'normal') NOT NULL DEFAULT 'normal',
    PRIMARY KEY (groupid, userid),
    KEY groupuser_userid (userid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_groupuser
    SELECT groupid, userid, COALESCE(MIN(grouprole), 'normal') FROM groupuser GROUP BY groupid, userid;

CREATE TABLE new_message (
    seq    BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sender INT NOT NULL,
    mid    VARBINARY(256) NOT NULL,
    kind   SMALLINT NOT NULL,
    target INT NOT NULL,
    text   MEDIUMTEXT NOT NULL,
    time   VARCHAR(40) NOT NULL,
    extra  MEDIUMTEXT,
    UNIQUE KEY message_sender_mid (sender, mid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Numbered as they are read, which is the order in which they were stored.
CREATE TABLE new_offlinemessage (
    userid  INT NOT NULL,
    seq     BIGINT NOT NULL AUTO_INCREMENT,
    message MEDIUMTEXT,
    PRIMARY KEY (userid, seq),
    KEY numbering (seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_offlinemessage (userid, message) SELECT userid, message FROM offlinemessage;
ALTER TABLE new_offlinemessage MODIFY seq BIGINT NOT NULL, DROP KEY numbering;

-- The log's numbers go on behind those that the waiting messages have got.
INSERT INTO new_message (seq, sender, mid, kind, target, text, time)
    SELECT COALESCE(MAX(seq), 0) + 1, 0, '', 0, 0, '', '' FROM new_offlinemessage;
DELETE FROM new_message;

CREATE TABLE new_token (
    hash   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    userid INT NOT NULL,
    used   BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE new_node (
    name        VARCHAR(64) NOT NULL PRIMARY KEY,
    incarnation CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    expires     BIGINT NOT NULL,
    connections INT NOT NULL DEFAULT 0,
    bus         VARCHAR(16) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE new_setting (
    name  VARCHAR(64) NOT NULL PRIMARY KEY,
    value VARCHAR(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_setting VALUES ('schema_version', '1');

DROP TABLE IF EXISTS old_user, old_friend, old_allgroup, old_groupuser, old_offlinemessage;
RENAME TABLE
    user TO old_user, new_user TO user,
    friend TO old_friend, new_friend TO friend,
    allgroup TO old_allgroup, new_allgroup TO allgroup,
    groupuser TO old_groupuser, new_groupuser TO groupuser,
    offlinemessage TO old_offlinemessage, new_offlinemessage TO offlinemessage,
    new_message TO message, new_token TO token, new_node TO node, new_setting TO setting;

-- Not kept: there are passwords in it.
DROP TABLE old_user, old_friend, old_allgroup, old_groupuser, old_offlinemessage;
