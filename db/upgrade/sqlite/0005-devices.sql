-- From version 4 to version 5: a user has several devices, each with its own mailbox.

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

ALTER TABLE node ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE searchchunk (
    conversation INTEGER NOT NULL,
    part         INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    after        INTEGER NOT NULL,
    bits         TEXT NOT NULL,
    PRIMARY KEY (conversation, part, last)
) WITHOUT ROWID;
CREATE INDEX searchchunk_last ON searchchunk (last);

INSERT OR IGNORE INTO setting VALUES ('devices', '0');
UPDATE setting SET value = '5' WHERE name = 'schema_version';
