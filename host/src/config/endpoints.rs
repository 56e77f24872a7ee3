use super::file::ProviderTable;
use super::provider::variable_name;
use super::value::{Given, Origin};
use super::{ConfigError, Layers};
use crate::model::Descriptor;

/// Most servers of one provider.
const ENDPOINTS_MAX: usize = 64;

impl Given {
    /// Base URLs of servers with commas between, each another.
    pub(super) fn endpoints(&self) -> Result<Vec<String>, ConfigError> {
        let each = self.text.split(',').map(|text| Given::new(text.trim(), self.origin.clone()));
        let (mut texts, mut urls) = (Vec::new(), Vec::new());
        for given in each {
            let url = given.endpoint()?;
            let plain = url.as_str().trim_end_matches('/').to_owned();
            if urls.contains(&plain) {
                return Err(given.wrong("each server once: another of the endpoints is the same"));
            }
            urls.push(plain);
            texts.push(given.text);
            if texts.len() > ENDPOINTS_MAX {
                return Err(self.wrong(format!("at most {ENDPOINTS_MAX} endpoints")));
            }
        }
        Ok(texts)
    }
}

impl Layers {
    /// Base URLs of a provider's servers, each another; none for one that sends no request.
    ///
    /// # Errors
    /// Where the operator named one that is no URL, or one twice.
    pub fn endpoints_of(&self, descriptor: &Descriptor) -> Result<Vec<String>, ConfigError> {
        match self.named_endpoints(descriptor, self.file.provider(&descriptor.id)) {
            Some(given) => given.endpoints(),
            None => Ok(descriptor.default_endpoint.iter().cloned().collect()),
        }
    }

    /// The endpoints that the operator named, with commas between; none leaves them to the provider.
    pub(super) fn named_endpoints(&self, descriptor: &Descriptor, own: Option<&ProviderTable>) -> Option<Given> {
        let given = !self.flags.endpoints.is_empty() && self.flags_mean(&descriptor.id);
        let flag = given.then(|| Given::new(self.flags.endpoints.join(","), Origin::Flag("--endpoint".into())));
        flag.or_else(|| self.variable(&variable_name(&descriptor.id, "API_URL"))).or_else(|| own?.endpoints.clone())
    }

    /// Where a provider's server shows its gauges.
    pub(super) fn metrics(
        &self,
        descriptor: &Descriptor,
        own: Option<&ProviderTable>,
    ) -> Result<Option<String>, ConfigError> {
        let flag = self.flags.metrics.as_ref().filter(|_| self.flags_mean(&descriptor.id));
        let flag = flag.map(|text| Given::new(text, Origin::Flag("--metrics".into())));
        let given = flag.or_else(|| own?.metrics.clone());
        given.map(|given| given.endpoint().map(|_| given.text.trim().to_owned())).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(text: &str) -> Result<Vec<String>, ConfigError> {
        Given::new(text, Origin::Flag("--endpoint".into())).endpoints()
    }

    #[test]
    fn several_servers_stand_with_commas_between() {
        assert_eq!(
            endpoints(" http://gpu1:8000 ,http://gpu2:8000/v1").expect("two"),
            ["http://gpu1:8000", "http://gpu2:8000/v1"]
        );
        let many = |count: usize| (0..count).map(|index| format!("http://gpu{index}")).collect::<Vec<_>>().join(",");
        assert_eq!(endpoints(&many(ENDPOINTS_MAX)).expect("as many as may be").len(), ENDPOINTS_MAX);
        let told = endpoints(&many(ENDPOINTS_MAX + 1)).expect_err("one too many");
        assert_eq!(told.hint().as_deref(), Some("expected: at most 64 endpoints"));
    }

    #[test]
    fn the_one_that_is_wrong_is_told_alone() {
        for (text, error) in [
            ("http://a,gpu", "wrong value from flag `--endpoint`: `gpu`"),
            ("http://a,", "wrong value from flag `--endpoint`: ``"),
            ("http://a,https://a,http://a:80/", "wrong value from flag `--endpoint`: `http://a:80/`"),
            ("http://a/v1,http://A/v1/", "wrong value from flag `--endpoint`: `http://A/v1/`"),
            ("http://a,http://me:hunter2@b", "user name or password in the endpoint from flag `--endpoint`"),
        ] {
            assert_eq!(endpoints(text).expect_err(text).to_string(), error);
        }
    }
}
