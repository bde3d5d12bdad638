-- From version 2 to version 3: names have two hashes, which are equal for names that look alike.
-- The members of a group are numbered in the order in which they joined. An account remembers the
-- dialect of its classic client.
--
-- The server computes the hashes at its start, in small steps.

ALTER TABLE user ADD COLUMN folded TEXT;
ALTER TABLE user ADD COLUMN skeleton TEXT;
ALTER TABLE user ADD COLUMN dialect TEXT;
CREATE UNIQUE INDEX user_folded ON user (folded);
CREATE UNIQUE INDEX user_skeleton ON user (skeleton);

ALTER TABLE allgroup ADD COLUMN folded TEXT;
ALTER TABLE allgroup ADD COLUMN skeleton TEXT;
CREATE UNIQUE INDEX allgroup_folded ON allgroup (folded);
CREATE UNIQUE INDEX allgroup_skeleton ON allgroup (skeleton);

ALTER TABLE groupuser ADD COLUMN joinorder INTEGER;
REPLACE INTO groupuser (groupid, userid, grouprole, since, joinorder)
    SELECT groupid, userid, grouprole, since,
        ROW_NUMBER() OVER (PARTITION BY groupid ORDER BY since, userid)
    FROM groupuser;
CREATE INDEX groupuser_joinorder ON groupuser (groupid, joinorder);

UPDATE setting SET value = '3' WHERE name = 'schema_version';
