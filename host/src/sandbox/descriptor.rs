//! Whether what a provider says of itself can be used: it names files, headers and rows, and is shown to people.

use super::Refusal;
use crate::model::{AuthSlot, Descriptor, SettingSpec};
use http::{HeaderName, HeaderValue};
use std::collections::HashSet;
use url::Url;

/// The contract's `[a-z0-9][a-z0-9-]{0,62}`.
const ID_CHARS_MAX: usize = 63;
/// A version or a name, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// A sentence or a value, in bytes.
const TEXT_BYTES_MAX: usize = 1024;
/// Settings of one provider, and extras.
const ITEMS_MAX: usize = 64;

/// Headers that frame the message or name the server; a key has no place in them.
const HEADERS_OF_THE_HOST: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
];

/// What a provider says of itself, asked twice.
///
/// # Errors
/// Where it is not the same, or cannot be used.
pub(super) fn same(first: Descriptor, second: &Descriptor) -> Result<Descriptor, Refusal> {
    if first != *second {
        return Err(Refusal::DescribeDiffers);
    }
    check(&first).map_err(|reason| Refusal::BadDescriptor { reason })?;
    Ok(first)
}

/// # Errors
/// The first field that cannot be used, and why.
fn check(descriptor: &Descriptor) -> Result<(), String> {
    if !is_id(&descriptor.id) {
        return Err(format!("`id` has to match [a-z0-9][a-z0-9-]{{0,62}}: {}", shown(&descriptor.id)));
    }
    line("version", &descriptor.version, NAME_BYTES_MAX)?;
    line("summary", &descriptor.summary, TEXT_BYTES_MAX)?;
    if let Some(model) = &descriptor.default_model {
        line("default-model", model, TEXT_BYTES_MAX)?;
    }
    if let Some(endpoint) = &descriptor.default_endpoint {
        line("default-endpoint", endpoint, TEXT_BYTES_MAX)?;
        check_endpoint(endpoint).map_err(|why| format!("`default-endpoint` {why}: {}", shown(endpoint)))?;
    }
    if let Some(auth) = &descriptor.auth {
        check_auth(auth)?;
    }
    check_settings(&descriptor.settings)?;
    count("extras", descriptor.extras.len())?;
    for (name, value) in &descriptor.extras {
        line("extras", name, NAME_BYTES_MAX)?;
        line("extras", value, TEXT_BYTES_MAX)?;
    }
    Ok(())
}

fn is_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    id.len() <= ID_CHARS_MAX && id.starts_with(plain) && id.chars().all(|c| plain(c) || c == '-')
}

fn check_endpoint(endpoint: &str) -> Result<(), &'static str> {
    let url = Url::parse(endpoint).map_err(|_| "is no URL")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("is neither http nor https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or fragment");
    }
    Ok(())
}

fn check_auth(auth: &AuthSlot) -> Result<(), String> {
    let name = HeaderName::from_bytes(auth.header.as_bytes())
        .map_err(|_| format!("`auth.header` is no header name: {}", shown(&auth.header)))?;
    if HEADERS_OF_THE_HOST.contains(&name.as_str()) {
        return Err(format!("`auth.header` cannot carry a key: `{name}`"));
    }
    line("auth.prefix", &auth.prefix, NAME_BYTES_MAX)?;
    HeaderValue::from_str(&auth.prefix).map(drop).map_err(|_| "`auth.prefix` is no header value".to_owned())
}

fn check_settings(settings: &[SettingSpec]) -> Result<(), String> {
    count("settings", settings.len())?;
    let mut names = HashSet::new();
    for setting in settings {
        line("settings.name", &setting.name, NAME_BYTES_MAX)?;
        // `NAME=VALUE` on the command line and a key in judge.toml: anything that survives both.
        if setting.name.is_empty() || setting.name.contains(|c: char| c == '=' || c.is_whitespace()) {
            return Err(format!("`settings.name` is empty, or has a blank or `=`: {}", shown(&setting.name)));
        }
        if !names.insert(&setting.name) {
            return Err(format!("two settings have one name: {}", shown(&setting.name)));
        }
        line("settings.summary", &setting.summary, TEXT_BYTES_MAX)?;
        line("settings.default-value", setting.default_value.as_deref().unwrap_or_default(), TEXT_BYTES_MAX)?;
    }
    Ok(())
}

