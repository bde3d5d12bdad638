-- From version 4 to version 5: a user has several devices, each with its own mailbox, and a list of
-- conversations with marks of what was read.

CREATE TABLE device (
    mailbox    INTEGER PRIMARY KEY,
    userid     INTEGER NOT NULL,
    hash       TEXT NOT NULL DEFAULT '',
    label      TEXT NOT NULL DEFAULT '',
    first      INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    node       TEXT,
    generation INTEGER NOT NULL DEFAULT 0,
    since      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (userid, hash)
);
CREATE INDEX device_node ON device (node) WHERE node IS NOT NULL;

ALTER TABLE user ADD COLUMN receipts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE token ADD COLUMN mailbox INTEGER NOT NULL DEFAULT 0;

ALTER TABLE node ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE searchblock (
    conversation INTEGER NOT NULL,
    level        INTEGER NOT NULL,
    part         INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    after        INTEGER NOT NULL,
    bits         BLOB NOT NULL,
    PRIMARY KEY (conversation, level, part, last)
) WITHOUT ROWID;
CREATE INDEX searchblock_last ON searchblock (last, part);

CREATE TABLE conversation (
    userid       INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    readmark     INTEGER NOT NULL DEFAULT 0,
    muted        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (userid, conversation)
) WITHOUT ROWID;

-- Unread messages are counted in the index alone.
DROP INDEX message_conversation;
CREATE INDEX message_conversation ON message (conversation, seq, sender);

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

INSERT OR IGNORE INTO setting VALUES ('devices', '0');
UPDATE setting SET value = '5' WHERE name = 'schema_version';
