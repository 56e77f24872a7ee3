#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use std::io::Cursor;

fn rows(text: impl AsRef<[u8]>, extension: Option<&str>) -> Result<Vec<Read>, SourceError> {
    let input = Box::new(Cursor::new(text.as_ref().to_vec()));
    let mut source = Source::from_reader(input, None, extension, "x")?;
    let mut rows = Vec::new();
    while let Some(row) = source.next_row()? {
        rows.push(row);
    }
    Ok(rows)
}

/// A row as `id|text` or `id!code`, for short tables.
fn short(row: &Read) -> String {
    match row {
        Read::Record { record, .. } => format!("{}|{}", record.request_id, record.text),
        Read::Unreadable { request_id, fault, .. } => format!("{request_id}!{}", fault.code.as_deref().unwrap()),
    }
}

#[test]
fn the_number_of_rows_is_told_by_the_size_of_those_that_were_read() {
    let text = "{\"id\":\"a\",\"text\":\"x\"}\n".repeat(10);
    let total = Some(text.len() as u64);
    let mut source = Source::from_reader(Box::new(Cursor::new(text.clone())), total, Some("jsonl"), "x").unwrap();
    let position = source.position();
    assert_eq!(position.rows_about(), None);
    source.next_row().unwrap();
    assert_eq!(position.rows_about(), Some(10));
    while source.next_row().unwrap().is_some() {}
    assert_eq!((position.rows_about(), position.fraction()), (Some(10), Some(1.0)));
    let mut stream = Source::from_reader(Box::new(Cursor::new(text)), None, Some("jsonl"), "x").unwrap();
    stream.next_row().unwrap();
    assert_eq!(stream.position().rows_about(), None);
}

#[test]
fn json_lines_and_csv_become_records_or_faults_with_their_line() {
    let cases: &[(&str, &[u8], &[&str])] = &[
        ("plain", b"{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\",\"text\":\"y\"}", &["a|x", "b|y"]),
        ("blank lines and CRLF", b"\r\n{\"id\":\"a\",\"text\":\"x\"}\r\n\n", &["a|x"]),
        ("a byte order mark", b"\xEF\xBB\xBF{\"id\":\"a\",\"text\":\"x\"}", &["a|x"]),
        ("request_id wins", b"{\"id\":\"a\",\"request_id\":\"r\",\"text\":\"x\"}", &["r|x"]),
        ("a number as id", b"{\"id\":7,\"text\":\"x\"}", &["7|x"]),
        ("no id", b"\n{\"text\":\"x\"}", &["line-2|x"]),
        ("an object as id", b"{\"id\":{},\"text\":\"x\"}", &["line-1!bad-id"]),
        (
            "bad JSON",
            b"{\"id\":\"a\",\"text\":\"x\"}\n{oops}\n{\"id\":\"c\",\"text\":\"z\"}",
            &["a|x", "line-2!bad-json", "c|z"],
        ),
        ("not an object", b"{\"id\":\"a\",\"text\":\"x\"}\n[1]", &["a|x", "line-2!not-an-object"]),
        ("missing text", b"{\"id\":\"a\"}", &["line-1!missing-text"]),
        ("text is a number", b"{\"id\":\"a\",\"text\":3}", &["line-1!bad-text"]),
        ("empty text", b"{\"id\":\"a\",\"text\":\"  \"}", &["line-1!empty-text"]),
        ("bad candidates", b"{\"id\":\"a\",\"text\":\"x\",\"candidates\":3}", &["line-1!bad-candidates"]),
        (
            "invalid UTF-8",
            b"{\"id\":\"a\",\"text\":\"\xFF\"}\n{\"id\":\"b\",\"text\":\"y\"}",
            &["line-1!invalid-utf8", "b|y"],
        ),
        ("csv", b"id,text\na,\"x, y\"\nb,\"two\nlines\"\n", &["a|x, y", "b|two\nlines"]),
        ("csv with a short row", b"id,text\na\nb,y\n", &["line-2!field-count", "b|y"]),
        ("csv with invalid UTF-8", b"id,text\na,\xFF\nb,y\n", &["line-2!invalid-utf8", "b|y"]),
        ("csv without a text", b"id,text\na,\n", &["line-2!empty-text"]),
        ("an empty input", b"", &[]),
    ];
    for (name, input, expected) in cases {
        let found: Vec<String> = rows(input, None).unwrap().iter().map(short).collect();
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn the_rest_of_a_row_is_context_in_its_order() {
    let found =
        rows(r#"{"z":"1","id":"a","n":{"k":2},"text":"x","label":"l","candidates":["c1","c2"],"none":null}"#, None);
    let Read::Record { record, .. } = &found.unwrap()[0] else { panic!("a record") };
    assert_eq!(record.context, [("z".into(), "1".into()), ("n".into(), "{\"k\":2}".into())]);
    assert_eq!(record.label.as_deref(), Some("l"));
    assert_eq!(record.candidates.as_deref(), Some(&["c1".to_owned(), "c2".to_owned()][..]));

    let found = rows("id,text,candidates,channel\na,x,c1|c2,app\nb,y,,\n", Some("csv")).unwrap();
    let [Read::Record { record: first, .. }, Read::Record { record: second, .. }] = &found[..] else { panic!("two") };
    assert_eq!(first.candidates.as_deref(), Some(&["c1".to_owned(), "c2".to_owned()][..]));
    assert_eq!(first.context, [("channel".to_owned(), "app".to_owned())]);
    assert_eq!((&second.candidates, &second.context), (&None, &vec![]));
}

#[test]
fn a_line_of_ten_megabytes_is_told_and_passed_over() {
    let long = format!("{{\"id\":\"a\",\"text\":\"{}\"}}\n{{\"id\":\"b\",\"text\":\"y\"}}\n", "x".repeat(10_000_000));
    let found: Vec<String> = rows(&long, None).unwrap().iter().map(short).collect();
    assert_eq!(found, ["line-1!line-too-long", "b|y"]);
}

#[test]
fn a_csv_row_without_end_ends_the_reading() {
    let endless = format!("id,text\na,x\nb,\"{}", "x,\n".repeat(5_000_000));
    assert!(matches!(rows(endless, None), Err(SourceError::EndlessRow { line: 3 })));
}

#[test]
fn csv_without_a_text_column_names_those_there_are() {
    let error = rows("id,body\na,x\n", None).err().unwrap();
    assert_eq!(error.to_string(), "the CSV header has no column `text`; it has: id, body");
}

#[test]
fn the_share_that_is_read_follows_the_rows() {
    let text = "{\"id\":\"1\",\"text\":\"x\"}\n".repeat(100);
    let total = Some(text.len() as u64);
    let mut source = Source::from_reader(Box::new(Cursor::new(text.into_bytes())), total, None, "x").unwrap();
    let position = source.position();
    assert_eq!(position.fraction(), Some(0.0));
    for _ in 0..25 {
        source.next_row().unwrap();
    }
    assert_eq!(position.fraction(), Some(0.25), "whatever was read ahead");
}
