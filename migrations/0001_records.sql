-- Records of visitors, each once: the key is the site and the record's own id.
CREATE TABLE records (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  visitor TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  session INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (site, id)
) WITHOUT ROWID;

CREATE INDEX records_by_visitor ON records (site, visitor, at_ms);
