use super::vector::{Vector, VectorCase};
use super::{Case, VectorFile, difference, spell};
use crate::model::{Body, Fault, Job, Outgoing, Preparation, Previous, Step};
use crate::provider::Provider;
use serde_json::Value;
use std::sync::Arc;

/// Sends in one case; the contract allows fewer, and the host would end it there.
const SENDS_MAX: usize = 8;

/// Repeats what a file recorded; one case for the request, and one for each way that things go. What the provider did
/// stands in the file's JSON afterwards.
pub async fn run(provider: &dyn Provider, file: &mut VectorFile) -> Vec<Case> {
    let group = file.name();
    let case = |about: &str, failure: Option<String>| Case { group: group.clone(), about: about.to_owned(), failure };
    let vector = file.vector.clone();
    let mut cases = Vec::new();
    for (n, expected) in vector.prepare.iter().enumerate() {
        let found = prepare(provider, file, expected).await;
        cases.push(case(&expected.about, found.compared(expected)));
        found.put(&mut file.json["prepare"][n]);
    }
    if !vector.prepare.is_empty() {
        return cases;
    }
    let (job, first) = match first_step(provider, file).await {
        Ok(first) => first,
        Err(failure) => return vec![case("the job", Some(failure))],
    };
    cases.push(case("the first step", first.compared(&vector)));
    first.put(&mut file.json);
    if let First::Send(outgoing) = first {
        for (n, expected) in vector.cases.iter().enumerate() {
            let found = answered(provider, &job, outgoing.clone(), expected).await;
            cases.push(case(&expected.about, found.compared(expected)));
            found.put(&mut file.json["cases"][n]);
        }
    }
    cases
}

/// What a job begins with.
enum First {
    Send(Outgoing),
    End(&'static str, Value),
}

/// Briefs and builds, twice: the same job must give the same bytes.
async fn first_step(provider: &dyn Provider, file: &VectorFile) -> Result<(Job, First), String> {
    let default_model = provider.identity().descriptor.default_model.as_deref();
    let task = Arc::new(file.vector.task(default_model)?);
    let records = file.vector.records();
    let job = |brief| Job { records: records.clone(), task: Arc::clone(&task), brief: Arc::new(brief) };
    let end = |fault: &Fault| {
        let nothing = Body::Text(String::new());
        Ok((job(nothing), First::End("fault", spell::fault(fault))))
    };
    let (one, other) = (provider.brief(&task).await, provider.brief(&task).await);
    if one != other {
        return Err("two briefs of the same task differ".to_owned());
    }
    let job = match one {
        Ok(brief) => job(brief),
        Err(fault) => return end(&fault),
    };
    let (one, other) = (provider.build_request(&job).await, provider.build_request(&job).await);
    if one != other {
        return Err("two requests for the same job differ".to_owned());
    }
    match one {
        Ok(Step::Send(outgoing)) => Ok((job, First::Send(outgoing))),
        Ok(Step::Done(answer)) => Ok((job, First::End("answer", spell::answer(&answer)))),
        Err(fault) => end(&fault),
    }
}

impl First {
    fn compared(&self, vector: &Vector) -> Option<String> {
        let (name, found) = match self {
            First::Send(outgoing) => ("request", spell::outgoing(outgoing)),
            First::End(name, value) => (*name, value.clone()),
        };
        ends(
            &[
                ("request", vector.request.as_ref()),
                ("answer", vector.answer.as_ref()),
                ("fault", vector.fault.as_ref()),
            ],
            name,
            &found,
        )
    }

