-- migrate:up
-- Everything the broker keeps. Locks: none, the tables are new.
--
-- Powers: the role that runs this owns the tables. Brokers serve as a login role that is a member of
-- countersign_server and owns nothing: it can add to the audit trail, decisions and documents, but neither
-- change nor remove what is there.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_server') THEN
    CREATE ROLE countersign_server NOLOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL;  -- Another database of this cluster was migrated at the same moment.
END
$$;

-- One row per proposal. `resource` is a serialized countersign.v1.Proposal; the columns beside it are what
-- statements compare, sort and index. State numbers are those of countersign.v1.Proposal.State.
CREATE TABLE proposals (
  id text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL CHECK (version > 0),
  state smallint NOT NULL CHECK (state BETWEEN 1 AND 11),
  target text COLLATE "C" NOT NULL,
  requester text COLLATE "C" NOT NULL,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  due_time timestamptz,
  current_token_id text,
  execution_id text,
  resource bytea NOT NULL
);
CREATE INDEX proposals_by_state ON proposals (state, create_time DESC, id DESC);
CREATE INDEX proposals_by_time ON proposals (create_time DESC, id DESC);
CREATE INDEX proposals_by_requester ON proposals (requester, create_time DESC, id DESC);
CREATE INDEX proposals_by_target ON proposals (target, create_time DESC, id DESC);
CREATE INDEX proposals_by_update ON proposals (update_time, id);
CREATE INDEX proposals_due ON proposals (due_time) WHERE due_time IS NOT NULL;
-- One execution per target at a time, also while nobody knows whether it ran.
CREATE UNIQUE INDEX proposals_one_execution_per_target ON proposals (target) WHERE state IN (3, 4);

-- One decision per person and proposal, whatever the broker believes.
CREATE TABLE decisions (
  proposal_id text COLLATE "C" NOT NULL,
  person text NOT NULL,
  principal text NOT NULL,
  verdict smallint NOT NULL CHECK (verdict IN (1, 2)),
  action_digest text NOT NULL,
  decide_time timestamptz NOT NULL,
  CONSTRAINT decisions_one_per_person PRIMARY KEY (proposal_id, person)
);

-- Tokens by their `jti`; the text of a token is stored nowhere.
CREATE TABLE tokens (
  id text COLLATE "C" PRIMARY KEY,
  proposal_id text COLLATE "C" NOT NULL,
  principal text NOT NULL,
  holder_thumbprint text NOT NULL,
  issue_time timestamptz NOT NULL,
  expire_time timestamptz NOT NULL,
  replace_time timestamptz,
  redeem_time timestamptz
);
CREATE UNIQUE INDEX tokens_redeemed_once ON tokens (proposal_id) WHERE redeem_time IS NOT NULL;

-- Answers by request_id, so that a repeated call is answered and not done again.
CREATE TABLE requests (
  principal text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  body_digest text NOT NULL,
  response bytea NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT requests_once PRIMARY KEY (principal, request_id)
);
CREATE INDEX requests_by_time ON requests (create_time);

CREATE TABLE audit_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_time timestamptz NOT NULL,
  type text NOT NULL,
  principal text NOT NULL,
  proposal_id text COLLATE "C" NOT NULL,
  request_id text NOT NULL,
  details text NOT NULL
);
CREATE INDEX audit_events_by_proposal ON audit_events (proposal_id, id);

CREATE TABLE artifacts (
  digest text COLLATE "C" PRIMARY KEY,
  size_bytes bigint NOT NULL CHECK (size_bytes > 0),
  key_id text NOT NULL,
  wrapped_key bytea NOT NULL,
  ciphertext bytea NOT NULL,
  create_time timestamptz NOT NULL
);
-- Ciphertext does not compress.
ALTER TABLE artifacts ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

CREATE TABLE documents (
  name text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  digest text NOT NULL,
  content text NOT NULL,
  applied_by text NOT NULL,
  apply_time timestamptz NOT NULL,
  PRIMARY KEY (name, version)
);

-- The version of all documents together; every transition compares with it.
CREATE TABLE configuration_head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version bigint NOT NULL
);
INSERT INTO configuration_head (version) VALUES (0);

-- Makes the whole statement fail, and with it everything that the statement has written.
CREATE FUNCTION countersign_refuse(constraint_name text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation', CONSTRAINT = constraint_name;
END
$$;

GRANT SELECT, INSERT, UPDATE ON proposals TO countersign_server;
GRANT SELECT, INSERT ON decisions, audit_events, artifacts, documents TO countersign_server;
GRANT SELECT, INSERT, UPDATE (replace_time, redeem_time) ON tokens TO countersign_server;
GRANT SELECT, INSERT, DELETE ON requests TO countersign_server;
GRANT SELECT, UPDATE (version) ON configuration_head TO countersign_server;
GRANT SELECT ON schema_migrations TO countersign_server;

-- migrate:down
DROP FUNCTION countersign_refuse(text);
DROP TABLE configuration_head, documents, artifacts, audit_events, requests, tokens, decisions, proposals;
REVOKE SELECT ON schema_migrations FROM countersign_server;
-- The role stays: other databases of the cluster may use it.
