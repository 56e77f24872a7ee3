//! Which addresses a request may go to: tables of networks, each with its reason, and who may ask for them.

use super::Endpoint;
use crate::model::{Fault, FaultKind};
use Class::{Barred, Loopback, Private, Public};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Host;

/// How far an endpoint may reach, by who chose it. No choice reaches link-local, cloud metadata,
/// unspecified, multicast or reserved addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The provider chose it, and the operator did not: public addresses only. A stranger's component could turn requests
    /// against the services of this machine and its network otherwise.
    Public,
    /// It is a server that the host knows to run on this machine, such as Ollama: this machine only.
    ThisMachine,
    /// The operator named it: this machine and private networks, too.
    Anywhere,
}

/// What an address is, as far as requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Anybody may be there.
    Public,
    /// This machine.
    Loopback,
    /// The operator's network.
    Private,
    /// Nobody who judges records is there.
    Barred,
}

/// Names of servers that hand credentials to whoever asks; a proxy would look them up where the host cannot check.
const NAMES_BARRED: [(&str, &str); 5] = [
    ("metadata.google.internal", "Google's metadata service"),
    ("metadata.goog", "Google's metadata service"),
    ("instance-data", "Amazon's metadata service"),
    ("instance-data.ec2.internal", "Amazon's metadata service"),
    ("metadata.tencentyun.com", "Tencent's metadata service"),
];

/// Networks of version 4 that are not public, each with what it is. The first that fits decides. After IANA's registry
/// of special-purpose addresses, and the clouds' own documentation.
const NETWORKS_V4: [(Ipv4Addr, u32, Class, &str); 21] = [
    (Ipv4Addr::new(169, 254, 169, 254), 32, Barred, "a cloud metadata address"),
    (Ipv4Addr::new(100, 100, 100, 200), 32, Barred, "a cloud metadata address"), // Alibaba
    (Ipv4Addr::new(192, 0, 0, 192), 32, Barred, "a cloud metadata address"),     // Oracle
    (Ipv4Addr::new(168, 63, 129, 16), 32, Barred, "a cloud metadata address"),   // Azure
    (Ipv4Addr::new(169, 254, 0, 0), 16, Barred, "a link-local address"),
    (Ipv4Addr::UNSPECIFIED, 8, Barred, "an unspecified address"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback, "a loopback address"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private, "a private address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private, "a private address"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private, "a private address"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Private, "a private address"), // shared by a carrier's customers; Tailscale
    (Ipv4Addr::new(198, 18, 0, 0), 15, Private, "a private address"), // for benchmarks; some VPNs answer names with it
    (Ipv4Addr::new(192, 0, 0, 0), 24, Barred, "a reserved address"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Barred, "an address for documentation"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Barred, "an address for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Barred, "an address for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Barred, "a reserved address"), // relays of 6to4, given up
    (Ipv4Addr::new(224, 0, 0, 0), 4, Barred, "a multicast address"),
    (Ipv4Addr::BROADCAST, 32, Barred, "the broadcast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Barred, "a reserved address"),
    (Ipv4Addr::UNSPECIFIED, 0, Public, "a public address"),
];

/// The same of version 6, after those that carry an address of version 4. What IANA has not given out is reserved.
const NETWORKS_V6: [(Ipv6Addr, u32, Class, &str); 18] = [
    (Ipv6Addr::UNSPECIFIED, 128, Barred, "an unspecified address"),
    (Ipv6Addr::LOCALHOST, 128, Loopback, "a loopback address"),
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32, Barred, "a cloud metadata address"), // Amazon
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Barred, "a cloud metadata address"), // Google
    (Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), 128, Barred, "a cloud metadata address"), // Oracle
    (Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42), 128, Barred, "a cloud metadata address"), // Scaleway
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Barred, "a link-local address"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Barred, "a multicast address"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Private, "a private address"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Barred, "an address for documentation"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Barred, "an address for documentation"),
    // Tunnels (Teredo) and protocols: no servers.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Barred, "a reserved address"),
    // A network's own translation to version 4: what it leads to cannot be told.
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Barred, "a reserved address"),
    // Version 4 in a form that was given up.
    (Ipv6Addr::UNSPECIFIED, 96, Barred, "a reserved address"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, Barred, "a reserved address"),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Barred, "a reserved address"),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Public, "a public address"),
    (Ipv6Addr::UNSPECIFIED, 0, Barred, "a reserved address"),
];

/// Networks of version 6 whose addresses lead to one of version 4, by the bits that stand before it, and the reason why
/// they are looked into.
const CARRIERS: [(Ipv6Addr, u32, &str); 3] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, "the system connects to the address of version 4 in it"),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, "NAT64 translates to the address of version 4 in it"),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, "6to4 tunnels to the address of version 4 in it"),
];