    fn put(&self, json: &mut Value) {
        match self {
            First::Send(outgoing) => json["request"] = spell::outgoing(outgoing),
            First::End(name, value) => json[*name] = value.clone(),
        }
    }
}

/// What came of a case.
struct Found {
    exchange: Vec<Value>,
    /// `ready`, `answer` or `fault`, with what it holds; none where the vector has no response left.
    end: Option<(&'static str, Value)>,
    /// Why it was not gone through.
    broken: Option<String>,
}

async fn prepare(provider: &dyn Provider, file: &VectorFile, case: &VectorCase) -> Found {
    let settings = file.vector.settings(provider.identity().descriptor.default_model.as_deref());
    let mut found = Found { exchange: Vec::new(), end: None, broken: None };
    let mut previous = None;
    for response in responses(case) {
        let outgoing = match provider.prepare(&settings, previous.take()).await {
            Ok(Preparation::Send(outgoing)) => outgoing,
            Ok(Preparation::Ready(profile)) => return found.ends("ready", spell::profile(&profile)),
            Err(fault) => return found.ends("fault", spell::fault(&fault)),
        };
        found.exchange.push(spell::outgoing(&outgoing));
        let Some(spelled) = response else { return found };
        found.exchange.push(spelled.clone());
        match spell::response(spelled) {
            Ok(response) => previous = Some(Previous { state: outgoing.state, response }),
            Err(broken) => return Found { broken: Some(broken), ..found },
        }
    }
    found
}

async fn answered(provider: &dyn Provider, job: &Job, first: Outgoing, case: &VectorCase) -> Found {
    let mut found = Found { exchange: Vec::new(), end: None, broken: None };
    let mut outgoing = first;
    for response in responses(case) {
        let Some(spelled) = response else { return found };
        found.exchange.push(spelled.clone());
        let response = match spell::response(spelled) {
            Ok(response) => response,
            Err(broken) => return Found { broken: Some(broken), ..found },
        };
        outgoing = match provider.parse_response(job, outgoing.state, response).await {
            Ok(Step::Send(outgoing)) => outgoing,
            Ok(Step::Done(answer)) => return found.ends("answer", spell::answer(&answer)),
            Err(fault) => return found.ends("fault", spell::fault(&fault)),
        };
        found.exchange.push(spell::outgoing(&outgoing));
    }
    found
}

/// The responses of a case, and none after the last.
fn responses(case: &VectorCase) -> impl Iterator<Item = Option<&Value>> {
    let given = case.exchange.iter().filter(|item| !item["status"].is_null());
    given.map(Some).chain([None]).take(SENDS_MAX + 1)
}

impl Found {
    fn ends(self, name: &'static str, value: Value) -> Found {
        Found { end: Some((name, value)), ..self }
    }

    fn compared(&self, expected: &VectorCase) -> Option<String> {
        if let Some(broken) = &self.broken {
            return Some(format!("the vector itself is wrong: {broken}"));
        }
        for (n, found) in self.exchange.iter().enumerate() {
            match expected.exchange.get(n) {
                None => return Some(format!("it sends what the vector does not have: {}", difference::short(found))),
                Some(wanted) => {
                    if let Some(difference) = difference::between(wanted, found) {
                        return Some(format!("exchange {n}: {difference}"));
                    }
                }
            }
        }
        let Some((name, found)) = &self.end else {
            return Some("it goes on, and the vector has no further response".to_owned());
        };
        let wanted = [
            ("ready", expected.ready.as_ref()),
            ("answer", expected.answer.as_ref()),
            ("fault", expected.fault.as_ref()),
        ];
        ends(&wanted, name, found).or_else(|| {
            (self.exchange.len() < expected.exchange.len()).then(|| "it ends before the vector does".to_owned())
        })
    }

    fn put(self, json: &mut Value) {
        let Some(case) = json.as_object_mut() else { return };
        case.insert("exchange".to_owned(), self.exchange.into());
        if let Some((name, value)) = self.end {
            for other in ["ready", "answer", "fault"] {
                case.remove(other);
            }
            case.insert(name.to_owned(), value);
        }
    }
}

/// Whether the one end that is wanted is the one that came.
fn ends(wanted: &[(&str, Option<&Value>)], name: &str, found: &Value) -> Option<String> {
    let named: Vec<_> = wanted.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
    match named.as_slice() {
        [(wanted, value)] if *wanted == name => difference::between(value, found).map(|told| format!("{name}: {told}")),
        [(wanted, _)] => {
            Some(format!("it should end in `{wanted}`, and ends in `{name}`: {}", difference::short(found)))
        }
        [] => Some(format!("the vector does not say how it ends; it ends in `{name}`: {}", difference::short(found))),
        _ => Some("the vector says twice how it ends".to_owned()),
    }
}
