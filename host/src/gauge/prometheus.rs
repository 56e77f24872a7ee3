//! As much of Prometheus's text format as gauges need: names, labels that are passed over, values.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

/// The values of one name, whatever their labels.
pub(super) fn values<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = f64> + 'a {
    text.lines().filter_map(move |line| {
        let rest = line.trim_start().strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            // A label's value may hold anything, quotes and braces too: the value comes after the last brace.
            Some(labels) => labels.rsplit_once('}')?.1,
            None => rest.strip_prefix(char::is_whitespace)?,
        };
        value.split_whitespace().next()?.parse().ok()
    })
}

/// Their sum; none where there is no such name.
pub(super) fn sum(text: &str, name: &str) -> Option<f64> {
    values(text, name).filter(|value| value.is_finite()).reduce(|one, other| one + other)
}

/// The largest of them; none where there is no such name.
pub(super) fn largest(text: &str, name: &str) -> Option<f64> {
    values(text, name).filter(|value| value.is_finite()).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine=\"0\",model_name=\"a}b\"} 3.0
vllm:num_requests_running{engine=\"1\",model_name=\"m\"} 4.0 1395066363000
vllm:num_requests_running_total 99
plain 7
spoilt{a=\"b\"} NaN
";

    #[test]
    fn values_are_found_by_their_whole_name() {
        assert_eq!(sum(TEXT, "vllm:num_requests_running"), Some(7.0));
        assert_eq!(largest(TEXT, "vllm:num_requests_running"), Some(4.0));
        assert_eq!(sum(TEXT, "plain"), Some(7.0));
        assert_eq!([sum(TEXT, "spoilt"), sum(TEXT, "num"), sum(TEXT, "missing")], [None; 3]);
    }
}
