#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::*;
use crate::registry::Registry;

/// Reads a file of this name and content.
fn read(name: &str, content: impl AsRef<[u8]>) -> Result<Vec<ClusterDraft>, ExchangeError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    read_clusters(&path)
}

/// The line and the words of a refusal.
fn refused(name: &str, content: impl AsRef<[u8]>) -> (u64, String) {
    match read(name, content) {
        Err(error @ ExchangeError::BadLine { line, .. }) => {
            assert!(error.to_string().contains(name), "{error}");
            (line, error.to_string())
        }
        other => panic!("{other:?}"),
    }
}

fn written(registry: &Registry, format: ClusterFormat) -> String {
    let mut out = Vec::new();
    write_clusters(&registry.snapshot(), format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn what_is_written_is_read_back_byte_for_byte() {
    let full = ClusterDraft {
        summary: Some("две\nстроки, \"в кавычках\"".into()),
        criteria: Some("退款\r\n| pipe".into()),
        sample_requests: Some(vec!["первый|второй".into(), "[bracket]\n😀".into(), String::new()]),
        status: Some(ClusterStatus::Retired),
        created_at: Some("2024-01-31T12:00:00.123456Z".into()),
        updated_at: Some("2024-02-01T00:00:00Z".into()),
        count: Some(41),
        batch_id: Some("batch".into()),
        llm_reasoning: Some(" spaces at both ends ".into()),
        revision: Some(6),
        merged_into: Some("z".into()),
        ..ClusterDraft::new("Возврат денег", "Возврат\tденег")
    };
    let one_pipe = ClusterDraft { sample_requests: Some(vec!["a|b".into()]), ..ClusterDraft::new("z", "Z") };
    let registry = Registry::temporary().unwrap();
    registry.upsert(vec![one_pipe, full, ClusterDraft::new("1", "")]).await.unwrap();
    for (format, name) in
        [(ClusterFormat::Jsonl, "c.jsonl"), (ClusterFormat::Csv, "c.csv"), (ClusterFormat::Ancestor, "c.json")]
    {
        let first = written(&registry, format);
        let fresh = Registry::temporary().unwrap();
        fresh.upsert(read(name, &first).unwrap()).await.unwrap();
        assert_eq!(written(&fresh, format), first, "{name}");
        let strip = |registry: &Registry| -> Vec<Cluster> {
            let clusters = registry.snapshot();
            clusters.iter().map(|cluster| Cluster { birth_epoch: 0, ..(*cluster).clone() }).collect()
        };
        assert_eq!(strip(&fresh), strip(&registry), "{name}");
    }
}

#[test]
fn rows_may_be_short_and_call_things_by_other_names() {
    let named = |samples: &[&str]| ClusterDraft {
        sample_requests: Some(samples.iter().map(ToString::to_string).collect()),
        ..ClusterDraft::new("a", "A")
    };
    let jsonl = "\u{feff}{\"id\":\"a\",\"name\":\"A\",\"samples\":[\"x\",\"y\"],\"note\":1}\r\n\n{\"cluster_id\":7}";
    let bare = ClusterDraft { cluster_id: "7".into(), ..ClusterDraft::default() };
    assert_eq!(read("c.jsonl", jsonl).unwrap(), [named(&["x", "y"]), bare]);
    let csv = "\u{feff}id, name ,samples,status\na,A,x | y,\nb,B,\"[\"\"x\"\",\"\"y\"\"]\",active\nc,C,[urgent] x,\n";
    let clusters = read("c.csv", csv).unwrap();
    assert_eq!(clusters[0], named(&["x", "y"]));
    assert_eq!(clusters[1].sample_requests.as_deref().unwrap(), ["x", "y"]);
    assert_eq!(clusters[1].status, Some(ClusterStatus::Confirmed));
    assert_eq!(clusters[2].sample_requests.as_deref().unwrap(), ["[urgent] x"]);
}

#[test]
fn the_ancestors_registry_is_read_as_it_stands() {
    let text = r#"{"version":1,"clusters":[{"cluster_id":"refund","name":"Refund","summary":"s","criteria":"c",
        "sample_requests":["where"],"created_at":"2024-05-01T10:00:00.000001","updated_at":"2024-05-02T10:00:00+00:00",
        "count":12,"status":"active","batch_id":null,"llm_reasoning":"r","revision":3}]}"#;
    let clusters = read("cluster_registry.json", text).unwrap();
    assert_eq!(clusters.len(), 1);
    assert_eq!((clusters[0].count, clusters[0].revision), (Some(12), Some(3)));
    assert_eq!(clusters[0].created_at.as_deref(), Some("2024-05-01T10:00:00.000001Z"));
    assert_eq!(clusters[0].updated_at.as_deref(), Some("2024-05-02T10:00:00Z"));
    assert_eq!((clusters[0].status, clusters[0].batch_id.as_deref()), (Some(ClusterStatus::Confirmed), None));
}

