-- migrate:up
-- Expand. Which master keys artifacts are sealed under is asked at every start. Locks: artifacts against
-- writes while the index is built. Old binaries: unaffected.
CREATE INDEX artifacts_by_key ON artifacts (key_id);

-- migrate:down
DROP INDEX artifacts_by_key;
