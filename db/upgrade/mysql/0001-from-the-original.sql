-- From the five tables of the original project to version 1. The script takes over users, friends,
-- groups and waiting messages. Passwords stay as they are; the first login hashes them.
--
-- The script builds new tables beside the existing ones, and exchanges them in one step at the end.
-- So an interrupted upgrade can be repeated.
--
-- The script copies no texts: many have another encoding than the database assumes, and names may
-- be missing or occur twice. The server converts them at its next start, which the setting
-- 'original_texts' requests. Until then each name is U+0001 and a number.

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

-- The waiting messages are numbered in the order of the scan, which is the order in which they were
-- stored. The texts keep their encoding here.
CREATE TABLE new_original_mail (seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB
    SELECT userid, message FROM offlinemessage WHERE userid IS NOT NULL AND message IS NOT NULL;

CREATE TABLE new_offlinemessage (
    userid  INT NOT NULL,
    seq     BIGINT NOT NULL,
    message MEDIUMTEXT,
    PRIMARY KEY (userid, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO new_offlinemessage SELECT userid, seq, '' FROM new_original_mail;

-- The numbers of the log continue after the numbers of the waiting messages.
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

-- The original's tables are kept until the operator drops them. original_user holds passwords in
-- clear text.
RENAME TABLE
    user TO original_user, new_user TO user,
    friend TO original_friend, new_friend TO friend,
    allgroup TO original_allgroup, new_allgroup TO allgroup,
    groupuser TO original_groupuser, new_groupuser TO groupuser,
    offlinemessage TO original_offlinemessage, new_offlinemessage TO offlinemessage,
    new_original_mail TO original_mail,
    new_message TO message, new_token TO token, new_node TO node, new_setting TO setting;
