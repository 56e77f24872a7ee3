use crate::model::{Fault, FaultKind};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Headers that a component may set on one request.
const HEADERS_MAX: usize = 64;
/// Bytes of their names and values together; servers commonly stop at 64 KiB, the host's own included.
const HEADER_BYTES_MAX: usize = 32 << 10;
/// Bytes of path and query; servers commonly stop at 8 KiB.
const PATH_BYTES_MAX: usize = 8 << 10;

/// The methods that an API of this kind needs. CONNECT and TRACE would reach past the endpoint.
const METHODS: [Method; 6] = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD];

/// Headers that belong to the host, each with its reason. A `*` at the end stands for any ending.
const HEADERS_FORBIDDEN: [(&str, &str); 23] = [
    ("host", "the operator names the host"),
    ("authorization", "the host attaches the credential"),
    ("proxy-*", "the proxy is the operator's affair"),
    ("cookie", "a session would outlive the request"),
    ("content-length", "the host frames the body"),
    ("transfer-encoding", "the host frames the body"),
    ("trailer", "the host frames the body"),
    ("te", "the host frames the body"),
    ("expect", "the host frames the body"),
    ("connection", "connections are shared"),
    ("keep-alive", "connections are shared"),
    ("upgrade", "connections are shared"),
    ("http2-settings", "connections are shared"),
    ("forwarded", "it would claim another origin"),
    ("via", "it would claim another origin"),
    ("x-forwarded-*", "it would claim another origin"),
    ("x-real-ip", "it would claim another origin"),
    ("x-http-method*", "it would work around the list of methods"),
    ("x-method-override", "it would work around the list of methods"),
    ("accept-encoding", "an answer that is compressed hides an echo of the key"),
    ("accept-charset", "an answer in another encoding hides an echo of the key"),
    ("range", "an answer in parts hides an echo of the key"),
    ("if-range", "an answer in parts hides an echo of the key"),
];

/// Parts that a path may not have, in lower case, each with its reason.
const PATH_FORBIDDEN: [(&str, &str); 6] = [
    ("\\", "some servers take a backslash for a slash"),
    ("#", "a fragment is never sent"),
    ("%2e", "an encoded dot hides a dot segment"),
    ("%2f", "an encoded slash hides a segment"),
    ("%5c", "an encoded backslash hides a segment"),
    ("%25", "an encoded percent sign hides any of these from a server that decodes twice"),
];

/// # Errors
/// `Blocked` where the method is not one that providers need.
pub(super) fn check_method(method: &str) -> Result<Method, Fault> {
    let known = METHODS.into_iter().find(|known| known.as_str() == method);
    known.ok_or_else(|| blocked("method", "the component asked for a method that is not allowed"))
}

/// The component's headers as they are sent. `credential` is the header that the host fills in, if any.
///
/// # Errors
/// `Blocked` where there are too many, one is malformed, or one belongs to the host.
pub(super) fn check_headers(
    headers: &[(String, Vec<u8>)],
    credential: Option<&HeaderName>,
) -> Result<HeaderMap, Fault> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        let message = format!("the component set more than {HEADERS_MAX} headers or {HEADER_BYTES_MAX} bytes of them");
        return Err(blocked("headers", message));
    }
    let mut checked = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| blocked("header", "the component set a header with a malformed name"))?;
        let mut reasons = HEADERS_FORBIDDEN.iter().filter(|(pattern, _)| matches(pattern, name.as_str()));
        let own = (Some(&name) == credential).then_some("the host attaches the credential");
        if let Some(reason) = own.or_else(|| reasons.next().map(|(_, reason)| *reason)) {
            return Err(blocked("header", format!("the component set the header `{name}`: {reason}")));
        }
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| blocked("header", format!("the component set a malformed value for the header `{name}`")))?;
        checked.append(name, value);
    }
    Ok(checked)
}

