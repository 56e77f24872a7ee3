use super::prometheus::{largest, sum};
use crate::model::{Body, Fault, HttpRequest};
use crate::transport::{
    Endpoint, EndpointError, HttpTransport, Proxies, Reach, Route, Transport, TransportError, TransportLimits,
};
use std::fmt;
use std::time::Duration;
use url::Url;

/// Longest wait for the gauges.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of them: a Triton with a hundred models has some hundred KB.
const GAUGES_BYTES_MAX: usize = 4 << 20;

/// Requests that a server works on, by the names of those who tell it: vLLM, SGLang, llama.cpp.
/// <https://docs.vllm.ai/en/latest/design/metrics.html>, <https://docs.sglang.ai/references/production_metrics.html>,
/// <https://github.com/ggml-org/llama.cpp/tree/master/tools/server>
const RUNNING: [&str; 3] = ["vllm:num_requests_running", "sglang:num_running_reqs", "llamacpp:requests_processing"];
/// Requests that wait there; the last is Triton's.
/// <https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html>
const WAITING: [&str; 4] = [
    "vllm:num_requests_waiting",
    "sglang:num_queue_reqs",
    "llamacpp:requests_deferred",
    "nv_inference_pending_request_count",
];
/// Share of the memory for contexts that is taken, 0 to 1.
const CACHE: [&str; 4] =
    ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage", "llamacpp:kv_cache_usage_ratio"];
/// Share of the time that its GPU is busy, 0 to 1.
const BUSY: [&str; 1] = ["nv_gpu_utilization"];

/// Where a server shows its gauges. They are asked for without any key.
#[derive(Debug)]
pub struct ServerGauges {
    transport: HttpTransport,
    path_and_query: String,
}

/// What a server tells of itself; what it does not tell is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerLoad {
    /// Requests that it works on, of whomever.
    pub running: Option<f64>,
    /// Requests that wait there.
    pub waiting: Option<f64>,
    /// Share of the memory for contexts that is taken, 0 to 1.
    pub cache: Option<f64>,
    /// Share of the time that its GPU is busy, 0 to 1.
    pub busy: Option<f64>,
}

/// Why gauges cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum GaugeError {
    /// The address is no URL that requests can be sent to.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// HTTP cannot be set up, or the address may not be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ServerGauges {
    /// Gauges at a URL that the operator named, such as `http://gpu:8002/metrics`.
    ///
    /// # Errors
    /// Where it is no URL, or requests may not go there.
    pub fn at(url: &str, proxies: Proxies) -> Result<Self, GaugeError> {
        let (origin, path_and_query) = split(url);
        let limits =
            TransportLimits { attempt: PATIENCE, response_bytes_max: GAUGES_BYTES_MAX, ..TransportLimits::default() };
        let route = Route { reach: Reach::Anywhere, allow_plain_http: true, proxies };
        let transport = HttpTransport::new(Endpoint::parse(&origin)?, None, &route, limits)?;
        Ok(ServerGauges { transport, path_and_query })
    }

    /// What they tell now.
    ///
    /// # Errors
    /// Where the server does not answer in time, or not with 200.
    pub async fn read(&self) -> Result<ServerLoad, Fault> {
        let request = HttpRequest {
            method: "GET".to_owned(),
            path_and_query: self.path_and_query.clone(),
            headers: Vec::new(),
            body: None,
        };
        let response = self.transport.send(&request).await?;
        match (response.status, &response.body) {
            (200, Body::Text(text)) => Ok(ServerLoad::of(text)),
            (status, _) => {
                Err(Fault::new(crate::model::FaultKind::Unavailable, format!("the gauges answered status {status}")))
            }
        }
    }
}

impl ServerLoad {
    fn of(text: &str) -> Self {
        let first = |names: &[&str], of: fn(&str, &str) -> Option<f64>| names.iter().find_map(|name| of(text, name));
        ServerLoad {
            running: first(&RUNNING, sum),
            waiting: first(&WAITING, sum),
            cache: first(&CACHE, largest),
            busy: first(&BUSY, largest),
        }
    }
}

impl fmt::Display for ServerLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: f64| format!("{:.0} %", share * 100.0);
        let told = [
            self.running.map(|running| format!("{running:.0} running")),
            self.waiting.map(|waiting| format!("{waiting:.0} queued")),
            self.cache.map(|cache| format!("cache {}", share(cache))),
            self.busy.map(|busy| format!("GPU {}", share(busy))),
        ];
        let told: Vec<_> = told.into_iter().flatten().collect();
        if told.is_empty() { f.write_str("server tells nothing") } else { write!(f, "server {}", told.join(", ")) }
    }
}

/// The origin, and the rest. What is no URL is told by whoever parses the origin.
fn split(url: &str) -> (String, String) {
    let Ok(parsed) = Url::parse(url) else { return (url.to_owned(), "/".to_owned()) };
    let query = parsed.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path_and_query = format!("{}{query}", parsed.path());
    let mut origin = parsed;
    origin.set_path("");
    origin.set_query(None);
    (origin.to_string(), path_and_query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_server_is_understood() {
        for (text, expected) in [
            (
                "vllm:num_requests_running{m=\"x\"} 12\nvllm:num_requests_waiting{m=\"x\"} 3\nvllm:kv_cache_usage_perc 0.5\n",
                "server 12 running, 3 queued, cache 50 %",
            ),
            (
                "nv_inference_pending_request_count{model=\"a\"} 2\nnv_inference_pending_request_count{model=\"b\"} 5\n\
                 nv_gpu_utilization{gpu_uuid=\"g\"} 0.87\n",
                "server 7 queued, GPU 87 %",
            ),
            ("llamacpp:requests_processing 4\nllamacpp:requests_deferred 0\n", "server 4 running, 0 queued"),
            ("process_cpu_seconds_total 1\n", "server tells nothing"),
        ] {
            assert_eq!(ServerLoad::of(text).to_string(), expected);
        }
    }

    #[test]
    fn a_url_is_an_origin_and_the_rest() {
        let split = |url| {
            let (origin, rest) = split(url);
            format!("{origin} {rest}")
        };
        assert_eq!(split("http://gpu:8002/metrics?x=1"), "http://gpu:8002/ /metrics?x=1");
        assert_eq!(split("http://[::1]:8002"), "http://[::1]:8002/ /");
        assert_eq!(split("no url"), "no url /");
    }
}
