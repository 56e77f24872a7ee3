//! The versions of the contract that the host speaks. Each has its own bindings and its own conversions to our types, and
//! they meet in one trait; the rest of the host does not know which version a component was built for.
//!
//! A released version never changes (`wit/released.toml`). A new one is a folder in `wit/`, a module here and a line in
//! [`VERSIONS`]; components of the older ones go on running.

mod rate;
pub(super) mod v0_1;

use super::Refusal;
use super::store::CallState;
use crate::model::{Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Settings, Step, Task};
use async_trait::async_trait;
use wasmtime::component::InstancePre;
use wasmtime::{Result, Store};

/// What a provider exports, without the version.
const EXPORT: &str = "judge:provider/provider@";

/// All that the host speaks, the newest first.
pub(super) const VERSIONS: &[Version] = &[v0_1::VERSION];

/// One version of the contract.
#[derive(Debug)]
pub(super) struct Version {
    /// Its number, `major.minor.patch`.
    pub(super) number: &'static str,
    /// Makes a component's functions callable, if they are those of this version.
    pub(super) bind: fn(InstancePre<CallState>) -> Result<Box<dyn Contract>>,
}

impl Version {
    /// Whether components built for `other` can be called by this version: patch releases are compatible both ways, and
    /// their types are checked one by one afterwards.
    fn speaks(&self, other: &str) -> bool {
        let line = |number: &str| number.rsplit_once('.').map(|(line, _)| line.to_owned());
        line(self.number).is_some() && line(self.number) == line(other)
    }
}

/// A component's functions, in our types. Each call is made in an instance of its own, in the store that is given.
#[async_trait]
pub(super) trait Contract: Send + Sync {
    /// Whether the functions have the contract's types; wasmtime looks at them in an instance only. The outer result is
    /// the instance's, the inner one the types'.
    async fn check_types(&self, store: &mut Store<CallState>) -> Result<Result<()>>;

    /// Who the provider says it is.
    async fn describe(&self, store: &mut Store<CallState>) -> Result<Descriptor>;

    /// One step of the preflight.
    async fn prepare(
        &self,
        store: &mut Store<CallState>,
        settings: &Settings,
        previous: Option<Previous>,
    ) -> Result<Result<Preparation, Fault>>;

    /// What all jobs of a task need.
    async fn brief(&self, store: &mut Store<CallState>, task: &Task) -> Result<Result<Body, Fault>>;

    /// The first step of a job.
    async fn build_request(&self, store: &mut Store<CallState>, job: &Job) -> Result<Result<Step, Fault>>;

    /// What a response means.
    async fn parse_response(
        &self,
        store: &mut Store<CallState>,
        job: &Job,
        state: &[u8],
        response: HttpResponse,
    ) -> Result<Result<Step, Fault>>;
}

/// The newest version that both the host and a component with these exports speak, and the number that the component names.
///
/// # Errors
/// Where it is no provider, or one for other versions alone.
pub(super) fn common<'a>(
    versions: &'static [Version],
    exports: impl Iterator<Item = &'a str>,
) -> std::result::Result<(&'static Version, String), Refusal> {
    let exports: Vec<String> = exports.map(str::to_owned).collect();
    let numbers: Vec<&str> = exports.iter().filter_map(|name| name.strip_prefix(EXPORT)).collect();
    let Some(first) = numbers.first() else { return Err(Refusal::NoProvider { exports }) };
    let pair = |version: &'static Version| {
        let number = numbers.iter().find(|number| version.speaks(number))?;
        Some((version, (*number).to_owned()))
    };
    versions.iter().find_map(pair).ok_or_else(|| Refusal::OtherVersion {
        found: (*first).to_owned(),
        ours: versions.iter().map(|version| version.number).collect::<Vec<_>>().join(" and "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_number_of_a_version_is_free() {
        for (other, expected) in
            [("0.1.0", true), ("0.1.7", true), ("0.2.0", false), ("1.1.0", false), ("0.1", false), ("", false)]
        {
            assert_eq!(VERSIONS[0].speaks(other), expected, "{other}");
        }
    }

    #[test]
    fn the_newest_common_version_is_taken() {
        const BOTH: &[Version] = &[Version { number: "0.2.0", bind: |_| unreachable!() }, v0_1::VERSION];
        let found =
            |exports: &[&str]| common(BOTH, exports.iter().copied()).map(|(version, number)| (version.number, number));
        let old = "judge:provider/provider@0.1.3";
        assert_eq!(found(&["x:y/z@1.0.0", old]).expect("one is common"), ("0.1.0", "0.1.3".to_owned()));
        assert_eq!(found(&[old, "judge:provider/provider@0.2.0"]).expect("both are").0, "0.2.0");
        let refused = found(&["judge:provider/provider@0.3.0"]).expect_err("none is").to_string();
        assert_eq!(refused, "built for version 0.3.0 of the contract; this host speaks 0.2.0 and 0.1.0");
    }
}
