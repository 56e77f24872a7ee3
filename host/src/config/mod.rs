//! What the operator wants: flags over environment (`.env` included) over judge.toml over defaults, checked once into
//! parsed types. The only reader of the environment. It knows no provider: what depends on one is resolved when
//! its descriptor is there.

mod amount;
mod api_key;
mod card;
mod chain;
mod effective;
mod endpoints;
mod environment;
mod error;
mod file;
mod flags;
mod key;
mod layers;
mod nearest;
mod parallel;
mod prices;
mod provider;
mod proxies;
mod run;
mod specs;
mod value;
mod vendor;

#[cfg(test)]
mod examples;

pub use api_key::ApiKey;
pub use card::{CardStart, start_for_vram};
pub use chain::ChainLink;
pub use effective::{Effective, EffectiveKey};
pub use environment::Environment;
pub use error::ConfigError;
pub use flags::Flags;
pub use key::{Key, Spec};
pub use layers::Layers;
pub use parallel::parallel_levels;
pub use provider::ProviderConfig;
pub use proxies::{ProxyVariable, ProxyVariables};
pub use run::{Output, RunConfig};
pub use specs::SPECS;
pub use value::Origin;
pub use vendor::{is_local_server, is_vendors_own};
