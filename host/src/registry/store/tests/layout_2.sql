-- The registry of judge-host. `PRAGMA user_version` is the version of this layout.

CREATE TABLE registry (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch    INTEGER NOT NULL        -- transactions that changed anything, ever
) STRICT;

INSERT INTO registry VALUES (1, 0);

CREATE TABLE clusters (
    ordinal         INTEGER PRIMARY KEY,    -- order of birth, from 0; the order in which a judge is shown them
    cluster_id      TEXT NOT NULL UNIQUE,   -- slug of the first name, or the id that was imported
    name            TEXT NOT NULL,
    summary         TEXT NOT NULL,
    criteria        TEXT NOT NULL,
    sample_requests TEXT NOT NULL,          -- JSON list of texts
    created_at      TEXT NOT NULL,          -- RFC 3339, UTC
    updated_at      TEXT NOT NULL,          -- RFC 3339, UTC; assignments included
    count           INTEGER NOT NULL,       -- records assigned
    status          TEXT NOT NULL,          -- tentative | confirmed | retired
    batch_id        TEXT NOT NULL,          -- batch that it was born in; empty where imported
    llm_reasoning   TEXT NOT NULL,          -- rationale that it was born from; empty where imported
    revision        INTEGER NOT NULL,       -- 1 at birth, one more at every change of what a prompt shows
    birth_epoch     INTEGER NOT NULL,       -- epoch in which it was born
    merged_into     TEXT                    -- id of the cluster that it was merged into; it is retired then
) STRICT;

-- One row a record: its verdict or its fault. Either `decision` or `fault_kind` is there, never both.
CREATE TABLE outcomes (
    commit_seq                INTEGER PRIMARY KEY,  -- order of commits; a record judged again moves to the end
    batch_id                  TEXT NOT NULL,
    request_id                TEXT NOT NULL,
    slice_id                  INTEGER NOT NULL,     -- which slice of the batch, from 0
    decision                  TEXT,                 -- assign | new_cluster | skip
    cluster_id                TEXT,
    confidence                TEXT,                 -- low | medium | high
    rationale                 TEXT,
    proposal_name             TEXT,                 -- what the judge proposed, with new_cluster
    proposal_summary          TEXT,
    proposal_criteria         TEXT,
    fault_kind                TEXT,
    fault_code                TEXT,                 -- the server's own code
    fault_message             TEXT,
    fault_hint                TEXT,
    fault_retry_after_ms      INTEGER,
    fault_request_sent        INTEGER,              -- 0 where the server certainly never saw the request
    fault_input_tokens        INTEGER,              -- what the server charged for the last attempt
    fault_cached_input_tokens INTEGER,
    fault_output_tokens       INTEGER,
    fault_cost_micro_usd      INTEGER,
    provider                  TEXT NOT NULL,
    model                     TEXT NOT NULL,
    component_digest          TEXT NOT NULL,        -- SHA-256 of the component, hex
    request_hash              TEXT NOT NULL,        -- SHA-256 of the first request, hex
    epoch                     INTEGER NOT NULL,     -- epoch that the judge was shown
    attempts                  INTEGER NOT NULL,
    latency_us                INTEGER NOT NULL,     -- microseconds, waits included
    input_tokens              INTEGER,              -- what all attempts cost together; NULL is unknown, not 0
    cached_input_tokens       INTEGER,
    output_tokens             INTEGER,
    cost_micro_usd            INTEGER,              -- millionths of a US dollar
    UNIQUE (batch_id, request_id)
) STRICT;

-- A batch's outcomes in the order of their commits, however many others there are.
CREATE INDEX outcomes_of_batch ON outcomes (batch_id, commit_seq);

CREATE TABLE batches (
    batch_id  TEXT PRIMARY KEY,
    sink_path TEXT NOT NULL           -- output file that the batch last wrote
) STRICT, WITHOUT ROWID;