/// One line for people: bounded, and nothing that moves a terminal's cursor.
fn line(field: &str, text: &str, bytes_max: usize) -> Result<(), String> {
    if text.len() > bytes_max {
        return Err(format!("`{field}` is over {bytes_max} bytes"));
    }
    if text.contains(char::is_control) {
        return Err(format!("`{field}` holds a control character: {}", shown(text)));
    }
    Ok(())
}

fn count(field: &str, items: usize) -> Result<(), String> {
    if items > ITEMS_MAX { Err(format!("`{field}` has more than {ITEMS_MAX} items")) } else { Ok(()) }
}

/// The start of a text, escaped.
fn shown(text: &str) -> String {
    format!("`{}`", text.chars().take(NAME_BYTES_MAX).collect::<String>().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor() -> Descriptor {
        Descriptor {
            id: "open-ai2".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Chat completions.".to_owned(),
            default_endpoint: Some("https://api.example.com/v1".to_owned()),
            default_model: Some("small:8b".to_owned()),
            auth: Some(AuthSlot { header: "authorization".to_owned(), prefix: "Bearer ".to_owned() }),
            settings: vec![SettingSpec { name: "top_p".to_owned(), summary: "0 to 1".to_owned(), default_value: None }],
            extras: vec![("docs".to_owned(), "https://example.com".to_owned())],
        }
    }

    #[test]
    fn a_plain_descriptor_is_good() {
        assert_eq!(check(&descriptor()), Ok(()));
    }

    #[test]
    fn who_says_two_things_of_itself_is_refused() {
        assert!(same(descriptor(), &descriptor()).is_ok());
        let other = Descriptor { summary: "Something else.".to_owned(), ..descriptor() };
        assert!(matches!(same(descriptor(), &other), Err(Refusal::DescribeDiffers)));
        let bad = || Descriptor { id: String::new(), ..descriptor() };
        assert!(matches!(same(bad(), &bad()), Err(Refusal::BadDescriptor { .. })));
    }

    #[test]
    fn each_bad_field_is_named() {
        fn edit(field: &str, edit: impl FnOnce(&mut Descriptor)) {
            let mut descriptor = descriptor();
            edit(&mut descriptor);
            let reason = check(&descriptor).expect_err(field);
            assert!(reason.contains(field), "{field}: {reason}");
        }
        for id in ["", "-a", "A", "a_b", "ä", "a b", &"a".repeat(64)] {
            edit("`id`", |d| d.id = id.to_owned());
        }
        edit("`version`", |d| d.version = "1".repeat(1000));
        edit("`summary`", |d| d.summary = "\u{1b}[2J".to_owned());
        for endpoint in ["", "localhost:1", "ftp://a", "http://", "https://u:p@a", "https://a?b", "file:///etc/passwd"]
        {
            edit("`default-endpoint`", |d| d.default_endpoint = Some(endpoint.to_owned()));
        }
        for header in ["", "a b", "Host", "content-length", "a\r\nb"] {
            edit("`auth.header`", |d| d.auth = Some(AuthSlot { header: header.to_owned(), prefix: String::new() }));
        }
        let prefix = "a\r\nb: ".to_owned();
        edit("`auth.prefix`", |d| d.auth = Some(AuthSlot { header: "x-key".to_owned(), prefix }));
        edit("one name", |d| d.settings = vec![d.settings[0].clone(), d.settings[0].clone()]);
        edit("`settings.name`", |d| d.settings[0].name = "a=b".to_owned());
        edit("`extras`", |d| d.extras = vec![(String::new(), String::new()); 65]);
    }
}
