use super::*;
use crate::config::{Environment, Flags};
use crate::model::{AuthSlot, SettingSpec};

/// A provider with a server, a key slot and one setting, as the real ones have.
fn descriptor(id: &str, endpoint: Option<&str>) -> Descriptor {
    let auth = AuthSlot { header: "authorization".into(), prefix: "Bearer ".into() };
    Descriptor {
        id: id.into(),
        version: "1.0.0".into(),
        summary: String::new(),
        default_endpoint: endpoint.map(str::to_owned),
        default_model: Some(format!("{id}-default")),
        auth: endpoint.map(|_| auth),
        settings: vec![SettingSpec { name: "keep_alive".into(), summary: String::new(), default_value: None }],
        extras: Vec::new(),
    }
}

fn known(id: &str) -> Descriptor {
    let endpoint = match id {
        "openai" => "https://api.openai.com",
        "anthropic" => "https://api.anthropic.com",
        "openrouter" => "https://openrouter.ai/api",
        _ => "http://localhost:11434",
    };
    descriptor(id, Some(endpoint))
}

/// What the command line of a case gave.
#[derive(Default)]
struct Line<'a> {
    model: Option<&'a str>,
    endpoints: &'a [&'a str],
    api_key_env: Option<&'a str>,
    settings: &'a [&'a str],
}

fn layers(line: &Line, environment: Environment, file: &str) -> Layers {
    let dir = tempfile::tempdir().expect("a folder for the test");
    std::fs::write(dir.path().join("judge.toml"), file).expect("the file is written");
    let mut flags = Flags {
        endpoints: line.endpoints.iter().map(|&text| text.to_owned()).collect(),
        api_key_env: line.api_key_env.map(str::to_owned),
        settings: line.settings.iter().map(|&text| text.to_owned()).collect(),
        ..Flags::default()
    };
    flags.set(Key::Model, line.model);
    Layers::read(flags, environment, dir.path()).expect("a good file")
}

fn resolve(line: &Line, environment: Environment, file: &str, id: &str) -> ProviderConfig {
    layers(line, environment, file).for_provider(&known(id), None).expect("good layers")
}

#[test]
fn the_model_comes_from_the_highest_layer_that_means_this_provider() {
    let line = Line { model: Some("by-flag"), ..Line::default() };
    let none = Line::default();
    let file = "model = \"by-file\"\n[provider.ollama]\nmodel = \"by-table\"";
    let own = ("OLLAMA_MODEL", "by-own-variable");
    let general = ("DEFAULT_MODEL", "by-default-variable");
    for (line, environment, file, expected) in [
        (&line, Environment::from([own, general]), file, "by-flag"),
        (&none, Environment::from([own, general]), file, "by-own-variable"),
        (&none, Environment::from([general]), file, "by-default-variable"),
        (&none, Environment::from([general, ("DEFAULT_LLM_PROVIDER", "ollama")]), file, "by-default-variable"),
        (&none, Environment::from([general, ("DEFAULT_LLM_PROVIDER", "openai")]), file, "by-table"),
        (&none, Environment::from([("TRITON_MODEL", "other")]), file, "by-table"),
        (&none, Environment::default(), "model = \"by-file\"", "by-file"),
        (&none, Environment::default(), "model = \"by-file\"\nprovider = \"ollama\"", "by-file"),
        (&none, Environment::default(), "model = \"by-file\"\nprovider = \"openai\"", "ollama-default"),
        (&none, Environment::default(), "", "ollama-default"),
    ] {
        assert_eq!(resolve(line, environment, file, "ollama").settings.model, expected, "{file}");
    }
}

