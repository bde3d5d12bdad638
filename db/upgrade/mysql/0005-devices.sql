-- From version 4 to version 5: a user has several devices, each with its own mailbox, and a list of
-- conversations with marks of what was read.
--
-- Running servers of version 4 continue to work. They know the unnamed device of each user only, whose
-- mailbox number is the id of the user. So users get no other devices until the last of these servers
-- has ended.
--
-- An interrupted upgrade is repeated from the beginning of this file. Tables, columns and keys that
-- exist are then skipped.

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

ALTER TABLE offlinemessage MODIFY userid BIGINT NOT NULL;
ALTER TABLE mailboxgap MODIFY userid BIGINT NOT NULL;

ALTER TABLE user ADD COLUMN receipts TINYINT NOT NULL DEFAULT 1;
ALTER TABLE token ADD COLUMN mailbox BIGINT NOT NULL DEFAULT 0;

ALTER TABLE node ADD COLUMN version INT NOT NULL DEFAULT 0;

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

CREATE TABLE conversation (
    userid       INT NOT NULL,
    conversation BIGINT NOT NULL,
    readmark     BIGINT NOT NULL DEFAULT 0,
    muted        TINYINT NOT NULL DEFAULT 0,
    PRIMARY KEY (userid, conversation)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Unread messages are counted in the index alone. One statement, so that the log is never without it.
ALTER TABLE message DROP KEY message_conversation,
    ADD KEY message_conversation (conversation, seq, sender);

-- All users have read all messages, except those that wait for them.
INSERT INTO conversation (userid, conversation, readmark)
    SELECT log.number >> 31, log.number, COALESCE(
        (SELECT seq - 1 FROM offlinemessage WHERE offlinemessage.userid = log.number >> 31
            ORDER BY seq LIMIT 1),
        (SELECT seq FROM message ORDER BY seq DESC LIMIT 1), 0)
    FROM (SELECT DISTINCT conversation AS number FROM message WHERE conversation > 0) AS log
    WHERE NOT EXISTS (SELECT 1 FROM conversation AS own
        WHERE own.userid = log.number >> 31 AND own.conversation = log.number);
INSERT INTO conversation (userid, conversation, readmark)
    SELECT log.number & 2147483647, log.number, COALESCE(
        (SELECT seq - 1 FROM offlinemessage WHERE offlinemessage.userid = log.number & 2147483647
            ORDER BY seq LIMIT 1),
        (SELECT seq FROM message ORDER BY seq DESC LIMIT 1), 0)
    FROM (SELECT DISTINCT conversation AS number FROM message WHERE conversation > 0) AS log
    WHERE NOT EXISTS (SELECT 1 FROM conversation AS own
        WHERE own.userid = log.number & 2147483647 AND own.conversation = log.number);
INSERT INTO conversation (userid, conversation, readmark)
    SELECT member.userid, -member.groupid, COALESCE(
        (SELECT seq - 1 FROM offlinemessage WHERE offlinemessage.userid = member.userid
            ORDER BY seq LIMIT 1),
        (SELECT seq FROM message ORDER BY seq DESC LIMIT 1), 0)
    FROM groupuser AS member
    WHERE NOT EXISTS (SELECT 1 FROM conversation AS own
        WHERE own.userid = member.userid AND own.conversation = -member.groupid);

INSERT IGNORE INTO setting VALUES ('devices', '0');
UPDATE setting SET value = '5' WHERE name = 'schema_version';
