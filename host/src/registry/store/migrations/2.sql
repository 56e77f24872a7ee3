-- From version 1: clusters can be merged.

ALTER TABLE clusters ADD COLUMN merged_into TEXT;
