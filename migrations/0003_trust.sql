-- Who was erased: what is delivered of them later is dropped. A subject is a SHA-256 that tells nobody who it was.
CREATE TABLE tombstones (
  subject TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- The key that a visitor's archived records are sealed with. Without it they cannot be read by anybody. The id stands in
-- the files and says nothing.
CREATE TABLE archive_keys (
  site TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  visitor TEXT NOT NULL,
  id TEXT NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (site, incarnation)
) WITHOUT ROWID;

CREATE INDEX archive_keys_by_visitor ON archive_keys (site, visitor);

-- Messages that a sink refused or that could not be delivered in all their tries, with what the sink answered.
CREATE TABLE dead_letters (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  visitor TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  sink TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  answer TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (site, id)
) WITHOUT ROWID;

CREATE INDEX dead_letters_by_visitor ON dead_letters (site, visitor);
