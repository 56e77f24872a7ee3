//! One of those who judge, as everything is configured: its servers, its key, its settings.

use super::advice;
use super::bodies::Bodies;
use judge_host::config::{Layers, RunConfig};
use judge_host::control::rate::RateRule;
use judge_host::gauge::ServerGauges;
use judge_host::judge::{Connection, Seat, proxies};
use judge_host::model::{Prices, Settings};
use judge_host::provider::Provider;
use judge_host::report::Console;
use judge_host::transport::{Endpoint, Secret, Transport, TransportLimits};
use std::sync::Arc;

/// A provider with all that a seat takes.
pub(super) struct Seating {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) settings: Settings,
    /// Base URLs of its servers; none for a provider that sends nothing.
    pub(super) endpoints: Vec<String>,
    /// Whether a key goes along.
    pub(super) has_key: bool,
    /// What its model costs; none where nobody said it.
    pub(super) prices: Option<Prices>,
    /// Its server's own gauges, where the operator named them.
    pub(super) gauges: Option<ServerGauges>,
    rate: RateRule,
    transports: Vec<Arc<dyn Transport>>,
}

impl Seating {
    pub(super) fn new(
        provider: Arc<dyn Provider>,
        model: Option<&str>,
        layers: &Layers,
        run: &RunConfig,
        console: &Console,
    ) -> anyhow::Result<Seating> {
        let descriptor = &provider.identity().descriptor;
        let own = advice::of(layers.for_provider(descriptor, model))?;
        for note in &own.notes {
            console.note(note);
        }
        let key = own.api_key.as_ref().map(|key| Secret::new(key.expose().to_owned()));
        let has_key = key.is_some();
        let named = own.endpoints.iter().filter(|_| own.endpoint_named).map(|endpoint| Some(endpoint.clone()));
        // Where nobody named one there is the provider's own default, which may not go everywhere.
        let endpoints = named.chain((!own.endpoint_named).then_some(None));
        let mut transports = Vec::new();
        for endpoint in endpoints {
            let connection = Connection {
                endpoint,
                provider_named: run.provider().is_some(),
                api_key: key.clone(),
                allow_plain_http: own.allow_plain_http,
                proxies: layers.proxies(),
                limits: TransportLimits {
                    attempt: run.timeout,
                    connect: run.connect_timeout,
                    ..TransportLimits::default()
                },
            };
            transports.extend(advice::of(connection.to(descriptor))?);
        }
        let at = |url: &String| {
            ServerGauges::at(url, proxies(layers.proxies())).map_err(|error| {
                let hint = "give the whole URL, such as http://gpu:8002/metrics";
                advice::error(format!("the server's gauges cannot be read: {url}: {error}"), hint)
            })
        };
        let gauges = own.metrics.as_ref().map(at).transpose()?;
        if run.log_bodies {
            let shown = |inner| Arc::new(Bodies::around(inner, console)) as Arc<dyn Transport>;
            transports = transports.into_iter().map(shown).collect();
        }
        let rate = RateRule { rpm: run.rpm, tpm: run.tpm };
        let prices = run.prices.get(&own.settings.model).copied();
        Ok(Seating {
            settings: own.settings,
            endpoints: own.endpoints,
            has_key,
            prices,
            gauges,
            rate,
            transports,
            provider,
        })
    }

    /// Its seat, not yet prepared.
    pub(super) fn seat(&self) -> Seat {
        let mut seat = Seat::new(Arc::clone(&self.provider), self.settings.clone(), self.transports.iter().cloned());
        seat.prices = self.prices;
        seat.rate = self.rate;
        seat
    }

    /// Whether one of its servers is on this machine.
    pub(super) fn is_on_this_machine(&self) -> bool {
        self.endpoints.iter().filter_map(|endpoint| Endpoint::parse(endpoint).ok()).any(|one| one.is_loopback())
    }

    /// The provider's id.
    pub(super) fn id(&self) -> &str {
        &self.provider.identity().descriptor.id
    }

    /// What is said when its preparation fails.
    pub(super) fn cannot_start(&self) -> String {
        match self.endpoints.as_slice() {
            [] => format!("provider `{}` cannot start", self.id()),
            endpoints => format!("provider `{}` cannot start with {}", self.id(), endpoints.join(", ")),
        }
    }
}