/// # Errors
/// `Blocked` where the path could name another host, or climb out of the endpoint's base path.
pub(super) fn check_path(path_and_query: &str) -> Result<(), Fault> {
    let reject =
        |reason: &str| Err(blocked("path", format!("the component asked for a path that is not allowed: {reason}")));
    if path_and_query.len() > PATH_BYTES_MAX {
        return reject("it is too long");
    }
    if !path_and_query.starts_with('/') || path_and_query.starts_with("//") {
        return reject("it must begin with one slash, and name neither scheme nor host");
    }
    if path_and_query.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return reject("it has white space or a control character");
    }
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    if query.contains(['#', '\\']) {
        return reject("its query has a fragment or a backslash");
    }
    let lower = path.to_ascii_lowercase();
    if let Some((_, reason)) = PATH_FORBIDDEN.iter().find(|(part, _)| lower.contains(part)) {
        return reject(reason);
    }
    // Some servers drop what follows a `;` before they look for dot segments.
    if path.split('/').any(|segment| matches!(segment.split(';').next(), Some("." | ".."))) {
        return reject("it has a dot segment");
    }
    Ok(())
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

fn blocked(code: &str, message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Blocked, message).code(code)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[track_caller]
    fn assert_blocked<T: std::fmt::Debug>(result: Result<T, Fault>, code: &str, case: &str) {
        let fault = result.expect_err(case);
        assert_eq!((fault.kind, fault.code.as_deref()), (FaultKind::Blocked, Some(code)), "{case}");
        assert!(!fault.request_sent, "{case}");
    }

    fn header(name: &str, value: &[u8]) -> Vec<(String, Vec<u8>)> {
        vec![(name.to_owned(), value.to_vec())]
    }

    #[test]
    fn paths_that_could_leave_the_endpoint_are_refused() {
        for path in [
            "",
            "v1/x",
            "//evil.example/x",
            "http://evil.example/x",
            "\\\\evil.example",
            "/\\evil.example",
            "?x",
            "/a/../b",
            "/..",
            "/.",
            "/a/.",
            "/a/./b",
            "/a/%2e%2e/b",
            "/a/%2E%2e/b",
            "/a/.%2E/b",
            "/%2fevil.example",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a%252e%252e/b",
            "/a/..;x=1/b",
            "/a#b",
            "/a?b#c",
            "/a?b\\c",
            "/a b",
            "/a\tb",
            "/a\r\nHost: evil",
            "/a?b c",
            "/a\0",
            "/a\u{7f}",
            "/a\u{a0}b",
            "@evil.example/",
            ":80/x",
        ] {
            assert_blocked(check_path(path), "path", path);
        }
        assert_blocked(check_path(&format!("/{}", "a".repeat(PATH_BYTES_MAX))), "path", "long");
        for path in ["/", "/v1/chat/completions", "/v2/models/m/versions/1/infer", "/a?x=%2e%2e%2f&y=a%25b", "/a..b/.c"]
        {
            check_path(path).unwrap();
        }
    }

    #[test]
    fn headers_of_the_host_are_refused_in_any_case() {
        for name in [
            "Host",
            "authorization",
            "AUTHORIZATION",
            "Cookie",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Upgrade",
            "Proxy-Authorization",
            "proxy-connection",
            "Expect",
            "X-Forwarded-For",
            "x-forwarded-host",
            "Forwarded",
            "X-HTTP-Method-Override",
            "Accept-Encoding",
            "accept-charset",
            "Range",
            "If-Range",
            "x-api-key",
            "bad name",
            "",
            ":authority",
        ] {
            let own = HeaderName::from_static("x-api-key");
            assert_blocked(check_headers(&header(name, b"x"), Some(&own)), "header", name);
        }
        assert_blocked(check_headers(&header("x-a", b"1\r\nhost: evil"), None), "header", "split");
        let ours =
            vec![("Content-Type".to_owned(), b"application/json".to_vec()), ("x-api-key".to_owned(), vec![b'k'])];
        let checked = check_headers(&ours, None).unwrap();
        assert_eq!(checked["content-type"], "application/json");
    }

    #[test]
    fn headers_are_bounded_in_number_and_size() {
        let many = vec![("x-a".to_owned(), Vec::new()); HEADERS_MAX + 1];
        assert_blocked(check_headers(&many, None), "headers", "many");
        assert_blocked(check_headers(&header("x-a", &vec![b'a'; HEADER_BYTES_MAX]), None), "headers", "large");
        assert_eq!(check_headers(&many[1..], None).unwrap().len(), HEADERS_MAX);
    }

    #[test]
    fn only_plain_methods_are_allowed() {
        for method in ["CONNECT", "TRACE", "OPTIONS", "get", "", "GET ", "GET / HTTP/1.1\r\n"] {
            assert_blocked(check_method(method), "method", method);
        }
        assert_eq!(check_method("POST").unwrap(), Method::POST);
    }
}
