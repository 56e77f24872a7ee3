use super::ConfigError;
use crate::model::{Births, Confidence, Dedup, Durability, TrustedKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// No wait of the operator's choice is longer than this.
const DURATION_MAX: Duration = Duration::from_hours(24);

/// A decoded public key of minisign: the algorithm, the key's number, the key.
const PUBLIC_KEY_BYTES: usize = 42;
/// What it begins with, whatever a signature by it was hashed with.
const ED25519: &[u8] = b"Ed";

/// Where a value came from, as errors say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, with its dashes.
    Flag(String),
    /// An environment variable, or a line of `.env`.
    Environment(String),
    /// A key of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The key, with the tables it lies in.
        key: String,
    },
    /// Nobody gave it.
    Default(&'static str),
}

impl Origin {
    /// Of two values, the one from the layer of the higher rank counts.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Origin::Flag(_) => 3,
            Origin::Environment(_) => 2,
            Origin::File { .. } => 1,
            Origin::Default(_) => 0,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "flag `{flag}`"),
            Origin::Environment(name) => write!(f, "environment `{name}`"),
            Origin::File { path, key } => write!(f, "`{}: {key}`", path.display()),
            Origin::Default(key) => write!(f, "default of `{key}`"),
        }
    }
}

/// A value as it was given, with where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) origin: Origin,
}

impl Given {
    pub(super) fn new(text: impl Into<String>, origin: Origin) -> Self {
        Given { text: text.into(), origin }
    }

    /// A whole number in a range.
    pub(super) fn whole<T>(&self, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let number = self.text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| self.wrong(format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// A number in a range.
    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Result<f64, ConfigError> {
        let number = self.text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| self.wrong(format!("a number from {} to {}", range.start(), range.end())))
    }

    /// A span of time over 0 and up to a day: `120s`, `2m`, or a bare number of seconds.
    pub(super) fn duration(&self) -> Result<Duration, ConfigError> {
        let text = self.text.trim();
        let seconds = text.parse::<f64>().ok().map(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let duration = seconds.unwrap_or_else(|| humantime::parse_duration(text).ok());
        duration
            .filter(|duration| !duration.is_zero() && *duration <= DURATION_MAX)
            .ok_or_else(|| self.wrong("a time over 0 and up to 24h, such as `120s` or `2m`; a bare number is seconds"))
    }

    /// Yes or no.
    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        match self.text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err(self.wrong("`true` or `false`")),
        }
    }

    /// When new clusters may be born.
    pub(super) fn births(&self) -> Result<Births, ConfigError> {
        match self.text.trim() {
            "strict" => Ok(Births::Strict),
            "similar" => Ok(Births::Similar),
            "free" => Ok(Births::Free),
            _ => Err(self.wrong("`strict`, `similar` or `free`")),
        }
    }

    /// When a commit is answered.
    pub(super) fn durability(&self) -> Result<Durability, ConfigError> {
        match self.text.trim() {
            "full" => Ok(Durability::Full),
            "fast" => Ok(Durability::Fast),
            _ => Err(self.wrong("`full` or `fast`")),
        }
    }

    /// Whether what is the same is judged once.
    pub(super) fn dedup(&self) -> Result<Dedup, ConfigError> {
        match self.text.trim() {
            "auto" => Ok(Dedup::Auto),
            "on" => Ok(Dedup::On),
            "off" => Ok(Dedup::Off),
            _ => Err(self.wrong("`auto`, `on` or `off`")),
        }
    }

    /// The confidence below which an answer goes on to the next provider.
    pub(super) fn escalate_below(&self) -> Result<Confidence, ConfigError> {
        match self.text.trim() {
            "high" => Ok(Confidence::High),
            "medium" => Ok(Confidence::Medium),
            _ => Err(self.wrong("`high` or `medium`")),
        }
    }

    /// Any text but an empty one.
    pub(super) fn text(&self) -> Result<String, ConfigError> {
        if self.text.trim().is_empty() { Err(self.wrong("a text that is not empty")) } else { Ok(self.text.clone()) }
    }

