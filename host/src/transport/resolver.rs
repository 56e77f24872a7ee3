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

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::transport::{Endpoint, Reach, Refusal};
    use std::collections::VecDeque;
    use std::io;
    use std::net::{IpAddr, SocketAddr};
    use std::sync::{Arc, Mutex};

    /// Answers each question with the next of its lists of addresses, and counts the questions.
    #[derive(Clone, Default)]
    pub(in crate::transport) struct Fake {
        answers: Arc<Mutex<VecDeque<Vec<IpAddr>>>>,
        asked: Arc<Mutex<usize>>,
    }

    impl Fake {
        pub(in crate::transport) fn answering(answers: &[&[&str]]) -> Fake {
            let list = |list: &&[&str]| list.iter().map(|address| address.parse().unwrap()).collect();
            Fake { answers: Arc::new(Mutex::new(answers.iter().map(list).collect())), asked: Arc::default() }
        }

        pub(in crate::transport) fn asked(&self) -> usize {
            *self.asked.lock().unwrap()
        }
    }

    impl Resolve for Fake {
        fn resolve(&self, _: Name) -> Resolving {
            *self.asked.lock().unwrap() += 1;
            let answer = self.answers.lock().unwrap().pop_front();
            Box::pin(async move {
                let answer = answer.ok_or_else(|| io::Error::other("asked once too often"))?;
                let addresses: Vec<_> = answer.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
                Ok(Box::new(addresses.into_iter()) as Addrs)
            })
        }
    }

    async fn look_up(checked: &Checked<Fake>) -> Result<Vec<String>, String> {
        match checked.resolve("judge.example".parse().unwrap()).await {
            Ok(addresses) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
            Err(error) => Err(error.downcast::<Refusal>().unwrap().to_string()),
        }
    }

    fn checked(reach: Reach, fake: &Fake) -> Checked<Fake> {
        let endpoint = Endpoint::parse("https://judge.example").unwrap();
        Checked::new(Policy::new(reach, &endpoint), fake.clone())
    }

    #[tokio::test]
    async fn only_allowed_addresses_are_handed_over_each_from_one_look_up() {
        let fake = Fake::answering(&[
            &["93.184.216.34", "10.0.0.1", "::ffff:127.0.0.1", "2a00::1"],
            &["93.184.216.34"],
            &["127.0.0.1"],
            &["169.254.169.254"],
        ]);
        let checked = checked(Reach::Public, &fake);
        assert_eq!(look_up(&checked).await.unwrap(), ["93.184.216.34", "2a00::1"]);
        assert_eq!(look_up(&checked).await.unwrap(), ["93.184.216.34"]);
        let rebound = look_up(&checked).await.unwrap_err();
        assert!(rebound.starts_with("`judge.example` leads to a loopback address"), "{rebound}");
        let metadata = look_up(&checked).await.unwrap_err();
        assert!(
            metadata.ends_with("a cloud metadata address, which no request may go to: 169.254.169.254"),
            "{metadata}"
        );
        assert_eq!(fake.asked(), 4);
    }

    #[tokio::test]
    async fn the_operators_choice_reaches_private_addresses_and_no_metadata() {
        let fake = Fake::answering(&[&["10.0.0.1", "169.254.169.254", "127.0.0.1"], &["64:ff9b::a9fe:a9fe"]]);
        let checked = checked(Reach::Anywhere, &fake);
        assert_eq!(look_up(&checked).await.unwrap(), ["10.0.0.1", "127.0.0.1"]);
        assert!(look_up(&checked).await.is_err());
    }

    #[tokio::test]
    async fn the_system_is_asked_for_names_of_this_machine() {
        let found = System.resolve("localhost".parse().unwrap()).await.unwrap();
        let found: Vec<_> = found.collect();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }
}
