//! Records that are none, and inputs that cannot be read.

use super::{LEXICAL, case, ids, refused, row, run};

/// A record that can be judged.
fn good(id: &str) -> Vec<u8> {
    format!("{{\"id\":\"{id}\",\"text\":\"where is my card\"}}\n").into_bytes()
}

/// What is wrong with a line of JSON, its code, and what its row says after `line N`.
const SLIPS: &[(&[u8], &str, &str)] = &[
    (b"{\"id\":\"x\",\"text\":\"card\",}", "bad-json", " column 25: bad JSON"),
    (b"{\"id\":\"x\" \"text\":\"card\"}", "bad-json", " column 11: bad JSON"),
    (b"{\"id\":\"x\",\"text\":\"car", "bad-json", " column 21: the JSON ends too early"),
    (b"not json at all", "bad-json", " column 2: bad JSON"),
    (b"[\"card\"]", "not-an-object", ": a JSON value, but not an object"),
    (b"{\"id\":\"x\"}", "missing-text", ": field `text` is missing"),
    (b"{\"id\":\"x\",\"text\":\" \"}", "empty-text", ": field `text` is empty"),
    (b"{\"id\":\"x\",\"text\":5}", "bad-text", ": field `text` is not a text"),
    (b"{\"id\":[1],\"text\":\"card\"}", "bad-id", ": field `id` is neither text nor number"),
    (b"{\"id\":\"x\",\"text\":\"card\",\"candidates\":5}", "bad-candidates", ": field `candidates` is not a list"),
    (b"{\"id\":\"x\",\"text\":\"c\xffrd\"}", "invalid-utf8", " column 20: invalid UTF-8"),
];

