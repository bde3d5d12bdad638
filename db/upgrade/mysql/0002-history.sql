-- From version 1 to version 2: two columns for history. A message has the number of its
-- conversation, and a member has the newest message at the time of joining. Existing members see
-- the whole history of their groups.
--
-- An interrupted upgrade is repeated from the beginning of this file. Columns and keys that exist
-- are then skipped.

-- Earlier versions of step 0001 left these tables behind.
DROP TABLE IF EXISTS old_user, old_friend, old_allgroup, old_groupuser, old_offlinemessage;

ALTER TABLE groupuser ADD COLUMN since BIGINT NOT NULL DEFAULT 0;

ALTER TABLE node ADD COLUMN place VARCHAR(255) NOT NULL DEFAULT '' AFTER incarnation;

ALTER TABLE message ADD COLUMN conversation BIGINT
    AS (IF(kind = 10, -target, LEAST(sender, target) * 2147483648 + GREATEST(sender, target))) VIRTUAL;
ALTER TABLE message ADD KEY message_conversation (conversation, seq);

UPDATE setting SET value = '2' WHERE name = 'schema_version';