    /// A path.
    pub(super) fn path(&self) -> Result<PathBuf, ConfigError> {
        self.text().map(PathBuf::from)
    }

    /// A language tag, by its letters only.
    pub(super) fn language(&self) -> Result<String, ConfigError> {
        let tag = self.text.trim();
        let fits =
            (2..=35).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if fits { Ok(tag.to_owned()) } else { Err(self.wrong("a BCP 47 tag such as `ru` or `pt-BR`")) }
    }

    /// An absolute URL of a server. One with a password in it is refused without being shown.
    pub(super) fn endpoint(&self) -> Result<url::Url, ConfigError> {
        const EXPECTED: &str = "a URL that begins with http:// or https://, such as `http://localhost:11434`";
        let url = url::Url::parse(self.text.trim()).map_err(|_| self.wrong(EXPECTED))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(self.wrong(EXPECTED));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::Password { origin: self.origin.clone() });
        }
        Ok(url)
    }

    /// Public keys, with commas between, each with or without a name.
    pub(super) fn trusted_keys(&self) -> Result<Vec<TrustedKey>, ConfigError> {
        let keys: Option<Vec<_>> = self.text.split(',').map(trusted_key).collect();
        keys.ok_or_else(|| self.wrong("minisign public keys, each `RW…` (56 characters) or `NAME=RW…`"))
    }

    /// The error that this value is not what is expected here.
    pub(super) fn wrong(&self, expected: impl Into<String>) -> ConfigError {
        ConfigError::Value { origin: self.origin.clone(), value: self.text.clone(), expected: expected.into() }
    }
}

/// A key as minisign prints it; its base64 ends without `=`, so that the sign can part it from a name.
fn trusted_key(text: &str) -> Option<TrustedKey> {
    let (name, base64) = match text.rsplit_once('=') {
        Some((name, base64)) => (Some(name.trim()).filter(|name| !name.is_empty()), base64.trim()),
        None => (None, text.trim()),
    };
    let bytes = STANDARD.decode(base64).ok()?;
    let is_key = bytes.len() == PUBLIC_KEY_BYTES && bytes.starts_with(ED25519);
    is_key.then(|| TrustedKey { name: name.map(str::to_owned), base64: base64.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Given {
        Given::new(text, Origin::Flag("--x".into()))
    }

    #[test]
    fn times_have_a_unit_or_are_seconds() {
        for (text, milliseconds) in
            [("120s", 120_000), ("2m", 120_000), ("1m 30s", 90_000), ("250ms", 250), ("90", 90_000), ("0.5", 500)]
        {
            assert_eq!(given(text).duration().expect(text), Duration::from_millis(milliseconds), "{text}");
        }
        for text in ["", "0", "0s", "-1", "nan", "inf", "1e300", "25h", "soon", "5 apples"] {
            assert!(given(text).duration().is_err(), "{text}");
        }
    }

    #[test]
    fn endpoints_are_absolute_and_without_password() {
        for text in ["http://localhost:11434/api", "https://api.openai.com", " http://[::1]:8000/v1/ "] {
            assert!(given(text).endpoint().is_ok(), "{text}");
        }
        for text in ["localhost:11434", "", "/api", "ftp://host", "unix:/run/x", "http://"] {
            assert!(matches!(given(text).endpoint(), Err(ConfigError::Value { .. })), "{text}");
        }
        let error = given("https://me:hunter2@host/v1").endpoint().expect_err("a password is refused");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn numbers_keep_to_their_range() {
        assert_eq!(given("4096").whole(1..=4096_usize).expect("in range"), 4096);
        assert!(given("0").whole(1..=4096_usize).is_err());
        assert!(given("1.5").whole(1..=4096_usize).is_err());
        assert!(given("NaN").number(0.0..=2.0).is_err());
        assert!(given("2.1").number(0.0..=2.0).is_err());
        assert!((given("0.7").number(0.0..=2.0).expect("in range") - 0.7).abs() < f64::EPSILON);
    }
}
