-- Dead letters of all sites by age: those that are too old go.
CREATE INDEX dead_letters_by_age ON dead_letters (at_ms);
