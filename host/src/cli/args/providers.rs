use super::ENDPOINT_HELP;
use clap::{Args, Subcommand};
use std::path::PathBuf;

pub(super) const PROVIDERS_EXAMPLES: &str = "\
Examples:
  judge-host providers show openai
      what it imports, where it sends, which key goes along, its limits, who signed it
  judge-host providers check stranger.wasm --hostile
      whether it would be loaded, before it is put into the folder
  judge-host providers lock && judge-host --locked judge tickets.jsonl
      run exactly the components that were looked at

A provider has no network, no files, no clock and no key, whatever it wishes for: an interface
is given empty, or the component is refused. A run follows the folder: a component that is
replaced is taken into service without a restart, and one that fails its trial is refused while
the one before goes on.";

const SHOW_HELP: &str = "\
Everything that the provider could do, as the flags, the environment and judge.toml have it now.
No key is read or shown, and nothing is sent.";

const LOCK_HELP: &str = "\
plugins.lock holds id, version and SHA-256 of every provider that is loaded from the folder; check
it in beside them. With `--locked` (JUDGE_HOST_LOCKED=true, or `locked = true` in judge.toml) any
other component is refused before it is compiled, also one that comes while a run is under way.
Whoever may write the lock file decides what is loaded; against somebody who may, sign the
components and name `trusted_keys`.";

const TEST_HELP: &str = "\
A vector is a JSON file: a job (or a preparation), the exact request that the provider makes of it, and what each
response means, to the byte. Write one with `about`, `settings` and the responses of its `cases`, let `--update` fill in
the rest, and read it. docs/vectors.md has the form, guest-providers/*/vectors have examples.

Exit: 0 all pass, 1 some fail, 2 could not run.";

/// `providers`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct ProvidersArgs {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// What to do with one; without it, all are listed
    #[command(subcommand)]
    pub(in crate::cli) command: Option<ProvidersCommand>,
}

/// What to do with a provider.
#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum ProvidersCommand {
    /// Say whether a component would be loaded, and why not
    Check {
        /// The .wasm file
        file: PathBuf,
        /// Give it hostile responses, too, as `providers test` does: some seconds
        #[arg(long)]
        hostile: bool,
    },
    /// Show what a loaded provider may do: imports, endpoint, key, limits, signer, settings
    #[command(after_help = SHOW_HELP)]
    Show(ShowArgs),
    /// Write plugins.lock: which components are loaded, by their bytes
    #[command(after_help = LOCK_HELP)]
    Lock,
    /// Try a provider with recorded exchanges and hostile responses; nothing is sent, and no key is needed
    #[command(after_help = TEST_HELP)]
    Test(TestArgs),
}

/// `providers show`.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct ShowArgs {
    /// The provider's id
    pub(in crate::cli) id: String,
    /// Base URLs of the provider's servers
    #[arg(long = "endpoint", value_name = "URL", help = ENDPOINT_HELP)]
    pub(in crate::cli) endpoints: Vec<String>,
    /// Environment variable that holds the key [judge.toml: provider.ID.api_key_env]
    #[arg(long, value_name = "VAR")]
    pub(in crate::cli) api_key_env: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// `providers test`.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct TestArgs {
    /// The .wasm file
    pub(in crate::cli) file: PathBuf,
    /// Folder of recorded exchanges, `*.json` [default: NAME.vectors beside NAME.wasm, if it is there]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) vectors: Option<PathBuf>,
    /// Write what the provider did into the vectors, in the place of what it should do
    #[arg(long)]
    pub(in crate::cli) update: bool,
    /// Print JSON: every case, with the failure of each that failed
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