#[test]
fn the_ancestors_environment_works_as_it_stands() {
    let environment = || {
        Environment::from([
            ("DEFAULT_LLM_PROVIDER", "triton"),
            ("DEFAULT_MODEL", "gemma_12b"),
            ("DEFAULT_TEMPERATURE", "0.1"),
            ("DEFAULT_MAX_TOKENS", "1024"),
            ("OLLAMA_API_URL", "http://gpu:11434/api"),
            ("OLLAMA_MODEL", "qwen3:8b"),
            ("TRITON_API_URL", "http://triton:8000"),
            ("OPENROUTER_MODEL", "openai/gpt-4o-mini"),
            ("OPENAI_API_KEY", "sk-openai"),
            ("ANTHROPIC_API_KEY", "sk-ant"),
            ("OPENROUTER_API_KEY", "sk-or"),
        ])
    };
    for (id, endpoint, model, key) in [
        ("triton", "http://triton:8000", "gemma_12b", None),
        ("ollama", "http://gpu:11434/api", "qwen3:8b", None),
        ("openrouter", "https://openrouter.ai/api", "openai/gpt-4o-mini", Some("sk-or")),
        ("openai", "https://api.openai.com", "openai-default", Some("sk-openai")),
        ("anthropic", "https://api.anthropic.com", "anthropic-default", Some("sk-ant")),
    ] {
        let found = resolve(&Line::default(), environment(), "", id);
        assert_eq!(found.endpoint(), Some(endpoint), "{id}");
        assert_eq!(found.settings.model, model, "{id}");
        assert_eq!(found.api_key.as_ref().map(ApiKey::expose), key, "{id}");
        assert_eq!((found.settings.temperature, found.settings.max_output_tokens), (Some(0.1), Some(1024)), "{id}");
        assert!(found.notes.is_empty(), "{id}: {:?}", found.notes);
    }
}

#[test]
fn the_endpoint_comes_from_the_highest_layer() {
    let line = Line { endpoints: &["http://flag:1"], ..Line::default() };
    let environment =
        || Environment::from([("OLLAMA_API_URL", "http://variable:2/api"), ("OPENAI_API_URL", "http://x")]);
    let file = "[provider.ollama]\nendpoint = \"http://file:3\"";
    for (line, environment, file, expected) in [
        (&line, environment(), file, "http://flag:1"),
        (&Line::default(), environment(), file, "http://variable:2/api"),
        (&Line::default(), Environment::default(), file, "http://file:3"),
        (&Line::default(), Environment::default(), "", "http://localhost:11434"),
    ] {
        assert_eq!(resolve(line, environment, file, "ollama").endpoint(), Some(expected));
    }
    let quiet = layers(&Line::default(), environment(), "").for_provider(&descriptor("lexical", None), None);
    assert_eq!(quiet.expect("good layers").endpoint(), None, "a provider that sends nothing has no endpoint");
}

#[test]
fn a_known_key_goes_to_its_vendor_only() {
    let environment = || Environment::from([("OPENAI_API_KEY", "sk-openai"), ("GPU_KEY", "sk-gpu")]);
    for (endpoint, api_key_env, key, variable, noted) in [
        (None, None, Some("sk-openai"), Some("OPENAI_API_KEY"), false),
        (Some("https://api.openai.com:443/v1"), None, Some("sk-openai"), Some("OPENAI_API_KEY"), false),
        (Some("http://api.openai.com"), None, None, None, true),
        (Some("http://localhost:8000/v1"), None, None, None, true),
        (Some("https://api.openai.com.evil.example"), None, None, None, true),
        (Some("http://localhost:8000"), Some("GPU_KEY"), Some("sk-gpu"), Some("GPU_KEY"), false),
        (Some("http://localhost:8000"), Some("OPENAI_API_KEY"), Some("sk-openai"), Some("OPENAI_API_KEY"), false),
    ] {
        let found = resolve(
            &Line { endpoints: endpoint.as_slice(), api_key_env, ..Line::default() },
            environment(),
            "",
            "openai",
        );
        assert_eq!(found.api_key.as_ref().map(ApiKey::expose), key, "{endpoint:?}");
        assert_eq!(found.api_key_env.as_deref(), variable, "{endpoint:?}");
        assert_eq!(!found.notes.is_empty(), noted, "{endpoint:?}: {:?}", found.notes);
        assert!(!format!("{found:?}").contains("sk-"), "no key in `Debug`");
    }
}

