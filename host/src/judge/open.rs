//! From options to a prepared judge.

use super::{Connection, Judge, JudgeOptions, Loader, Seat};
use crate::config::Environment;
use crate::model::Fault;
use crate::provider::{Admission, CatalogError, Keys, UnknownProvider, UnusableKey};
use crate::registry::{Registry, RegistryError};
use crate::sandbox::{Sandbox, SandboxError, SandboxOptions};
use crate::transport::{EndpointError, TransportError, TransportLimits};
use std::sync::Arc;

/// Why a judge cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The sandbox cannot be set up on this machine.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The folder of providers cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// One of the trusted keys is none.
    #[error(transparent)]
    TrustedKey(#[from] UnusableKey),
    /// No provider goes by that id.
    #[error(transparent)]
    UnknownProvider(#[from] UnknownProvider),
    /// The endpoint is no URL that requests can be sent to.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// HTTP cannot be set up.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The registry cannot be opened.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There is a key, but the provider has no place for one.
    #[error("the provider takes no key: {0}")]
    NoAuthSlot(String),
    /// There is a key, but nobody but the provider says where it should go.
    #[error("the key would go to {origin}, which provider `{provider}` alone names")]
    KeyToDefault {
        /// The provider's id.
        provider: String,
        /// Scheme, host and port of its default endpoint.
        origin: String,
    },
    /// The provider cannot work with its server.
    #[error("the provider cannot start: {provider}")]
    Prepare {
        /// Its id.
        provider: String,
        /// Why.
        #[source]
        fault: Fault,
    },
}

impl OpenError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            OpenError::Sandbox(_) => None,
            OpenError::Catalog(error) => Some(error.hint()),
            OpenError::TrustedKey(_) => Some("minisign prints it: 56 characters that begin with RW".to_owned()),
            OpenError::UnknownProvider(error) => Some(error.hint()),
            OpenError::Endpoint(error) => Some(error.hint()),
            OpenError::Transport(error) => Some(error.hint()),
            OpenError::Registry(error) => error.hint(),
            OpenError::NoAuthSlot(_) => Some("leave the key out".to_owned()),
            OpenError::KeyToDefault { provider, origin } => Some(format!(
                "if the key is for that server, name it: `--endpoint {origin}`, or `endpoint` under [provider.{provider}] in \
                 judge.toml"
            )),
            OpenError::Prepare { fault, .. } => fault.hint.clone(),
        }
    }
}

impl Judge {
    /// Loads the provider, opens the registry, and lets the provider look at its server.
    ///
    /// # Errors
    /// What is wrong, with a hint where the caller can mend it.
    pub async fn open(options: JudgeOptions) -> Result<Judge, OpenError> {
        let cache_dir = options.cache_dir.clone();
        let sandbox = Sandbox::new(SandboxOptions { cache_dir, ..SandboxOptions::default() })?;
        let mut admission = Admission::default().signed_by(Keys::new(&options.trusted_keys)?);
        if options.locked {
            admission = admission.locked_by(&options.providers);
        }
        let loader = Loader::new(sandbox, admission);
        let catalog = loader.catalog(&options.providers).await?;
        let provider = catalog.get(&options.provider)?;
        let descriptor = &provider.identity().descriptor;
        let limits = TransportLimits { attempt: options.timeout, ..TransportLimits::default() };
        let endpoints = options.endpoints.iter().cloned().map(Some);
        let mut transports = Vec::new();
        for endpoint in endpoints.chain(options.endpoints.is_empty().then_some(None)) {
            let connection = Connection {
                endpoint,
                provider_named: true,
                api_key: options.api_key.clone(),
                allow_plain_http: options.allow_plain_http,
                proxies: options.proxies.clone().unwrap_or_else(|| Environment::of_variables().proxies()),
                limits,
            };
            transports.extend(connection.to(descriptor)?);
        }
        let registry = match &options.registry {
            Some(path) => Registry::open(path)?,
            None => Registry::temporary()?,
        };
        let model = options.model.clone().or_else(|| descriptor.default_model.clone()).unwrap_or_default();
        let mut seat = Seat::new(provider, options.settings(model), transports);
        (seat.prices, seat.rate) = (options.prices, options.rate);
        let policy = options.policy();
        let mut judge = Judge::new([seat], Arc::new(registry), policy, options.batch_id);
        let prepared = judge.prepare().await;
        prepared.map_err(|unprepared| OpenError::Prepare { provider: options.provider, fault: unprepared.fault })?;
        if options.follow {
            judge.follow(loader, Arc::new(catalog), |_| ());
        }
        Ok(judge)
    }
}
