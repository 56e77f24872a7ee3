use crate::plugins;
use crate::workspace::Workspace;
use anyhow::{Context, Result, anyhow};
use std::path::Path;
use std::process::Command;

/// What `cargo xtask demo` takes.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Further flags for `judge-host judge`, after `--`
    #[arg(last = true)]
    args: Vec<String>,
}

/// Builds all that is needed, judges the example and says how to go on.
///
/// # Errors
/// Where something does not build, or the host fails.
pub(crate) fn run(workspace: &Workspace, flags: &Flags) -> Result<()> {
    plugins::build(workspace)?;
    workspace.run(&mut workspace.cargo(["build", "--release", "-p", "judge-host"]))?;

    // Afresh each time: a second run into the same registry would find everything judged already.
    let folder = workspace.target("demo");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(anyhow!(error).context(format!("cannot empty {}", folder.display())));
        }
        _ => {}
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let out = folder.join("verdicts.jsonl");

    let mut judge = job(workspace, "lexical");
    judge.args(["--batch-id", "demo"]).arg("--registry").arg(folder.join("demo.db")).arg("--out").arg(&out);
    let judged = workspace.run(judge.args(&flags.args));
    if judged.is_ok() {
        println!("{}", next(workspace, &out));
    }
    judged
}

/// The example, judged by one provider. Paths are relative: this runs in the repository.
fn job(workspace: &Workspace, provider: &str) -> Command {
    let mut judge = workspace.command(workspace.release_host());
    judge.args(["--providers", "plugins", "--config", "examples/banking77/judge.toml"]);
    judge.args(["judge", "examples/banking77/records.jsonl", "--clusters", "examples/banking77/clusters.jsonl"]);
    judge.args(["--provider", provider]);
    judge
}

/// What to look at and what to type next.
fn next(workspace: &Workspace, out: &Path) -> String {
    let mut same = job(workspace, "lexical");
    same.args(["--out", "verdicts.jsonl"]);
    // A batch of its own: under the same one everything would count as judged already.
    let mut ollama = job(workspace, "ollama");
    ollama.args(["--model", "qwen3:8b", "--endpoint", "http://localhost:11434"]);
    ollama.args(["--batch-id", "ollama", "--out", "verdicts-ollama.jsonl"]);
    format!(
        "\nThe verdicts are in {}.\n\nThe same job without cargo:\n\n  {}\n\nThe same with a model of your own \
         (`ollama pull qwen3:8b` first; `--limit 20` for a taste):\n\n  {}",
        workspace.shown(out),
        workspace.command_line(&same),
        workspace.command_line(&ollama),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn global_flags_stand_before_the_command() {
        let line = Workspace::of_environment().command_line(&job(&Workspace::of_environment(), "lexical"));
        let place = |word| line.find(word).expect("it is in the line");
        assert!(place(" --providers ") < place(" judge ") && place(" --config ") < place(" judge "), "{line}");
        assert!(place(" judge ") < place(" --provider "), "{line}");
    }

    #[test]
    fn the_files_of_the_example_are_there() {
        let workspace = Workspace::of_environment();
        for arg in job(&workspace, "lexical").get_args().filter_map(|arg| arg.to_str()) {
            assert!(!arg.starts_with("examples/") || workspace.path(arg).is_file(), "{arg}");
        }
    }
}
