-- Triggers of a visitor without a look at all its other records.
CREATE INDEX triggers_by_visitor ON records (site, visitor, at_ms) WHERE kind IN ('trigger_fired', 'trigger_held_out');
