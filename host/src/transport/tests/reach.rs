//! Which addresses connections are made to, what goes through a proxy, and what comes back of a key.

use super::super::resolver::tests::Fake;
use super::*;

fn by_name(url: &str, fake: &Fake, reach: Reach) -> HttpTransport {
    let limits = TransportLimits { connect: Duration::from_millis(200), ..TransportLimits::default() };
    let route = Route { reach, ..route() };
    HttpTransport::on(reqwest::Client::builder(), fake.clone(), Endpoint::parse(url).unwrap(), None, &route, limits)
        .unwrap()
}

/// The server's URL by a name that only the fake look-up knows.
fn named(url: &str) -> String {
    url.replace("127.0.0.1", "judge.example")
}

/// A public address that nobody was given: what is sent there arrives nowhere.
const NOBODYS: &str = "2d00::1";

#[tokio::test]
async fn a_name_that_is_rebound_after_the_check_is_not_connected_to() {
    let server = Server::start().await;
    let fake = Fake::answering(&[&[NOBODYS], &["127.0.0.1"], &["127.0.0.1", "10.0.0.1"]]);
    let transport = by_name(&named(&server.url), &fake, Reach::Public);
    // The address that was checked is tried, and the second answer is not asked for.
    let fault = transport.send(&post("/echo", "")).await.unwrap_err();
    assert_eq!((fault.kind, fake.asked()), (FaultKind::Connect, 1), "{fault:?}");
    for asked in [2, 3] {
        let fault = fault_from(&transport).await;
        assert_fault(&fault, FaultKind::Blocked, "address", false);
        assert!(fault.message.starts_with("`judge.example` leads to a"), "{fault:?}");
        assert!(fault.hint.unwrap().contains("judge.toml"));
        assert_eq!((fake.asked(), server.connections()), (asked, 0));
    }
    let fake = Fake::answering(&[&["127.0.0.1"]]);
    let transport = by_name(&named(&server.url), &fake, Reach::Anywhere);
    transport.send(&post("/echo", "")).await.unwrap();
    assert_eq!((fake.asked(), server.connections()), (1, 1), "the operator may mean it");
}

