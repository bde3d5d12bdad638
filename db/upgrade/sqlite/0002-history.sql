-- From version 1: messages know their conversation, and members when they joined, so that history
-- can be read. Members that are there already see all of their groups' history.

-- What a file of version 1 may lack, from before the first release.
CREATE INDEX IF NOT EXISTS friend_friendid ON friend (friendid);
-- SQLite adds columns behind the others; nothing but a dead server's row can be in there.
DROP TABLE IF EXISTS node;
CREATE TABLE node (
    name        TEXT PRIMARY KEY,
    incarnation TEXT NOT NULL,
    place       TEXT NOT NULL DEFAULT '',
    expires     INTEGER NOT NULL,
    connections INTEGER NOT NULL DEFAULT 0,
    bus         TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

ALTER TABLE groupuser ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

ALTER TABLE message ADD COLUMN conversation INTEGER
    AS (IIF(kind = 10, -target, MIN(sender, target) * 2147483648 + MAX(sender, target))) VIRTUAL;
CREATE INDEX message_conversation ON message (conversation, seq);

UPDATE setting SET value = '2' WHERE name = 'schema_version';
