-- What the store keeps of Footfall's records. Run at every start; it only makes what is not there.
CREATE TABLE IF NOT EXISTS records (
  site text NOT NULL,
  -- Footfall's own id of the record: what makes every delivery count once.
  id text NOT NULL,
  visitor uuid NOT NULL,
  incarnation uuid NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  session integer NOT NULL,
  data jsonb NOT NULL,
  PRIMARY KEY (site, id)
);

CREATE INDEX IF NOT EXISTS records_by_visitor ON records (site, visitor, at);
CREATE INDEX IF NOT EXISTS records_by_kind ON records (site, kind, name, at);

-- Lives of visitors that were erased. Nothing of them is taken any more; the hash tells nobody who it was.
CREATE TABLE IF NOT EXISTS erased (
  subject text PRIMARY KEY,
  at timestamptz NOT NULL
);