#[test]
fn the_file_names_a_key_and_the_flag_names_another() {
    let environment = || Environment::from([("FILE_KEY", "sk-file"), ("FLAG_KEY", "sk-flag")]);
    let file = "[provider.ollama]\napi_key_env = \"FILE_KEY\"";
    let by_file = resolve(&Line::default(), environment(), file, "ollama");
    assert_eq!(by_file.api_key.as_ref().map(ApiKey::expose), Some("sk-file"));
    let line = Line { api_key_env: Some("FLAG_KEY"), ..Line::default() };
    assert_eq!(resolve(&line, environment(), file, "ollama").api_key.as_ref().map(ApiKey::expose), Some("sk-flag"));
}

#[test]
fn a_vendors_unset_key_is_told_and_not_an_error() {
    let found = resolve(&Line::default(), Environment::default(), "", "anthropic");
    assert_eq!((found.api_key, found.api_key_env.as_deref()), (None, Some("ANTHROPIC_API_KEY")));
    assert_eq!(found.notes, ["ANTHROPIC_API_KEY is not set: requests go out without a key"]);
}

#[test]
fn settings_of_the_line_lie_over_those_of_the_file_in_order_of_name() {
    let mut descriptor = known("ollama");
    descriptor.settings.push(SettingSpec { name: "a_first".into(), summary: String::new(), default_value: None });
    let file = "[provider.ollama]\nsettings = { keep_alive = \"5m\", a_first = 8192 }";
    let line = Line { settings: &["keep_alive=1m", "keep_alive=x=y"], ..Line::default() };
    let found = layers(&line, Environment::default(), file).for_provider(&descriptor, None).expect("good layers");
    let extra = found.settings.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    assert_eq!(extra, [("a_first", "8192"), ("keep_alive", "x=y")]);
}

#[test]
fn what_cannot_be_used_is_told_with_its_origin() {
    let none = Environment::default;
    let key = |name| Line { api_key_env: Some(name), ..Line::default() };
    for (line, environment, file, error, hint) in [
        (
            Line { endpoints: &["localhost:8000"], ..Line::default() },
            none(),
            "",
            "wrong value from flag `--endpoint`: `localhost:8000`",
            "expected: a URL that begins with http://",
        ),
        (
            Line::default(),
            Environment::from([("OLLAMA_API_URL", "gpu")]),
            "",
            "wrong value from environment `OLLAMA_API_URL`: `gpu`",
            "expected: a URL",
        ),
        (
            Line::default(),
            none(),
            "[provider.ollama]\nendpoint = \"gpu\"",
            "wrong value from `judge.toml: provider.ollama.endpoint`: `gpu`",
            "expected: a URL",
        ),
        (
            key("MY_KEY"),
            Environment::from([("MY_KEY", "")]),
            "",
            "the key's variable, named by flag `--api-key-env`, is not set: `MY_KEY`",
            "export MY_KEY=…, or write it into .env",
        ),
        (
            key("MY_KEY"),
            Environment::from([("MY_KEY", "two words")]),
            "",
            "not a usable key in environment `MY_KEY`",
            "a key is visible ASCII",
        ),
        (
            Line { settings: &["keepalive=1m"], ..Line::default() },
            none(),
            "",
            "provider `ollama` has no setting `keepalive`, given by flag `--setting`",
            "it has: keep_alive",
        ),
        (
            Line { settings: &["keep_alive"], ..Line::default() },
            none(),
            "",
            "wrong value from flag `--setting`: `keep_alive`",
            "expected: NAME=VALUE",
        ),
        (
            Line::default(),
            none(),
            "[provider.ollama.settings]\nnum_ctx = 8192",
            "provider `ollama` has no setting `num_ctx`, given by `judge.toml: provider.ollama.settings.num_ctx`",
            "it has: keep_alive",
        ),
    ] {
        let told = layers(&line, environment, file).for_provider(&known("ollama"), None).expect_err(error);
        assert_eq!(told.to_string(), error);
        assert!(told.hint().expect("a hint").starts_with(hint), "{:?}", told.hint());
    }
}

