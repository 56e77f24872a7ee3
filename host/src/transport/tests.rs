#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod reach;
mod server;

use super::resolver::System;
use super::*;
use crate::model::{AuthSlot, Body, FaultKind};
use server::Server;
use std::time::Duration;

fn to(url: &str) -> HttpTransport {
    with(url, None, TransportLimits::default())
}

/// A transport that no proxy of the machine can come between, also where the host is not this machine.
fn with(url: &str, credential: Option<Credential>, limits: TransportLimits) -> HttpTransport {
    on(reqwest::Client::builder(), url, credential, limits)
}

fn on(
    builder: reqwest::ClientBuilder,
    url: &str,
    credential: Option<Credential>,
    limits: TransportLimits,
) -> HttpTransport {
    HttpTransport::on(builder, System, Endpoint::parse(url).unwrap(), credential, &route(), limits).unwrap()
}

/// As to an endpoint that the operator named.
fn route() -> Route {
    Route { reach: Reach::Anywhere, allow_plain_http: false, proxies: Proxies::default() }
}

fn key(header: &str, prefix: &str) -> Credential {
    let slot = AuthSlot { header: header.into(), prefix: prefix.into() };
    Credential { slot, secret: Secret::new("sk-1234") }
}

fn post(path: &str, body: &str) -> HttpRequest {
    let headers = vec![("Content-Type".into(), b"application/json".to_vec())];
    HttpRequest { method: "POST".into(), path_and_query: path.into(), headers, body: Some(Body::Text(body.into())) }
}

async fn fault_from(transport: &HttpTransport) -> Fault {
    let fault = transport.send(&post("/v1/secret-path?q=secret-query", "secret-body")).await.unwrap_err();
    let told = format!("{fault:?}");
    assert!(!told.contains("secret-") && !told.contains("sk-1234"), "{told}");
    assert!(fault.hint.is_some(), "{told}");
    fault
}

#[track_caller]
fn assert_fault(fault: &Fault, kind: FaultKind, code: &str, request_sent: bool) {
    assert_eq!((fault.kind, fault.code.as_deref(), fault.request_sent), (kind, Some(code), request_sent), "{fault:?}");
}

#[tokio::test]
async fn every_status_reaches_the_provider_with_headers_and_body() {
    let server = Server::start().await;
    let transport = to(&format!("{}/v1", server.url));
    for status in [200, 204, 404, 429, 500] {
        let response = transport.send(&post(&format!("/v1/status/{status}"), "")).await.unwrap();
        assert_eq!(response.status, status);
        assert!(response.headers.contains(&("x-from".into(), b"server".to_vec())), "{:?}", response.headers);
    }
    let echo = transport.send(&post("/echo?a=1", "{\"ü\": 1}")).await.unwrap();
    assert_eq!(echo.body, Body::Text("POST /v1/echo?a=1 {\"ü\": 1}".into()));
    assert_eq!(transport.send(&post("/binary", "")).await.unwrap().body, Body::Binary(vec![0xff, 0, 1]));
}

