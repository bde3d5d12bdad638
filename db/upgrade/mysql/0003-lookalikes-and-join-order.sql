-- From version 2: names have hashes that are the same for names that look alike; members are numbered
-- in the order in which they joined; an account remembers the dialect of its classic client.
--
-- Servers of version 2 that are running go on working: their INSERT statements name their columns.
-- They leave the new columns NULL:
--   folded, skeleton: a server of version 3 fills them in before it accepts the next new name, and
--              when it starts. Until then the exact name is unique, as it was.
--   joinorder: a server of version 3 numbers such members before the next change of the group. Such a
--              member has joined after all members with a number.
--   dialect:   the account has used no classic client yet.
-- Servers of version 2 do not look at the new columns: they accept a name that looks like another one,
-- and appoint the creator's successor by (since, userid).
--
-- A step that was cut short is run again: columns and keys that exist by then are passed over.

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