#[test]
fn a_bad_line_has_its_place_told_and_all_others_are_judged() {
    let case = case();
    let mut input = good("first");
    for (line, ..) in SLIPS {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    input.extend(good("last"));
    case.file("records.jsonl", input);
    let command = format!("judge records.jsonl {LEXICAL}");
    let ran = run(&case, &command).code(1);
    let rows = ran.rows();
    assert_eq!(rows.len(), SLIPS.len() + 2);
    for (index, (_, code, said)) in SLIPS.iter().enumerate() {
        let line = index + 2;
        let row = row(&rows, &format!("line-{line}"));
        assert_eq!((&row["error"]["kind"], &row["error"]["code"]), (&"bad-input".into(), &(*code).into()), "{row}");
        let message = row["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with(&format!("line {line}{said}")), "{message}");
        assert!(row["decision"].is_null() && row["cluster_id"].is_null(), "an error is never a skip: {row}");
    }
    for id in ["first", "last"] {
        assert_eq!(row(&rows, id)["cluster_id"], "card_arrival");
    }
    assert!(ran.stderr.contains("4 bad-input bad-json: the first: line 2 column 25: bad JSON"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("hint: the same command again, without `--rejudge`, tries the failed records"),
        "{}",
        ran.stderr
    );

    // Mended, the same command judges what failed, and nothing else; what was judged before comes first.
    let mended: Vec<u8> = (0..SLIPS.len()).flat_map(|n| good(&format!("mended-{n}"))).collect();
    case.file("records.jsonl", [good("first"), mended, good("last")].concat());
    let ran = run(&case, &command).code(0);
    assert_eq!(ran.rows().len(), SLIPS.len() + 2, "{:?}", ids(&ran.rows()));
    let is_told = |line: &str| line.split_whitespace().eq(["already", "done", "2"]);
    assert!(ran.stderr.lines().any(is_told), "{}", ran.stderr);
}

#[test]
fn a_bad_csv_row_has_its_line_told_and_all_others_are_judged() {
    let case = case();
    case.file("records.csv", b"id,text\n1,my card\n2\n3,\n4,c\xffrd\n5,\"a\nb\",c\n6,my card\n");
    let ran = run(&case, &format!("judge records.csv {LEXICAL}")).code(1);
    let rows = ran.rows();
    for (id, code, message) in [
        ("line-3", "field-count", "line 3: 1 fields, the header has 2"),
        ("line-4", "empty-text", "line 4: field `text` is empty"),
        ("line-5", "invalid-utf8", "line 5 column `text`: invalid UTF-8"),
        ("line-6", "field-count", "line 6: 3 fields, the header has 2"),
    ] {
        let error = &row(&rows, id)["error"];
        assert_eq!((&error["code"], &error["message"]), (&code.into(), &message.into()));
    }
    assert_eq!(row(&rows, "1")["cluster_id"], "card_arrival");
    assert_eq!(row(&rows, "6")["cluster_id"], "card_arrival");
    assert_eq!(rows.len(), 6);
}

#[test]
fn of_rows_with_one_id_the_first_wins_and_the_others_are_told() {
    let case = case();
    let second = "{\"id\":\"a\",\"text\":\"top up failed\"}\n".as_bytes();
    case.file("records.jsonl", [&good("a"), second, &good("b"), &good("a")].concat());
    let ran = run(&case, &format!("judge records.jsonl {LEXICAL} --summary s.json")).code(0);
    let rows = ran.rows();
    assert_eq!(ids(&rows), ["a", "b"]);
    assert_eq!(row(&rows, "a")["cluster_id"], "card_arrival", "the first one, not the second");
    let told = "note: rows passed over because an earlier one has their id: 2: `a` at line 2, `a` at line 4";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let summary: serde_json::Value = serde_json::from_str(&case.read("s.json")).unwrap();
    assert_eq!((&summary["records"], &summary["judged"], &summary["duplicates"]), (&2.into(), &2.into(), &2.into()));
}

#[test]
fn an_empty_input_is_no_error_and_is_told() {
    let case = case();
    for (name, content) in
        [("a.jsonl", ""), ("b.jsonl", "\n \n\r\n"), ("c.csv", ""), ("d.csv", "id,text\n"), ("e.jsonl", "\u{feff}")]
    {
        case.file(name, content);
        let ran = run(&case, &format!("judge {name} {LEXICAL}")).code(0);
        assert_eq!(ran.stdout, "", "{name}");
        assert!(ran.stderr.contains("note: the input holds no records"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_line_of_ten_megabytes_fails_alone() {
    let case = case();
    let long = format!("{{\"id\":\"long\",\"text\":\"{}\"}}\n", "x".repeat(10_000_000)).into_bytes();
    let bytes = long.len() - 1;
    case.file("records.jsonl", [good("a"), long, good("b")].concat());
    let ran = run(&case, &format!("judge records.jsonl {LEXICAL}")).code(1);
    let rows = ran.rows();
    assert_eq!(ids(&rows), ["a", "b", "line-2"]);
    let error = &row(&rows, "line-2")["error"];
    assert_eq!(error["code"], "line-too-long");
    assert_eq!(error["message"], format!("line 2: {bytes} bytes long, the limit is 8388608"));
}

#[test]
fn a_csv_row_without_end_stops_the_run_and_what_came_before_is_kept() {
    let case = case();
    let open = format!("id,text\n1,my card\n2,\"{}", "x".repeat(10_000_000));
    case.file("records.csv", open);
    let command = format!("judge records.csv {LEXICAL} --out rows.jsonl");
    refused(run(&case, &command), "the CSV row at line 3 is longer than 8388608 bytes", "close the quote");
    assert_eq!(ids(&super::rows_of(&case, "rows.jsonl")), ["1"]);
    case.file("records.csv", "id,text\n1,my card\n2,\"my card\"\n");
    run(&case, &command).code(0);
    assert_eq!(ids(&super::rows_of(&case, "rows.jsonl")), ["1", "2"]);
}

#[test]
fn an_input_that_cannot_be_read_is_refused_before_anything_is_made() {
    let case = case();
    case.file("folder/x.jsonl", "");
    case.file("other.csv", "name,words\n1,card\n");
    for (input, error, hint) in [
        ("none.jsonl", "cannot read the records: none.jsonl", "there is no file `none.jsonl`; give JSONL, CSV, or `-`"),
        ("folder", "cannot read the records: folder\n  caused by: is a folder", "give one file"),
        ("other.csv/x", "cannot read the records: other.csv/x", "see that `other.csv/x` is a file"),
        (
            "other.csv",
            "the CSV header has no column `text`; it has: name, words",
            "name the column with the texts `text`",
        ),
    ] {
        refused(run(&case, &format!("judge {input} {LEXICAL}")), error, hint);
    }
    assert!(!case.path("judge.db").exists(), "no registry is made in vain");
}

#[cfg(unix)]
#[test]
fn an_input_without_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let case = case();
    let secret = case.file("secret.jsonl", good("a"));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    let ran = super::run_bound(&case, &format!("judge secret.jsonl {LEXICAL}"));
    refused(
        ran,
        "cannot read the records: secret.jsonl\n  caused by: Permission denied",
        "make `secret.jsonl` readable",
    );
}

#[test]
fn clusters_and_instructions_that_cannot_be_read_are_refused() {
    let case = case();
    case.file("bad.jsonl", "{\"cluster_id\":\"a\"}\n{\"name\":\"b\"}\n");
    case.file("bad.csv", "name\nb\n");
    case.file("bad.json", "{\"version\":1,\"clusters\":[{]}");
    case.file("clusters.txt", "");
    case.file("binary.txt", b"\xff\xfe");
    for (flags, error, hint) in [
        ("--clusters none.jsonl", "clusters cannot be read: none.jsonl", "see that the file is there"),
        (
            "--clusters bad.jsonl",
            "bad.jsonl:2: the cluster has no `cluster_id` or `id`",
            "a cluster has a `cluster_id`",
        ),
        (
            "--clusters bad.csv",
            "bad.csv:1: the header has no column `cluster_id` or `id`",
            "a cluster has a `cluster_id`",
        ),
        ("--clusters bad.json", "bad.json:1: ", "a cluster has a `cluster_id`"),
        ("--clusters clusters.txt", "not a known format of clusters: clusters.txt", "`.jsonl`, `.csv` or `.json`"),
        ("--instructions none.txt", "cannot read the instructions: none.txt: No such file", "a UTF-8 text file"),
        ("--instructions binary.txt", "cannot read the instructions: binary.txt: ", "a UTF-8 text file"),
    ] {
        refused(run(&case, &format!("judge records.jsonl --provider lexical {flags}")), error, hint);
    }
}

#[test]
fn a_bad_row_and_a_record_named_like_its_line_both_have_their_outcome() {
    let case = case();
    case.file("records.jsonl", "{\"id\":\"line-2\",\"text\":\"my card\"}\n{bad\n");
    let command = format!("judge records.jsonl {LEXICAL}");
    for _ in 0..2 {
        let rows = run(&case, &command).code(1).rows();
        assert_eq!(ids(&rows).len(), 2, "{rows:?}");
        assert!(row(&rows, "line-2")["error"].is_null());
        assert_eq!(row(&rows, "line-2-unreadable")["error"]["code"], "bad-json");
    }
}
