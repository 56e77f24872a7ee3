-- The registry of judge-host. `PRAGMA user_version` is the version of this layout.

CREATE TABLE registry (
    only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch        INTEGER NOT NULL,           -- transactions that changed anything, ever
    fold_through INTEGER,                    -- counts up to this `seq` of `recent_counts` are being folded into `counts`
    fold_from    INTEGER NOT NULL DEFAULT 0  -- those of clusters below this ordinal are there
) STRICT;

INSERT INTO registry (only_row, epoch) VALUES (1, 0);

-- What is known of each cluster but its count; the view `clusters` has both.
CREATE TABLE cluster_texts (
    ordinal         INTEGER PRIMARY KEY,    -- order of birth, from 0; the order in which a judge is shown them
    cluster_id      TEXT NOT NULL UNIQUE,   -- slug of the first name, or the id that was imported
    name            TEXT NOT NULL,
    summary         TEXT NOT NULL,
    criteria        TEXT NOT NULL,
    sample_requests TEXT NOT NULL,          -- JSON list of texts
    created_at      TEXT NOT NULL,          -- RFC 3339, UTC
    updated_at      TEXT NOT NULL,          -- RFC 3339, UTC; assignments not included
    status          TEXT NOT NULL,          -- tentative | confirmed | retired
    batch_id        TEXT NOT NULL,          -- batch that it was born in; empty where imported
    llm_reasoning   TEXT NOT NULL,          -- rationale that it was born from; empty where imported
    revision        INTEGER NOT NULL,       -- 1 at birth, one more at every change of what a prompt shows
    birth_epoch     INTEGER NOT NULL,       -- epoch in which it was born
    merged_into     TEXT                    -- id of the cluster that it was merged into; it is retired then
) STRICT;

-- How many records each cluster has, as of when `recent_counts` was last folded into it.
CREATE TABLE counts (
    ordinal    INTEGER PRIMARY KEY,
    count      INTEGER NOT NULL,
    counted_at INTEGER                -- when a record last came or went, in milliseconds since 1970-01-01 UTC; NULL
                                      -- where the `updated_at` of `cluster_texts` is later
) STRICT;

-- Counts that changed since, appended by each commit: of a cluster's counts the last one holds, and goes before `counts`.
-- So a commit writes one row where the clusters that it counts lie on many pages. Rows are folded by and by.
CREATE TABLE recent_counts (
    seq        INTEGER PRIMARY KEY,   -- counts that were appended up to this row, its own included
    counted_at INTEGER,               -- as in `counts`
    counts     TEXT NOT NULL          -- JSON object of ordinals: all records of each cluster, not only the new ones
) STRICT;

-- The clusters with their counts as they are now.
CREATE VIEW clusters AS
    WITH latest AS (
        -- Beside max(), a column is that of the row with the maximum (https://www.sqlite.org/lang_select.html#bareagg).
        SELECT CAST(key AS INTEGER) AS ordinal, value AS count, counted_at, max(seq)
        FROM recent_counts, json_each(recent_counts.counts) GROUP BY key
    ), counted AS (
        SELECT
            text.*,
            coalesce(latest.count, counts.count, 0) AS count,
            iif(latest.ordinal IS NULL, counts.counted_at, latest.counted_at) AS counted_at
        FROM cluster_texts AS text
            LEFT JOIN counts ON counts.ordinal = text.ordinal
            LEFT JOIN latest ON latest.ordinal = text.ordinal
    )
    SELECT
        ordinal, cluster_id, name, summary, criteria, sample_requests, created_at,
        coalesce(
            rtrim(rtrim(strftime('%Y-%m-%dT%H:%M:%f', counted_at / 1000.0, 'unixepoch'), '0'), '.') || 'Z', updated_at
        ) AS updated_at,                -- RFC 3339, UTC; assignments included
        count, status, batch_id, llm_reasoning, revision, birth_epoch, merged_into
    FROM counted;

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
    overtaken                 INTEGER,              -- 1 for a new cluster whose judge did not see those born before it
    UNIQUE (batch_id, request_id)
) STRICT;

-- A batch's outcomes in the order of their commits, however many others there are.
CREATE INDEX outcomes_of_batch ON outcomes (batch_id, commit_seq);

CREATE TABLE batches (
    batch_id  TEXT PRIMARY KEY,
    sink_path TEXT NOT NULL           -- output file that the batch last wrote
) STRICT, WITHOUT ROWID;
