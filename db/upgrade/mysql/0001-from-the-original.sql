-- From the five tables of the original project to version 1. Users, friends, groups and waiting
-- messages are taken over; passwords stay as they are until their first login, which hashes them.
--
-- Everything is built beside what is there and then takes its place in one step, so an upgrade
-- that was cut short can simply be run again.
--
-- The server sees to the texts when it starts next ('original_texts' says that it has to): many were
-- written in another encoding than the database believes, and names may be missing or occur twice.
-- Until then each name is U+0001 and a number.

DROP TABLE IF EXISTS new_user, new_friend, new_allgroup, new_groupuser, new_message,
    new_offlinemessage, new_token, new_node, new_setting, new_original_mail;

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
INSERT INTO new_user (id, name, password) SELECT id, CONCAT(CHAR(1 USING utf8mb4), id), '' FROM user;

CREATE TABLE new_friend (
    userid   INT NOT NULL,
    friendid INT NOT NULL,
    PRIMARY KEY (userid, friendid),
    KEY friend_friendid (friendid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_friend
    SELECT DISTINCT userid, friendid FROM friend WHERE userid IS NOT NULL AND friendid IS NOT NULL;

CREATE TABLE new_allgroup (
    id        INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    groupname VARCHAR(50) NOT NULL UNIQUE,
    groupdesc VARCHAR(200) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_allgroup SELECT id, CONCAT(CHAR(1 USING utf8mb4), id), '' FROM allgroup;

CREATE TABLE new_groupuser (
    groupid   INT NOT NULL,
    userid    INT NOT NULL,
    grouprole ENUM('creator', 'normal') NOT NULL DEFAULT 'normal',
    PRIMARY KEY (groupid, userid),
    KEY groupuser_userid (userid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_groupuser
    SELECT groupid, userid, IF(COALESCE(SUM(grouprole = 'creator'), 0) > 0, 'creator', 'normal')
    FROM groupuser WHERE groupid IS NOT NULL AND userid IS NOT NULL GROUP BY groupid, userid;

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

-- Numbered as they are read, which is the order in which they were stored. The texts stay in their
-- encoding here.
CREATE TABLE new_original_mail (seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB
    SELECT userid, message FROM offlinemessage WHERE userid IS NOT NULL AND message IS NOT NULL;

CREATE TABLE new_offlinemessage (
    userid  INT NOT NULL,
    seq     BIGINT NOT NULL,
    message MEDIUMTEXT,
    PRIMARY KEY (userid, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_offlinemessage SELECT userid, seq, '' FROM new_original_mail;

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
INSERT INTO new_setting VALUES ('schema_version', '1'), ('original_texts', 'unread');

-- The original's tables stay until the operator drops them. There are passwords in original_user.
RENAME TABLE
    user TO original_user, new_user TO user,
    friend TO original_friend, new_friend TO friend,
    allgroup TO original_allgroup, new_allgroup TO allgroup,
    groupuser TO original_groupuser, new_groupuser TO groupuser,
    offlinemessage TO original_offlinemessage, new_offlinemessage TO offlinemessage,
    new_original_mail TO original_mail,
    new_message TO message, new_token TO token, new_node TO node, new_setting TO setting;
