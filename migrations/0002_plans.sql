-- migrate:up
-- Expand. What the broker read in plans, and what it remembers of targets. Locks: a short exclusive one on
-- proposals to add a column without a default. Old binaries: unaffected.

-- What was read in a plan, as it was judged and shown: a serialized countersign.v1.PlanView, which holds no
-- secret, under the digest of these bytes.
CREATE TABLE plan_views (
  digest text COLLATE "C" PRIMARY KEY,
  plan_view bytea NOT NULL,
  create_time timestamptz NOT NULL
);

-- One row per target of which anything is remembered. `memory` is a serialized countersign.v1.TargetMemory.
CREATE TABLE target_memory (
  target text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL CHECK (version > 0),
  memory bytea NOT NULL,
  update_time timestamptz NOT NULL
);

-- The version of the target's memory that a plan was judged against, 0 for none; null for what is no plan.
ALTER TABLE proposals ADD COLUMN memory_version bigint;
CREATE INDEX proposals_open_plans ON proposals (target) WHERE state IN (1, 2) AND memory_version IS NOT NULL;

GRANT SELECT, INSERT ON plan_views TO countersign_server;
GRANT SELECT, INSERT, UPDATE ON target_memory TO countersign_server;

-- migrate:down
DROP INDEX proposals_open_plans;
ALTER TABLE proposals DROP COLUMN memory_version;
DROP TABLE target_memory, plan_views;
