//! What a component may import: the rules as a table, and the reason beside each.

use super::Refusal;

/// What a rule says of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ruling {
    /// Linked, since it gives nothing away.
    Inert,
    /// Not linked.
    Refused,
}

/// One rule; the first that matches decides.
struct Rule {
    /// Package and interface without the version; a package as a whole where it ends in `/`.
    name: &'static str,
    ruling: Ruling,
    /// Why.
    reason: &'static str,
}

const fn inert(name: &'static str, reason: &'static str) -> Rule {
    Rule { name, ruling: Ruling::Inert, reason }
}

const fn refused(name: &'static str, reason: &'static str) -> Rule {
    Rule { name, ruling: Ruling::Refused, reason }
}

/// What the standard libraries of guest languages import whether they use it or not is given, empty. `store` links
/// the same list.
const RULES: &[Rule] = &[
    inert("wasi:cli/environment", "no variables, no arguments"),
    inert("wasi:cli/exit", "ends the call as a trap does"),
    inert("wasi:cli/stdin", "empty"),
    inert("wasi:cli/stdout", "swallowed: stdout is the host's, for data"),
    inert("wasi:cli/stderr", "bounded, and only searched for the place of a panic"),
    inert("wasi:cli/terminal-input", "there is no terminal"),
    inert("wasi:cli/terminal-output", "there is no terminal"),
    inert("wasi:cli/terminal-stdin", "there is no terminal"),
    inert("wasi:cli/terminal-stdout", "there is no terminal"),
    inert("wasi:cli/terminal-stderr", "there is no terminal"),
    inert("wasi:io/error", "a name for what failed"),
    inert("wasi:io/poll", "waits at most until the call's deadline"),
    inert("wasi:io/streams", "there is nothing behind the streams"),
    inert("wasi:clocks/monotonic-clock", "stands still: same inputs, same requests"),
    inert("wasi:clocks/wall-clock", "stands still: same inputs, same requests"),
    inert("wasi:random/random", "the same bytes in every call: same inputs, same requests"),
    inert("wasi:random/insecure", "the same bytes in every call: same inputs, same requests"),
    inert("wasi:random/insecure-seed", "the same seed in every call: same inputs, same requests"),
    inert("wasi:filesystem/types", "there is no file to open"),
    inert("wasi:filesystem/preopens", "an empty list"),
    refused("wasi:sockets/", "a provider has no network: it returns requests, and the host sends them"),
    refused("wasi:http/", "a provider makes no calls: it returns requests, and the host sends them"),
    refused("wasi:filesystem/", "a provider has no files"),
    refused("wasi:", "this host does not give it to providers"),
    refused("judge:provider/", "the contract is what a provider exports; it imports nothing of it"),
    refused("", "the contract knows no such import"),
];

/// Which WASI the rules are about.
const WASI_VERSION: &str = "0.2.";

/// Whether all imports may be given.
///
/// # Errors
/// Names all that may not, and each reason once.
pub(super) fn check<'a>(imports: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
    let (mut names, mut reasons) = (Vec::new(), Vec::new());
    for import in imports {
        if let Some(reason) = refusal(import) {
            names.push(import.to_owned());
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }
    if names.is_empty() { Ok(()) } else { Err(Refusal::ImportRefused { imports: names, reason: reasons.join("; ") }) }
}

/// What a component has of an import that it may have; none where it may not have it.
pub fn given(import: &str) -> Option<&'static str> {
    let (name, _) = import.split_once('@').unwrap_or((import, ""));
    let rule = RULES.iter().find(|rule| rule.name == name && rule.ruling == Ruling::Inert)?;
    refusal(import).is_none().then_some(rule.reason)
}

/// Why an import is refused; none where it may be given.
fn refusal(import: &str) -> Option<&'static str> {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    let rule =
        RULES.iter().find(|rule| if ends_open(rule.name) { name.starts_with(rule.name) } else { name == rule.name })?;
    match rule.ruling {
        Ruling::Inert if version.starts_with(WASI_VERSION) => None,
        Ruling::Inert => Some("this host gives WASI 0.2 and no other version"),
        Ruling::Refused => Some(rule.reason),
    }
}

/// Whether a rule covers all names that begin like it.
fn ends_open(name: &str) -> bool {
    name.is_empty() || name.ends_with(['/', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_language_imports_by_custom_is_given() {
        for import in [
            "wasi:cli/environment@0.2.6",
            "wasi:cli/stderr@0.2.0",
            "wasi:cli/terminal-stdout@0.2.12",
            "wasi:io/streams@0.2.6",
            "wasi:io/poll@0.2.6",
            "wasi:clocks/wall-clock@0.2.3",
            "wasi:random/insecure-seed@0.2.0",
            "wasi:filesystem/preopens@0.2.0",
        ] {
            assert_eq!(refusal(import), None, "{import}");
        }
        assert!(check(["wasi:cli/exit@0.2.6", "wasi:io/error@0.2.6"]).is_ok());
        assert!(check([]).is_ok(), "no imports at all is the best case");
    }

    #[test]
    fn what_is_given_is_told_and_what_is_not_has_nothing_to_tell() {
        assert_eq!(given("wasi:filesystem/preopens@0.2.6"), Some("an empty list"));
        assert_eq!(given("wasi:cli/environment@0.3.0"), None);
        assert_eq!(given("wasi:sockets/tcp@0.2.0"), None);
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        for (import, reason) in [
            ("wasi:sockets/tcp@0.2.0", "no network"),
            ("wasi:sockets/ip-name-lookup@0.2.6", "no network"),
            ("wasi:http/outgoing-handler@0.2.0", "makes no calls"),
            ("wasi:http/types@0.2.12", "makes no calls"),
            ("wasi:filesystem/watch@0.2.0", "no files"),
            ("wasi:keyvalue/store@0.2.0", "does not give it"),
            ("wasi:cli/environment@0.3.0", "no other version"),
            ("wasi:cli/environment", "no other version"),
            ("wasi:cli/environment-more@0.2.0", "does not give it"),
            ("judge:provider/provider@0.1.0", "imports nothing of it"),
            ("wasix:cli/exit@0.2.0", "no such import"),
            ("env", "no such import"),
            ("", "no such import"),
        ] {
            let found = refusal(import).unwrap_or_else(|| panic!("`{import}` is given"));
            assert!(found.contains(reason), "{import}: {found}");
        }
    }

    #[test]
    fn a_refusal_names_every_import_and_each_reason_once() {
        let imports = ["wasi:sockets/tcp@0.2.0", "wasi:cli/exit@0.2.0", "wasi:sockets/udp@0.2.0", "env"];
        let Err(Refusal::ImportRefused { imports, reason }) = check(imports) else { panic!("given") };
        assert_eq!(imports, ["wasi:sockets/tcp@0.2.0", "wasi:sockets/udp@0.2.0", "env"]);
        assert_eq!(reason.matches("no network").count(), 1, "{reason}");
        assert!(reason.ends_with("the contract knows no such import"), "{reason}");
    }
}
