#!/usr/bin/env python3
"""Makes records.jsonl and clusters.jsonl from BANKING77's train.csv and categories.json.

    python3 examples/banking77/make.py FOLDER

FOLDER holds the two files as published (https://github.com/PolyAI-LDN/task-specific-datasets, folder
banking_data). The same files give the same bytes: texts are ordered by a hash, not by a random generator.
For each of the 77 intents, the first 10 texts become the cluster's samples and the next 20 become records, so
that no record is a sample. Standard library only.
"""

import csv
import hashlib
import json
import pathlib
import sys

SAMPLES_PER_INTENT = 10
RECORDS_PER_INTENT = 20
SEED = "judge-host banking77 1"


def order(row):
    """Where a row stands in the shuffle: decided by its text and the seed alone."""
    return hashlib.sha256(f"{SEED}\n{row['text']}".encode()).hexdigest()


def rows_of(path):
    """The texts that are not repeated (letter case aside), each with its 1-based row number in the file."""
    seen = set()
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            text = " ".join(row["text"].split())
            if text.lower() not in seen:
                seen.add(text.lower())
                yield {"request_id": f"train-{number:05}", "text": text, "label": row["category"]}


def name_of(intent):
    """`Refund_not_showing_up` as people write it: `Refund not showing up`."""
    words = intent.replace("_", " ")
    return words[0].upper() + words[1:]


def write(path, rows):
    """One JSON object a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def main(source, target):
    intents = json.loads((source / "categories.json").read_text(encoding="utf-8"))
    shuffled = sorted(rows_of(source / "train.csv"), key=order)
    records, clusters = [], []
    for intent in intents:
        rows = [row for row in shuffled if row["label"] == intent]
        samples = rows[:SAMPLES_PER_INTENT]
        records += rows[SAMPLES_PER_INTENT : SAMPLES_PER_INTENT + RECORDS_PER_INTENT]
        clusters.append(
            {
                "cluster_id": intent,
                "name": name_of(intent),
                "summary": "",
                "criteria": "",
                "samples": [row["text"] for row in samples],
            }
        )
    write(target / "records.jsonl", sorted(records, key=order))
    write(target / "clusters.jsonl", clusters)
    print(f"{len(records)} records, {len(clusters)} clusters")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent)
