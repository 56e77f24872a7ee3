//! From options to a prepared judge.

use super::{Judge, JudgeOptions, Loader};
use crate::model::{Descriptor, Fault};
use crate::provider::{Admission, CatalogError, Keys, UnknownProvider, UnusableKey};
use crate::registry::{Registry, RegistryError};
use crate::sandbox::{Sandbox, SandboxError, SandboxOptions};
use crate::transport::{
    Credential, Endpoint, EndpointError, HttpTransport, Secret, Transport, TransportError, TransportLimits,
};
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
            OpenError::Transport(error) => Some(error.hint().to_owned()),
            OpenError::Registry(error) => error.hint(),
            OpenError::NoAuthSlot(_) => Some("leave the key out".to_owned()),
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
        let transport = connect(descriptor, options.endpoint.as_deref(), options.api_key.clone(), limits)?;
        let registry = match &options.registry {
            Some(path) => Registry::open(path)?,
            None => Registry::temporary()?,
        };
        let model = options.model.clone().or_else(|| descriptor.default_model.clone()).unwrap_or_default();
        let policy = options.policy(model);
        let mut judge = Judge::new(provider, transport, Arc::new(registry), policy, options.batch_id);
        let prepared = judge.prepare().await;
        prepared.map_err(|fault| OpenError::Prepare { provider: options.provider, fault })?;
        if options.follow {
            judge.follow(loader, Arc::new(catalog), |_| ());
        }
        Ok(judge)
    }
}

/// Who sends for a provider: none where it declares no endpoint and none is named.
///
/// # Errors
/// Where the endpoint is no URL, or there is a key but no slot for it.
pub fn connect(
    descriptor: &Descriptor,
    endpoint: Option<&str>,
    api_key: Option<Secret>,
    limits: TransportLimits,
) -> Result<Option<Arc<dyn Transport>>, OpenError> {
    let credential = match (api_key, &descriptor.auth) {
        (Some(secret), Some(slot)) => Some(Credential { slot: slot.clone(), secret }),
        (Some(_), None) => return Err(OpenError::NoAuthSlot(descriptor.id.clone())),
        (None, _) => None,
    };
    let Some(endpoint) = endpoint.or(descriptor.default_endpoint.as_deref()) else { return Ok(None) };
    let transport = HttpTransport::new(Endpoint::parse(endpoint)?, credential, limits)?;
    Ok(Some(Arc::new(transport)))
}