#[test]
fn a_key_for_a_provider_that_takes_none_is_refused() {
    let line = Line { api_key_env: Some("MY_KEY"), ..Line::default() };
    let layers = layers(&line, Environment::from([("MY_KEY", "sk")]), "");
    let told = layers.for_provider(&descriptor("lexical", None), None).expect_err("no slot for a key");
    assert_eq!(told.to_string(), "provider `lexical` takes no key, but flag `--api-key-env` names one");
}

#[test]
fn who_named_the_endpoint_is_known() {
    let line = Line { endpoints: &["http://flag:1"], ..Line::default() };
    let variable = || Environment::from([("OLLAMA_API_URL", "http://variable:2")]);
    let file = "[provider.ollama]\nendpoint = \"http://localhost:11434\"";
    for (line, environment, file, named) in [
        (&line, Environment::default(), "", true),
        (&Line::default(), variable(), "", true),
        (&Line::default(), Environment::default(), file, true),
        (&Line::default(), Environment::default(), "[provider.openai]\nendpoint = \"http://x\"", false),
        (&Line::default(), Environment::default(), "", false),
    ] {
        let layers = layers(line, environment, file);
        let found = layers.for_provider(&known("ollama"), None).expect("good layers");
        assert_eq!(found.endpoint_named, named, "{:?}", found.endpoints);
        assert_eq!(layers.endpoints_of(&known("ollama")).expect("a good endpoint"), found.endpoints);
    }
}

#[test]
fn plain_http_is_allowed_by_the_providers_own_table_or_the_flag() {
    let table = "[provider.ollama]\nallow_plain_http = true\n[provider.openai]\nallow_plain_http = false";
    for (id, by_file) in [("ollama", true), ("openai", false), ("triton", false)] {
        assert_eq!(resolve(&Line::default(), Environment::default(), table, id).allow_plain_http, by_file, "{id}");
    }
    let mut flagged = layers(&Line::default(), Environment::default(), table);
    flagged.flags.allow_plain_http = true;
    assert!(flagged.for_provider(&known("openai"), None).expect("good layers").allow_plain_http);
    let wrong = layers(&Line::default(), Environment::default(), "[provider.ollama]\nallow_plain_http = \"maybe\"");
    let told = wrong.for_provider(&known("ollama"), None).expect_err("no choice").to_string();
    assert_eq!(told, "wrong value from `judge.toml: provider.ollama.allow_plain_http`: `maybe`");
}

#[test]
fn a_key_in_the_place_of_its_variables_name_is_not_shown() {
    for typed in ["sk-live-0123456789", "0f1e2d3c4b5a69788796a5b4", "abcdefghijklmnopqrstuvwxyz", "key=1"] {
        let line = Line { api_key_env: Some(typed), ..Line::default() };
        let error = layers(&line, Environment::default(), "").for_provider(&known("openai"), None).expect_err(typed);
        assert!(matches!(&error, ConfigError::KeyInPlace { .. }), "{error:?}");
        assert!(!format!("{error} {error:?} {:?}", error.hint()).contains(typed), "{error:?}");
    }
    for typed in ["GPU_KEY", "my_long_and_unset_variable_for_keys", "APIKEY"] {
        let line = Line { api_key_env: Some(typed), ..Line::default() };
        let error = layers(&line, Environment::default(), "").for_provider(&known("openai"), None).expect_err(typed);
        assert!(matches!(&error, ConfigError::KeyUnset { .. }), "{error:?}");
    }
}

#[test]
fn variables_are_named_after_the_provider() {
    assert_eq!(variable_name("my-judge", "API_URL"), "MY_JUDGE_API_URL");
}

#[test]
fn a_general_model_means_the_first_of_the_chain_that_names_none() {
    let environment = || Environment::from([("DEFAULT_LLM_PROVIDER", "triton,ollama"), ("DEFAULT_MODEL", "general")]);
    for (chain, by_flag, id, in_chain, expected) in [
        (Some("openai:small,ollama"), Some("flag"), "ollama", None, "flag"),
        (Some("openai:small,ollama"), Some("flag"), "openai", Some("small"), "small"),
        (Some("ollama,openai"), Some("flag"), "ollama", None, "flag"),
        (Some("ollama,openai"), Some("flag"), "openai", None, "openai-default"),
        (Some("ollama,triton"), None, "triton", None, "general"),
        (Some("ollama,triton"), None, "ollama", None, "ollama-default"),
        (None, None, "triton", None, "general"),
    ] {
        let mut layers = layers(&Line { model: by_flag, ..Line::default() }, environment(), "");
        layers.flags.set(Key::Provider, chain);
        let found = layers.for_provider(&known(id), in_chain).expect("good layers");
        assert_eq!(found.settings.model, expected, "{chain:?} {id}");
    }
}

