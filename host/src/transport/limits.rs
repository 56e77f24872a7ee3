use std::time::Duration;

/// Bounds of one exchange with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportLimits {
    /// From the look-up of the host name to the end of the TLS handshake.
    pub connect: Duration,
    /// From the first byte of the request to the last of the response; connecting and queueing at the server
    /// included.
    pub attempt: Duration,
    /// How long a connection is kept open without use.
    pub idle: Duration,
    /// Connections kept open without use. More than any number in flight that a run is likely to ask for, so that
    /// none is closed only to be opened again.
    pub idle_connections_max: usize,
    /// Bytes of a request's body.
    pub request_bytes_max: usize,
    /// Bytes of a response's body.
    pub response_bytes_max: usize,
}

impl Default for TransportLimits {
    fn default() -> Self {
        TransportLimits {
            connect: Duration::from_secs(10),
            attempt: Duration::from_mins(2),
            idle: Duration::from_mins(1),
            idle_connections_max: 1024,
            request_bytes_max: 16 << 20,
            response_bytes_max: 16 << 20,
        }
    }
}
