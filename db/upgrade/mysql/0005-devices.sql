-- From version 4 to version 5: a user has several devices, each with its own mailbox.
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

ALTER TABLE node ADD COLUMN version INT NOT NULL DEFAULT 0;

CREATE TABLE searchchunk (
    conversation BIGINT NOT NULL,
    part         SMALLINT NOT NULL,
    last         BIGINT NOT NULL,
    after        BIGINT NOT NULL,
    bits         VARCHAR(320) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (conversation, part, last),
    KEY searchchunk_last (last)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT IGNORE INTO setting VALUES ('devices', '0');
UPDATE setting SET value = '5' WHERE name = 'schema_version';