#[test]
fn flags_on_the_server_mean_the_first_of_the_chain() {
    let line = Line {
        endpoints: &["http://flag:1"],
        api_key_env: Some("MY_KEY"),
        settings: &["keep_alive=1m"],
        ..Line::default()
    };
    let mut layers = layers(&line, Environment::from([("MY_KEY", "sk"), ("OPENAI_API_KEY", "sk-openai")]), "");
    layers.flags.metrics = Some("http://flag:2/metrics".to_owned());
    layers.flags.allow_plain_http = true;
    layers.flags.set(Key::Provider, Some("ollama,openai"));
    let first = layers.for_provider(&known("ollama"), None).expect("good layers");
    assert_eq!((first.endpoint(), first.metrics.as_deref()), (Some("http://flag:1"), Some("http://flag:2/metrics")));
    assert_eq!((first.api_key_env.as_deref(), first.settings.extra.len()), (Some("MY_KEY"), 1));
    assert!(first.allow_plain_http);
    let second = layers.for_provider(&known("openai"), None).expect("good layers");
    assert_eq!((second.endpoint(), &second.metrics), (Some("https://api.openai.com"), &None));
    assert_eq!((second.api_key_env.as_deref(), second.settings.extra.len()), (Some("OPENAI_API_KEY"), 0));
    assert!(!second.allow_plain_http);
}

#[test]
fn several_servers_are_named_by_each_layer() {
    let variable = || Environment::from([("OLLAMA_API_URL", "http://v1,http://v2")]);
    let file = "[provider.ollama]\nendpoints = [\"http://f1\", \"http://f2\"]\nmetrics = \"http://f1:9/metrics\"";
    let line = Line { endpoints: &["http://a1", "http://a2,http://a3"], ..Line::default() };
    for (line, environment, expected) in [
        (&line, variable(), &["http://a1", "http://a2", "http://a3"][..]),
        (&Line::default(), variable(), &["http://v1", "http://v2"]),
        (&Line::default(), Environment::default(), &["http://f1", "http://f2"]),
    ] {
        let found = resolve(line, environment, file, "ollama");
        assert_eq!(found.endpoints, expected);
        assert!(found.endpoint_named);
        assert_eq!(found.metrics.as_deref(), Some("http://f1:9/metrics"));
    }
    let wrong = layers(&Line::default(), Environment::default(), "[provider.ollama]\nmetrics = \"gpu\"");
    let told = wrong.for_provider(&known("ollama"), None).expect_err("no URL").to_string();
    assert_eq!(told, "wrong value from `judge.toml: provider.ollama.metrics`: `gpu`");
}

#[test]
fn one_server_of_somebody_else_holds_the_vendors_key_back() {
    let environment = || Environment::from([("OPENAI_API_KEY", "sk-openai")]);
    for (endpoints, key, note) in [
        (&["https://api.openai.com/v1", "https://api.openai.com/v2"][..], Some("sk-openai"), None),
        (
            &["https://api.openai.com", "http://gpu:8000"],
            None,
            Some("OPENAI_API_KEY is not sent to http://gpu:8000; --api-key-env OPENAI_API_KEY would send it there"),
        ),
    ] {
        let line = Line { endpoints, ..Line::default() };
        let found = resolve(&line, environment(), "", "openai");
        assert_eq!(found.api_key.as_ref().map(ApiKey::expose), key);
        assert_eq!(found.notes.first().map(String::as_str), note);
        let shown = layers(&line, environment(), "").effective(&known("openai")).expect("good layers");
        assert_eq!(matches!(shown.key, crate::config::EffectiveKey::In { .. }), key.is_some());
    }
}
