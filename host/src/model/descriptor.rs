use serde::Serialize;

/// The HTTP header that carries the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthSlot {
    /// Header name, such as `authorization`.
    pub header: String,
    /// What stands before the key, such as `Bearer `.
    pub prefix: String,
}

/// One setting that a provider understands beyond the common ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingSpec {
    /// Its name.
    pub name: String,
    /// What it does, its unit, its range.
    pub summary: String,
    /// The value used when none is given.
    pub default_value: Option<String>,
}

/// What a provider says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Descriptor {
    /// Short name, unique among the loaded providers.
    pub id: String,
    /// The provider's own version.
    pub version: String,
    /// One sentence for listings.
    pub summary: String,
    /// Base URL used when the operator names none; none for a provider that sends no request.
    pub default_endpoint: Option<String>,
    /// Model used when the operator names none.
    pub default_model: Option<String>,
    /// Where the credential goes.
    pub auth: Option<AuthSlot>,
    /// The settings it understands.
    pub settings: Vec<SettingSpec>,
    /// Room to grow.
    pub extras: Vec<(String, String)>,
}
