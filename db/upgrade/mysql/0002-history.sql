-- From version 1: messages know their conversation, and members when they joined, so that history
-- can be read. Members that are there already see all of their groups' history.
--
-- A step that was cut short is run again: columns and keys that exist by then are passed over.

-- What the step before has left behind in a version of this program that did not keep them.
DROP TABLE IF EXISTS old_user, old_friend, old_allgroup, old_groupuser, old_offlinemessage;

ALTER TABLE groupuser ADD COLUMN since BIGINT NOT NULL DEFAULT 0;

ALTER TABLE node ADD COLUMN place VARCHAR(255) NOT NULL DEFAULT '' AFTER incarnation;

ALTER TABLE message ADD COLUMN conversation BIGINT
    AS (IF(kind = 10, -target, LEAST(sender, target) * 2147483648 + GREATEST(sender, target))) VIRTUAL;
ALTER TABLE message ADD KEY message_conversation (conversation, seq);

UPDATE setting SET value = '2' WHERE name = 'schema_version';
