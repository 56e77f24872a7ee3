-- From version 2: counts leave the rows of the clusters, and an outcome says whether it was overtaken.

ALTER TABLE registry ADD COLUMN fold_through INTEGER;
ALTER TABLE registry ADD COLUMN fold_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN overtaken INTEGER;

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

-- The times of the clusters include those of their assignments so far: `counted_at` begins as NULL.
INSERT INTO counts (ordinal, count) SELECT ordinal, count FROM clusters ORDER BY ordinal;
ALTER TABLE clusters RENAME TO cluster_texts;
ALTER TABLE cluster_texts DROP COLUMN count;

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