#[test]
fn refusals_name_the_file_the_line_and_what_is_wrong() {
    let cases: [(&str, &str, u64, &str); 15] = [
        ("c.jsonl", "{\"id\":\"a\"}\n{\"id\":", 2, "EOF"),
        ("c.jsonl", "{\"id\":\"a\"}\n\n{\"id\":\"a\"}\n", 3, "there twice: `a`"),
        ("c.jsonl", "{\"name\":\"a\"}\n", 1, "no `cluster_id`"),
        ("c.jsonl", "{\"id\":\"a\",\"status\":\"merged\"}\n", 1, "`merged`; there are `tentative`"),
        ("c.jsonl", "{\"id\":\"a\",\"created_at\":\"soon\"}\n", 1, "not a time: `soon`"),
        ("c.jsonl", "{\"id\":\"a\",\"count\":-1}\n", 1, "-1"),
        ("c.jsonl", "{\"id\":[]}\n", 1, "must be a text"),
        ("c.csv", "name,summary\na,b\n", 1, "no column `cluster_id`"),
        ("c.csv", "id,name\na,A\nb\n", 3, "1 cells, the header 2"),
        ("c.csv", "id,name\na,\"two\nlines\"\na,A\n", 4, "there twice: `a`"),
        ("c.csv", "id,count\na,many\n", 2, "`count` is not a whole number: `many`"),
        ("c.csv", "id,status\na,merged\n", 2, "`merged`"),
        ("c.json", "{\"version\":2,\"clusters\":[]}", 1, "version 2"),
        (
            "c.json",
            "{\"version\":1,\n\"clusters\":[{\"cluster_id\":\"a\"},\n{\"cluster_id\":\"a\"}]}",
            3,
            "there twice",
        ),
        ("c.json", "[]", 1, "a registry of clusters"),
    ];
    for (name, content, line, words) in cases {
        let (found, text) = refused(name, content);
        assert_eq!(found, line, "{content}: {text}");
        assert!(text.contains(words), "{content}: {text}");
    }
    assert_eq!(refused("c.jsonl", b"{\"id\":\"a\"}\n{\"id\":\"\xff\"}\n").0, 2);
    assert_eq!(refused("c.csv", b"id\na\n\xff\n").0, 3);
}

#[test]
fn files_of_other_kinds_and_files_that_are_not_there_are_refused() {
    let other = read("clusters.xlsx", "").unwrap_err();
    assert!(matches!(other, ExchangeError::UnknownFormat { .. }) && other.hint().is_some());
    let missing = read_clusters(Path::new("nowhere/clusters.csv")).unwrap_err();
    assert!(matches!(missing, ExchangeError::Unreadable { .. }) && missing.hint().is_some());
    assert_eq!(read("empty.jsonl", "").unwrap(), []);
    assert_eq!(read("empty.csv", "").unwrap(), []);
}