#[tokio::test]
async fn every_new_connection_is_checked_anew() {
    let url = server::closing_after(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
    let fake = Fake::answering(&[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.1"]]);
    let transport = by_name(&named(&url), &fake, Reach::Anywhere);
    assert_eq!(transport.send(&post("/", "")).await.unwrap().status, 200);
    assert_fault(&transport.send(&post("/", "")).await.unwrap_err(), FaultKind::Blocked, "address", false);
    assert_eq!(transport.send(&post("/", "")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_component_that_follows_a_redirect_comes_to_the_endpoint_again() {
    let elsewhere = Server::start().await;
    let other_host = elsewhere.url.replace("127.0.0.1", "localhost");
    for status in [301, 302, 303, 307, 308] {
        for base in [&elsewhere.url, &other_host, &elsewhere.url.replace("http://", "https://")] {
            let location = format!("{base}/stolen");
            let answer = format!("HTTP/1.1 {status} go\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let url = server::closing_after(answer.leak().as_bytes()).await;
            let transport = with(&url, Some(key("authorization", "Bearer ")), TransportLimits::default());
            assert_eq!(transport.send(&post("/v1/chat", "{}")).await.unwrap().status, status);
            let without_scheme = location.split_once(':').unwrap().1;
            for path in [location.as_str(), without_scheme, &location.replace('/', "\\")] {
                let fault = transport.send(&post(path, "{}")).await.unwrap_err();
                assert_fault(&fault, FaultKind::Blocked, "path", false);
            }
            // The path alone is one of the endpoint's.
            assert_eq!(transport.send(&post("/stolen", "{}")).await.unwrap().status, status);
        }
    }
    assert_eq!(elsewhere.connections(), 0, "neither the key nor anything else went there");
}

#[tokio::test]
async fn an_address_that_may_not_be_asked_makes_no_transport() {
    for (url, reach) in [
        ("http://localhost:8000", Reach::Public),
        ("http://10.0.0.1", Reach::Public),
        ("http://10.0.0.1", Reach::ThisMachine),
        ("http://169.254.169.254", Reach::Anywhere),
        ("http://metadata.google.internal", Reach::Anywhere),
    ] {
        // A proxy would look it up, or connect to it, where the host cannot see.
        let proxy = NamedProxy { variable: "ALL_PROXY".into(), url: "http://127.0.0.1:9".into() };
        for proxies in [Proxies::default(), Proxies { http: Some(proxy), ..Proxies::default() }] {
            let route = Route { reach, proxies, ..route() };
            let made = HttpTransport::new(Endpoint::parse(url).unwrap(), None, &route, TransportLimits::default());
            assert!(matches!(made.unwrap_err(), TransportError::Address(_)), "{url} by {reach:?}");
        }
    }
}

#[tokio::test]
async fn a_proxy_looks_the_name_up_and_its_password_goes_to_it_alone() {
    let proxy = Server::start().await;
    let fake = Fake::default();
    let url = proxy.url.replacen("http://", "http://me:hunter2@", 1);
    let proxies = Proxies { http: Some(NamedProxy { variable: "HTTP_PROXY".into(), url }), ..Proxies::default() };
    let limits = TransportLimits::default();
    let through = |url: &str, no: &str| {
        let route = Route { proxies: Proxies { no: no.into(), ..proxies.clone() }, ..route() };
        let endpoint = Endpoint::parse(url).unwrap();
        HttpTransport::on(reqwest::Client::builder(), fake.clone(), endpoint, None, &route, limits).unwrap()
    };
    let response = through("http://judge.example/v1", "").send(&post("/echo", "x")).await.unwrap();
    assert_eq!(response.body, Body::Text("POST http://judge.example/v1/echo x".into()));
    assert_eq!(proxy.seen()[0]["proxy-authorization"], "Basic bWU6aHVudGVyMg==");
    assert_eq!(fake.asked(), 0, "the name is the proxy's to look up");

    let direct = through("http://judge.example/v1", "judge.example").send(&post("/echo", "x")).await;
    assert_eq!((direct.is_err(), fake.asked(), proxy.seen().len()), (true, 1, 1), "NO_PROXY goes around it");
    let local = Server::start().await;
    through(&local.url, "").send(&post("/echo", "x")).await.unwrap();
    assert!(!local.seen()[0].contains_key("proxy-authorization") && proxy.seen().len() == 1);
}

#[tokio::test]
async fn a_key_that_comes_back_in_any_part_of_an_answer_is_taken_out() {
    let url = server::closing_after(
        b"HTTP/1.1 401 no sk-1234\r\nsk-1234: 1\r\nx-echo: Bearer sk-1234\r\nlocation: http://other/?key=SK-1234\r\n\
          content-length: 44\r\n\r\n{\"sent\":\"Bearer sk-1234\",\"b\":\"c2stMTIzNA==\"}",
    )
    .await;
    let transport = with(&url, Some(key("authorization", "Bearer ")), TransportLimits::default());
    let response = transport.send(&post("/", "")).await.unwrap();
    let told = format!("{response:?} {}", String::from_utf8_lossy(response.body.as_bytes()));
    assert!(!told.to_lowercase().contains("1234") && !told.contains("c2stMTIz"), "{told}");
    assert_eq!(response.status, 401);
    assert!(response.headers.contains(&("location".into(), b"http://other/?key=[redacted]".to_vec())), "{told}");
    assert!(response.headers.contains(&("[redacted]".into(), b"1".to_vec())), "{told}");
}

#[tokio::test]
async fn an_answer_that_is_compressed_unasked_is_not_handed_over() {
    for (encoding, passes) in [("gzip", false), ("GZip, br", false), ("identity", true), ("utf-8", true)] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: 2\r\n\r\nok");
        let url = server::closing_after(answer.leak().as_bytes()).await;
        let answered = to(&url).send(&post("/", "")).await;
        assert_eq!(answered.is_ok(), passes, "{encoding}");
        if let Err(fault) = answered {
            assert_fault(&fault, FaultKind::Blocked, "encoding", true);
        }
    }
}
