-- From version 1 to version 2: two columns for history. A message has the number of its
-- conversation, and a member has the newest message at the time of joining. Existing members see
-- the whole history of their groups.

-- Some files of version 1 lack this index.
CREATE INDEX IF NOT EXISTS friend_friendid ON friend (friendid);
-- node gets a column in the middle, which ALTER TABLE cannot add. The table holds only the row of a
-- server that has ended, so it is created anew.
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
