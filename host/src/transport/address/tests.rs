#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::*;

fn policy(reach: Reach, url: &str) -> Policy {
    Policy::new(reach, &Endpoint::parse(url).unwrap())
}

/// Whether an address may be reached by each of: the provider's choice, a known server of this machine, the operator's.
fn allowed(address: &str) -> [bool; 3] {
    let address = address.parse().unwrap();
    [(Reach::Public, "https://h"), (Reach::ThisMachine, "http://localhost:1"), (Reach::Anywhere, "https://h")]
        .map(|(reach, url)| policy(reach, url).check(address).is_ok())
}

/// Who may have an endpoint at these addresses.
const ALLOWED: [([bool; 3], &[&str]); 5] = [
    ([true, false, true], &["93.184.216.34", "1.1.1.1", "223.255.255.254", "2606:4700::1", "2a00::1"]),
    ([false, true, true], &["127.0.0.1", "127.255.255.254", "::1"]),
    (
        [false, false, true],
        &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "198.18.0.1", "fc00::1", "fd12::1"],
    ),
    (
        [false; 3],
        &[
            "169.254.169.254",
            "169.254.0.1",
            "169.254.170.2",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.1",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            "2001:0:1::1",
            "64:ff9b:1::1",
            "::7f00:1",
            "fec0::1",
            "100::1",
            "4000::1",
        ],
    ),
    // The neighbours of networks that are not public.
    (
        [true, false, true],
        &["9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "169.253.0.1", "100.128.0.0", "168.63.129.17"],
    ),
];

#[test]
fn addresses_are_allowed_by_what_they_are_and_who_chose_the_endpoint() {
    for (allowed_to, addresses) in ALLOWED {
        for address in addresses {
            assert_eq!(allowed(address), allowed_to, "{address}");
        }
    }
}

#[test]
fn an_address_in_an_address_counts_as_itself() {
    for inner in ["93.184.216.34", "127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "168.63.129.16"]
    {
        let plain = allowed(inner);
        let bits = u32::from(inner.parse::<Ipv4Addr>().unwrap());
        let (high, low) = ((bits >> 16) as u16, (bits & 0xffff) as u16);
        for carrier in [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ] {
            assert_eq!(allowed(&carrier.to_string()), plain, "{carrier} for {inner}");
        }
    }
}

#[test]
fn endpoints_that_tell_their_address_are_checked_before_anything_is_sent() {
    for (url, [by_provider, by_operator]) in [
        ("https://api.example.com", [true, true]),
        ("http://localhost:8000", [false, true]),
        ("http://x.localhost", [false, true]),
        ("http://127.0.0.1:1", [false, true]),
        ("http://2130706433/", [false, true]),
        ("http://0x7f.1/", [false, true]),
        ("http://[::ffff:127.0.0.1]/", [false, true]),
        ("http://10.1.2.3", [false, true]),
        ("http://[fd12::1]:8000", [false, true]),
        ("http://169.254.169.254/latest", [false, false]),
        ("http://[::ffff:a9fe:a9fe]/", [false, false]),
        ("http://[64:ff9b::a9fe:a9fe]/", [false, false]),
        ("http://[fe80::1]/", [false, false]),
        ("http://0.0.0.0:8000", [false, false]),
        ("http://metadata.google.internal/computeMetadata/v1", [false, false]),
        ("http://Metadata.Google.Internal./", [false, false]),
        ("http://instance-data", [false, false]),
    ] {
        let endpoint = Endpoint::parse(url).unwrap();
        let found = [Reach::Public, Reach::Anywhere]
            .map(|reach| Policy::new(reach, &endpoint).check_host(&endpoint.host().unwrap()).is_ok());
        assert_eq!(found, [by_provider, by_operator], "{url}");
    }
}

#[test]
fn a_name_for_this_machine_leads_nowhere_else() {
    for (address, fits) in [("127.0.0.1", true), ("::1", true), ("10.0.0.1", false), ("93.184.216.34", false)] {
        for reach in [Reach::Anywhere, Reach::ThisMachine] {
            let found = policy(reach, "http://localhost:11434").check(address.parse().unwrap());
            assert_eq!(found.is_ok(), fits, "{address} by {reach:?}");
        }
    }
}

#[test]
fn a_refusal_names_the_host_what_it_is_and_what_to_write() {
    let told = |url: &str, address: &str| {
        let refusal = policy(Reach::Public, url).check(address.parse().unwrap()).unwrap_err();
        let fault = refusal.fault();
        assert_eq!(
            (fault.kind, fault.code.as_deref(), fault.request_sent),
            (FaultKind::Blocked, Some("address"), false)
        );
        (fault.message, fault.hint.unwrap())
    };
    let (message, hint) = told("https://judge.example:8443/v1", "10.0.0.7");
    assert_eq!(message, "`judge.example` leads to a private address, which only the operator may name: 10.0.0.7");
    assert_eq!(
        hint,
        "if you mean that server, name it: `--endpoint https://judge.example:8443`, or \
         `endpoint = \"https://judge.example:8443\"` in the provider's table of judge.toml"
    );
    let (message, hint) = told("http://169.254.169.254", "169.254.169.254");
    assert_eq!(message, "`169.254.169.254` leads to a cloud metadata address, which no request may go to");
    assert!(!hint.contains("--endpoint"), "nobody may allow it: {hint}");
}