/// An address that a request may not go to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` leads to {what}, {why}{}", self.shown())]
pub struct Refusal {
    host: String,
    /// Scheme, host and port of the endpoint.
    origin: String,
    address: Option<IpAddr>,
    what: &'static str,
    why: &'static str,
    /// Whether the operator may allow it.
    is_choice: bool,
}

impl Refusal {
    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        if self.is_choice {
            let origin = &self.origin;
            return format!(
                "if you mean that server, name it: `--endpoint {origin}`, or `endpoint = \"{origin}\"` in the \
                 provider's table of judge.toml"
            );
        }
        "check the endpoint's host, and what its name leads to on this machine".to_owned()
    }

    /// The same, of one exchange.
    pub(super) fn fault(&self) -> Fault {
        Fault::new(FaultKind::Blocked, self.to_string()).code("address").hint(self.hint())
    }

    fn shown(&self) -> String {
        self.address.map(|address| format!(": {address}")).unwrap_or_default()
    }
}

/// Which addresses one endpoint may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    reach: Reach,
    host: String,
    origin: String,
    /// Whether its name means this machine, so that nothing else may answer to it.
    is_loopback: bool,
}

impl Policy {
    pub(super) fn new(reach: Reach, endpoint: &Endpoint) -> Policy {
        let host = endpoint.host().map(|host| host.to_string()).unwrap_or_default();
        Policy { reach, host, origin: endpoint.origin(), is_loopback: endpoint.is_loopback() }
    }

    /// What can be told without a look-up: of an address in the endpoint itself, and of names with a meaning.
    pub(super) fn check_host(&self, host: &Host<&str>) -> Result<(), Refusal> {
        match host {
            Host::Ipv4(address) => self.check((*address).into()),
            Host::Ipv6(address) => self.check((*address).into()),
            Host::Domain(_) if self.is_loopback => self.check(Ipv4Addr::LOCALHOST.into()),
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                let barred = NAMES_BARRED.iter().find(|(barred, _)| name.eq_ignore_ascii_case(barred));
                barred.map_or(Ok(()), |(_, what)| Err(self.refusal(None, what, "which no request may go to", false)))
            }
        }
    }

    /// Whether requests may go to an address that the endpoint's host has.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        let (class, what) = class(address);
        let (why, is_choice) = match (class, self.reach) {
            (Barred, _) => ("which no request may go to", false),
            (Private | Public, _) if self.is_loopback => ("and should be this machine", false),
            (Loopback | Private, Reach::Public) => ("which only the operator may name", true),
            (Private | Public, Reach::ThisMachine) => ("and should be this machine", true),
            _ => return Ok(()),
        };
        Err(self.refusal(Some(address), what, why, is_choice))
    }

    fn refusal(&self, address: Option<IpAddr>, what: &'static str, why: &'static str, is_choice: bool) -> Refusal {
        // Told once where the host is the address itself.
        let address = address.filter(|address| self.host.trim_matches(['[', ']']) != address.to_string());
        Refusal { host: self.host.clone(), origin: self.origin.clone(), address, what, why, is_choice }
    }
}

/// What an address is, and its name for people.
fn class(address: IpAddr) -> (Class, &'static str) {
    match address {
        IpAddr::V4(address) => {
            let bits = u128::from(u32::from(address));
            let found = NETWORKS_V4
                .iter()
                .find(|(first, length, ..)| is_within(bits, u128::from(u32::from(*first)), *length, Ipv4Addr::BITS));
            found.map_or((Barred, "a reserved address"), |(_, _, class, what)| (*class, what))
        }
        IpAddr::V6(address) => {
            if let Some(carried) = carried(address) {
                return class(carried.into());
            }
            let fits = |first: Ipv6Addr, length| is_within(address.into(), first.into(), length, Ipv6Addr::BITS);
            let found = NETWORKS_V6.iter().find(|(first, length, ..)| fits(*first, *length));
            found.map_or((Barred, "a reserved address"), |(_, _, class, what)| (*class, what))
        }
    }
}

/// The address of version 4 that one of version 6 leads to.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = u128::from(address);
    let (_, length, _) =
        CARRIERS.iter().find(|(first, length, _)| is_within(bits, (*first).into(), *length, Ipv6Addr::BITS))?;
    let carried = bits << length >> (Ipv6Addr::BITS - Ipv4Addr::BITS);
    u32::try_from(carried).ok().map(Ipv4Addr::from)
}

/// Whether two addresses have their first `length` bits of `width` in common.
fn is_within(address: u128, first: u128, length: u32, width: u32) -> bool {
    (address ^ first).checked_shr(width - length).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests;
