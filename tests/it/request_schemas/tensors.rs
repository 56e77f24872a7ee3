//! What no schema can say of a request to Triton: whether it fits the tensors of the model that it goes to, which the
//! vector's profile names. `/infer` refuses a tensor that the model does not have; `/generate` takes it for a parameter.

use serde_json::{Value, json};

/// What does not fit, a sentence each.
pub fn breaches(body: &Value, profile: &Value) -> Vec<String> {
    let (mut breaches, given) =
        if body.get("inputs").is_some() { infer(body, profile) } else { generate(body, profile) };
    let required = tensors(profile, "inputs").filter(|known| known["optional"] == false);
    let missing = required.filter(|known| !given.iter().any(|name| known["name"] == *name));
    breaches.extend(missing.map(|known| format!("the required input {} is missing", quoted(&known["name"]))));
    breaches
}

fn infer<'a>(body: &'a Value, profile: &Value) -> (Vec<String>, Vec<&'a str>) {
    let is_one =
        |input: &Value, known: &Value| ["name", "datatype", "shape"].iter().all(|field| input[*field] == known[*field]);
    let inputs = body["inputs"].as_array().into_iter().flatten();
    let strange = inputs.clone().filter(|input| !tensors(profile, "inputs").any(|known| is_one(input, known)));
    let mut breaches: Vec<String> = strange
        .map(|input| {
            format!("the model has no input {} of {} {}", quoted(&input["name"]), input["datatype"], input["shape"])
        })
        .collect();
    let outputs = body["outputs"].as_array().into_iter().flatten();
    let strange = outputs.filter(|output| !tensors(profile, "outputs").any(|known| known["name"] == output["name"]));
    breaches.extend(strange.map(|output| format!("the model has no output {}", quoted(&output["name"]))));
    (breaches, inputs.filter_map(|input| input["name"].as_str()).collect())
}

fn generate<'a>(body: &'a Value, profile: &Value) -> (Vec<String>, Vec<&'a str>) {
    let mut breaches = Vec::new();
    let fields = body.as_object().into_iter().flatten().filter(|(name, _)| *name != "parameters");
    for (name, value) in fields.clone() {
        match tensors(profile, "inputs").find(|known| known["name"] == **name) {
            None => breaches.push(format!("the model has no input `{name}`")),
            Some(known) if !is_of(&known["datatype"], value) => {
                breaches
                    .push(format!("the input `{name}` is not of type {}", known["datatype"].as_str().unwrap_or("?")));
            }
            Some(_) => {}
        }
    }
    (breaches, fields.map(|(name, _)| name.as_str()).collect())
}

fn tensors<'a>(profile: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    profile[list].as_array().into_iter().flatten()
}

/// Whether a value can be written into a tensor of this type.
fn is_of(datatype: &Value, value: &Value) -> bool {
    match datatype.as_str().unwrap_or_default() {
        "BYTES" => value.is_string(),
        "BOOL" => value.is_boolean(),
        "FP32" | "FP64" => value.is_number(),
        unsigned if unsigned.starts_with('U') => value.is_u64(),
        _ => value.is_i64() || value.is_u64(),
    }
}

fn quoted(name: &Value) -> String {
    format!("`{}`", name.as_str().unwrap_or(&json!(name).to_string()))
}
