use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What there is to fuzz: the answer reader, and what each provider makes of responses.
const TARGETS: [&str; 7] = ["answer", "anthropic", "lexical", "ollama", "openai", "openrouter", "triton"];

/// What `cargo xtask fuzz` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// What to fuzz; without any, all in turns: answer, or the id of a provider
    targets: Vec<String>,
    /// Minutes for each
    #[arg(long, default_value_t = 10)]
    minutes: u32,
}

/// Fuzzes with the nightly compiler and `cargo install cargo-fuzz`, beginning with the responses of the vectors.
///
/// # Errors
/// Where either is missing, or something was found: it is in `fuzz/artifacts` then.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    let targets: Vec<&str> =
        if flags.targets.is_empty() { TARGETS.to_vec() } else { flags.targets.iter().map(String::as_str).collect() };
    for target in targets {
        let corpus = workspace.target(&format!("fuzz-corpus/{target}"));
        fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        write_seeds(&workspace.path(&format!("guest-providers/{target}/vectors")), &corpus)?;
        // Rustup's own cargo, which takes the toolchain.
        let mut fuzz = workspace.command("cargo");
        fuzz.current_dir(workspace.path("fuzz")).args(["+nightly", "fuzz", "run", target]).arg(&corpus);
        fuzz.args(["--", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"]);
        workspace.run(fuzz.arg(format!("-max_total_time={}", flags.minutes * 60)))?;
    }
    Ok(())
}

/// The bodies of a provider's recorded responses, as the targets read them: a byte for the status, one for no headers.
fn write_seeds(vectors: &Path, corpus: &Path) -> Result<()> {
    let Ok(files) = fs::read_dir(vectors) else { return Ok(()) };
    let mut bodies = Vec::new();
    for file in files {
        let text = fs::read_to_string(file?.path())?;
        collect(&serde_json::from_str(&text)?, &mut bodies);
    }
    for (n, body) in bodies.iter().enumerate() {
        let seed = [b"\0\0", body.as_bytes()].concat();
        fs::write(corpus.join(format!("seed-{n}")), seed).context("cannot write a seed")?;
    }
    Ok(())
}

/// Every body beside a status, however deep.
fn collect(value: &Value, bodies: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("status")
                && let Some(body) = fields.get("body")
            {
                bodies.push(body.as_str().map_or_else(|| body.to_string(), str::to_owned));
            }
            fields.values().for_each(|field| collect(field, bodies));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, bodies)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_response_is_a_seed() {
        let mut bodies = Vec::new();
        let exchange = json!([{ "method": "GET", "body": "no" }, { "status": 200, "body": { "a": 1 } }, { "status": 500, "body": "x" }]);
        collect(&json!({ "cases": [{ "exchange": exchange }] }), &mut bodies);
        assert_eq!(bodies, ["{\"a\":1}", "x"]);
    }

    #[test]
    fn every_target_has_its_file() {
        let workspace = Workspace::of_environment();
        for target in TARGETS {
            assert!(workspace.path(&format!("fuzz/fuzz_targets/{target}.rs")).is_file(), "{target}");
        }
    }
}
