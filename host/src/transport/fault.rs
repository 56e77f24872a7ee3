use super::address::Refusal;
use super::{Endpoint, TransportLimits};
use crate::model::{Fault, FaultKind};
use rustls::CertificateError;
use std::error::Error;
use std::io::{self, ErrorKind};

/// What a failed exchange means. Decided by the types among the error's causes, never by their words, and told
/// without path, query, key or body.
pub(super) fn of_exchange(error: &reqwest::Error, endpoint: &Endpoint) -> Fault {
    let connected = !error.is_connect() && !error.is_builder();
    let mut fault = classify(error, connected, endpoint);
    fault.request_sent = connected;
    fault
}

/// The attempt's time is over. The server may well be at work on it, so it counts as sent.
pub(super) fn attempt_over(endpoint: &Endpoint, limits: &TransportLimits) -> Fault {
    let (origin, limit) = (endpoint.origin(), humantime::format_duration(limits.attempt));
    let fault = Fault::new(FaultKind::TimedOut, format!("{origin} did not answer within {limit}"));
    let fault = fault.code("attempt").hint("allow more with `--timeout`, or ask for less at once with `--parallel`");
    Fault { request_sent: true, ..fault }
}

/// The response's body is over its bound.
pub(super) fn response_too_large(endpoint: &Endpoint, limits: &TransportLimits) -> Fault {
    let (origin, bytes) = (endpoint.origin(), limits.response_bytes_max);
    let fault = Fault::new(FaultKind::TooLarge, format!("{origin} answered with more than {bytes} bytes"));
    let fault = fault.code("response").hint("no verdict is that long: check the endpoint and the model");
    Fault { request_sent: true, ..fault }
}

/// The response is compressed, though nobody asked for that; the key could not be found in it.
pub(super) fn response_compressed(endpoint: &Endpoint, encoding: &str) -> Fault {
    let message = format!("{} answered in an encoding that nobody asked for: {encoding}", endpoint.origin());
    let fault = Fault::new(FaultKind::Blocked, message).code("encoding");
    Fault { request_sent: true, ..fault.hint("let the server, or the proxy before it, compress only on demand") }
}

/// The request's body is over its bound.
pub(super) fn request_too_large(limits: &TransportLimits) -> Fault {
    let message = format!("the component built a request body of more than {} bytes", limits.request_bytes_max);
    Fault::new(FaultKind::TooLarge, message).code("request").hint("shorten the record, or show fewer candidates")
}

fn classify(error: &reqwest::Error, connected: bool, endpoint: &Endpoint) -> Fault {
    let origin = endpoint.origin();
    if error.is_builder() {
        return Fault::new(FaultKind::Blocked, format!("no request to {origin} can be made of this")).code("request");
    }
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        return of_tls(tls, endpoint);
    }
    let connect = |code: &str, message: String| Fault::new(FaultKind::Connect, message).code(code);
    if let Some(refusal) = causes(error).find_map(|cause| cause.downcast_ref::<Refusal>()) {
        return refusal.fault();
    }
    if error.is_dns() {
        return connect("dns", format!("the host name of {origin} is not known"))
            .hint("check the host name of the endpoint, and the network");
    }
    if connected {
        return connect("broken-off", format!("{origin} closed the connection before its answer was complete"))
            .hint("see the server's log; does the endpoint's scheme fit, `http` or `https`?");
    }
    if error.is_timeout() {
        return connect("connect-timeout", format!("no connection to {origin} came to be in time"))
            .hint("check the endpoint's host and port, and firewalls on the way");
    }
    let kinds = || causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    if kinds().any(|kind| kind == ErrorKind::ConnectionRefused) {
        return connect("refused", format!("{origin} refused the connection"))
            .hint(format!("is the server running at {origin}?"));
    }
    if kinds().any(|kind| matches!(kind, ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable)) {
        return connect("unreachable", format!("no way leads to {origin}"))
            .hint("check the endpoint's host, and the network");
    }
    if kinds().any(broken_off) {
        return connect("broken-off", format!("{origin} closed the connection while it was made"))
            .hint("see the server's log; does the endpoint's scheme fit, `http` or `https`?");
    }
    connect("failed", format!("no connection to {origin} came to be"))
        .hint("check the endpoint, and the proxy if one is set in the environment")
}

fn of_tls(error: &rustls::Error, endpoint: &Endpoint) -> Fault {
    let origin = endpoint.origin();
    let tls = |code: &str, message: String| Fault::new(FaultKind::Tls, message).code(code);
    let certificate = |what: &str| tls("certificate", format!("the certificate of {origin} {what}"));
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => certificate("is of an unknown issuer")
            .hint("add the issuer to the system's certificates, or name its file in SSL_CERT_FILE"),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => certificate("is not valid now").hint("renew it, or set this machine's clock"),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => certificate("is for another name").hint("name the endpoint by the host that the certificate is for"),
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            certificate("is not accepted").hint("check the server's certificate")
        }
        rustls::Error::InvalidMessage(_) => tls("not-tls", format!("{origin} did not answer in TLS"))
            .hint(format!("if the server speaks plain HTTP, write `{}`", endpoint.in_plain_http())),
        _ => tls("handshake", format!("{origin} and this host could not agree on a TLS connection"))
            .hint("the server must offer TLS 1.2 or 1.3"),
    }
}

fn broken_off(kind: ErrorKind) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(kind, ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | NotConnected)
}

/// The error and all that lies beneath.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| cause(error))
}

/// What lies right beneath. An `io::Error` hides what it wraps from `source`, so it is asked itself.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use rustls::InvalidMessage;

    #[test]
    fn tls_errors_are_told_apart_by_type() {
        let endpoint = Endpoint::parse("https://host:8443/v1").unwrap();
        for (error, code, word) in [
            (rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer), "certificate", "issuer"),
            (rustls::Error::InvalidCertificate(CertificateError::Expired), "certificate", "now"),
            (rustls::Error::InvalidCertificate(CertificateError::NotValidForName), "certificate", "another name"),
            (rustls::Error::InvalidCertificate(CertificateError::BadSignature), "certificate", "not accepted"),
            (rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), "not-tls", "https://host:8443 did"),
            (rustls::Error::HandshakeNotComplete, "handshake", "agree"),
        ] {
            let fault = of_tls(&error, &endpoint);
            assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Tls, Some(code)), "{error}");
            assert!(fault.message.contains(word) && fault.hint.is_some(), "{fault:?}");
        }
    }

    #[test]
    fn causes_are_found_through_io_errors_in_io_errors() {
        let tls = rustls::Error::HandshakeNotComplete;
        let wrapped = io::Error::other(io::Error::new(ErrorKind::InvalidData, tls.clone()));
        assert!(wrapped.source().is_none_or(|source| !source.is::<rustls::Error>()), "else `cause` is not needed");
        assert_eq!(causes(&wrapped).find_map(|cause| cause.downcast_ref()), Some(&tls));
    }
}