#[tokio::test]
async fn the_host_attaches_the_credential_and_its_name() {
    let server = Server::start().await;
    let transport = with(&server.url, Some(key("Authorization", "Bearer ")), TransportLimits::default());
    assert!(!format!("{transport:?}").contains("1234"));
    transport.send(&post("/echo", "")).await.unwrap();
    let other = with(&server.url, Some(key("x-api-key", "")), TransportLimits::default());
    other.send(&post("/echo", "")).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0]["authorization"], "Bearer sk-1234");
    assert_eq!(seen[0]["user-agent"], concat!("judge-host/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen[1]["x-api-key"], "sk-1234");
    assert!(!seen[1].contains_key("authorization"));
}

#[tokio::test]
async fn a_provider_can_set_no_credential_of_its_own() {
    let server = Server::start().await;
    let transport = with(&server.url, Some(key("x-api-key", "")), TransportLimits::default());
    for header in ["authorization", "X-Api-Key", "host"] {
        let mut request = post("/echo", "");
        request.headers.push((header.into(), b"mine".to_vec()));
        assert_fault(&transport.send(&request).await.unwrap_err(), FaultKind::Blocked, "header", false);
    }
    let climbing = transport.send(&post("/a/../b", "")).await.unwrap_err();
    assert_fault(&climbing, FaultKind::Blocked, "path", false);
    assert!(server.seen().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_redirect_is_handed_over_and_not_followed() {
    let elsewhere = Server::start().await;
    let server = Server::redirecting_to(&elsewhere.url).await;
    let transport = with(&server.url, Some(key("authorization", "Bearer ")), TransportLimits::default());
    let response = transport.send(&post("/v1/chat", "{}")).await.unwrap();
    assert_eq!(response.status, 307);
    assert!(response.headers.contains(&("location".into(), format!("{}/stolen", elsewhere.url).into_bytes())));
    assert!(elsewhere.seen().is_empty() && elsewhere.connections() == 0, "the key went nowhere else");
}

#[tokio::test]
async fn one_connection_serves_many_sends() {
    let server = Server::start().await;
    let transport = to(&server.url);
    for _ in 0..20 {
        transport.send(&post("/echo", "{}")).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.connections()), (20, 1));
}

#[tokio::test]
async fn a_body_over_its_bound_is_not_read_to_the_end() {
    let server = Server::start().await;
    let limits = TransportLimits { response_bytes_max: 1000, request_bytes_max: 1000, ..TransportLimits::default() };
    let transport = with(&server.url, None, limits);
    for path in ["/sized/1001", "/chunked/1001", "/endless"] {
        let fault = transport.send(&post(path, "")).await.unwrap_err();
        assert_fault(&fault, FaultKind::TooLarge, "response", true);
    }
    for path in ["/sized/1000", "/chunked/1000"] {
        assert_eq!(transport.send(&post(path, "")).await.unwrap().body.as_bytes().len(), 1000);
    }
    let sent = server.seen().len();
    let fault = transport.send(&post("/echo", &"x".repeat(1001))).await.unwrap_err();
    assert_fault(&fault, FaultKind::TooLarge, "request", false);
    assert_eq!(server.seen().len(), sent);
}

#[tokio::test]
async fn a_port_where_nobody_listens_refuses() {
    let free = server::free_port().await;
    let fault = fault_from(&to(&format!("http://127.0.0.1:{free}/v1"))).await;
    assert_fault(&fault, FaultKind::Connect, "refused", false);
    assert_eq!(fault.hint.unwrap(), format!("is the server running at http://127.0.0.1:{free}?"));
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_a_fault_of_its_name() {
    for url in ["http://nosuchhost.invalid:8000/v1", "http://nosuchhost.invalid"] {
        let fault = fault_from(&to(url)).await;
        assert_fault(&fault, FaultKind::Connect, "dns", false);
        assert!(fault.message.contains("nosuchhost.invalid"), "{}", fault.message);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let url = server::silent().await;
    let limits = TransportLimits { attempt: Duration::from_millis(100), ..TransportLimits::default() };
    let fault = fault_from(&with(&url, None, limits)).await;
    assert_fault(&fault, FaultKind::TimedOut, "attempt", true);
    assert!(fault.message.contains("100ms"), "{}", fault.message);
    assert!(fault.hint.unwrap().contains("--timeout"));
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_a_connection_that_never_was() {
    let url = server::silent().await;
    let limits = TransportLimits { attempt: Duration::from_millis(100), ..TransportLimits::default() };
    let fault = fault_from(&tls_to(&url, limits)).await;
    assert_fault(&fault, FaultKind::Connect, "connect-timeout", false);
}

#[tokio::test]
async fn tls_to_a_plain_server_is_told_as_such() {
    let server = Server::start().await;
    let fault = fault_from(&tls_to(&server.url, TransportLimits::default())).await;
    assert_fault(&fault, FaultKind::Tls, "not-tls", false);
    assert!(fault.hint.unwrap().contains(&server.url));
}

#[tokio::test]
async fn a_connection_closed_at_any_point_is_broken_off() {
    let heads: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf an ans",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf ",
    ];
    for head in heads {
        let url = server::closing_after(head).await;
        assert_fault(&fault_from(&to(&url)).await, FaultKind::Connect, "broken-off", true);
    }
    let url = server::closing_after(b"").await;
    let fault = fault_from(&tls_to(&url, TransportLimits::default())).await;
    assert_fault(&fault, FaultKind::Connect, "broken-off", false);
}

#[test]
fn a_key_that_fits_no_header_makes_no_transport() {
    let endpoint = || Endpoint::parse("http://localhost").unwrap();
    for (header, secret) in [("authorization", "sk-12\n34"), ("bad header", "sk-1234")] {
        let slot = AuthSlot { header: header.into(), prefix: String::new() };
        let credential = Credential { slot, secret: Secret::new(secret) };
        let error = HttpTransport::new(endpoint(), Some(credential), &route(), TransportLimits::default()).unwrap_err();
        assert!(matches!(&error, TransportError::Credential { header: named } if named == header), "{error:?}");
        assert!(error.hint().contains("--api-key-env") && !format!("{error:?} {error}").contains("34"));
    }
}

/// TLS to a server of `http://`; trusts nobody, so that the machine's certificates play no part.
fn tls_to(url: &str, limits: TransportLimits) -> HttpTransport {
    let url = url.replacen("http://", "https://", 1);
    on(reqwest::Client::builder().tls_certs_only([]), &url, None, limits)
}
