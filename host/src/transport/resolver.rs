use super::address::Policy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks a host's addresses up once, and hands over those that requests may go to: the connection is made to one of
/// them, and to nothing that a second look-up would say. A name whose owner answers with another address each time
/// (DNS rebinding) gains nothing by it.
pub(super) struct Checked<R> {
    policy: Policy,
    inner: R,
}

impl<R> Checked<R> {
    pub(super) fn new(policy: Policy, inner: R) -> Self {
        Checked { policy, inner }
    }
}

impl<R: Resolve> Resolve for Checked<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy.clone();
        let found = self.inner.resolve(name);
        Box::pin(async move {
            let (mut allowed, mut refusal) = (Vec::new(), None);
            for address in found.await? {
                match policy.check(address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(refused) => refusal = Some(refused),
                }
            }
            match refusal {
                Some(refusal) if allowed.is_empty() => Err(refusal.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// The system's look-up.
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the URL's; it is put in later.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
