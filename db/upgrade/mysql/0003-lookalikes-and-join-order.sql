-- From version 2 to version 3: names have two hashes, which are equal for names that look alike.
-- The members of a group are numbered in the order in which they joined. An account remembers the
-- dialect of its classic client.
--
-- Running servers of version 2 continue to work, because their INSERT statements name the columns.
-- They leave the new columns NULL:
--   folded, skeleton: a server of version 3 fills them at its start, and before it accepts the next
--              new name. Until then only the exact name is unique, as in version 2.
--   joinorder: a server of version 3 numbers such members before the next change of their group.
--              They count as younger than all members with a number.
--   dialect:   NULL also means that the account has used no classic client.
-- Servers of version 2 ignore the new columns. They accept a name that looks like another one, and
-- appoint a creator's successor by (since, userid).
--
-- An interrupted upgrade is repeated from the beginning of this file. Columns and keys that exist
-- are then skipped.

ALTER TABLE user ADD COLUMN folded CHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
ALTER TABLE user ADD COLUMN skeleton CHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
ALTER TABLE user ADD COLUMN dialect VARCHAR(32);
ALTER TABLE user ADD UNIQUE KEY user_folded (folded);
ALTER TABLE user ADD UNIQUE KEY user_skeleton (skeleton);

ALTER TABLE allgroup ADD COLUMN folded CHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
ALTER TABLE allgroup ADD COLUMN skeleton CHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
ALTER TABLE allgroup ADD UNIQUE KEY allgroup_folded (folded);
ALTER TABLE allgroup ADD UNIQUE KEY allgroup_skeleton (skeleton);

ALTER TABLE groupuser ADD COLUMN joinorder BIGINT;
ALTER TABLE groupuser ADD KEY groupuser_joinorder (groupid, joinorder);
UPDATE groupuser JOIN (
    SELECT groupid, userid, ROW_NUMBER() OVER (PARTITION BY groupid ORDER BY since, userid) AS place
    FROM groupuser
) AS ordered ON ordered.groupid = groupuser.groupid AND ordered.userid = groupuser.userid
SET groupuser.joinorder = ordered.place;

UPDATE setting SET value = '3' WHERE name = 'schema_version';
