-- Dead letters in the order in which they are listed and replayed.
CREATE INDEX dead_letters_by_time ON dead_letters (site, at_ms, id);
