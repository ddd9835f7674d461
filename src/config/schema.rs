//! The JSON Schema of the language, made of the structs that read it: keys and types are theirs, defaults and what is
//! required are `builtin.toml`'s, and what a kind adds stands beside what every probe, step or channel has.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::inherit::KINDS;
use super::node::{Node, Table, What};
use super::raw::{Config, channel, probe, probe_kinds, service, step, step_kinds};
use super::read::REQUIRED;

/// The schema of the main file, or of a service's own.
pub(crate) fn schema(builtin: &Table, of_service: bool) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut kinds: Vec<(&str, &str, &str)> = Vec::new();
    macro_rules! kind {
        ($of:literal: $($word:literal $type:ty,)*) => {$(
            generator.subschema_for::<$type>();
            kinds.push(($of, $word, concat!($word, " ", $of)));
        )*};
    }
    kind! { "channel": "slack" channel::Slack, "pagerduty" channel::PagerDuty, "statuspage" channel::StatusPage,
    "email" channel::Email, "webhook" channel::Webhook, "alertmanager" channel::Alertmanager,
    "teams" channel::Teams, "twilio" channel::Twilio, }
    kind! { "probe": "http" probe_kinds::Http, "tcp" probe_kinds::Tcp, "tls" probe_kinds::Tls,
    "dns" probe_kinds::Dns, "postgres" probe_kinds::Postgres, "redis" probe_kinds::Redis,
    "grpc" probe_kinds::Grpc, "prometheus" probe_kinds::Prometheus, "heartbeat" probe_kinds::Heartbeat,
    "exec" probe_kinds::Exec, "backup_s3" probe_kinds::BackupS3, "backup_rds" probe_kinds::BackupRds, }
    kind! { "step": "http" step_kinds::Http, "exec" step_kinds::Exec, "verify" step_kinds::Verify,
    "wait" step_kinds::Wait, "lapse" step_kinds::Lapse, "approve" step_kinds::Approve,
    "checklist" step_kinds::Checklist, "notify" step_kinds::Notify, "plan" step_kinds::Child,
    "pause" step_kinds::Pause, "traffic_gate" step_kinds::TrafficGate, "route53" step_kinds::Route53,
    "arc_routing_control" step_kinds::ArcRoutingControl, "dns_update" step_kinds::DnsUpdate,
    "elbv2" step_kinds::Elbv2, "postgres_fence" step_kinds::PostgresFence,
    "postgres_promote" step_kinds::PostgresPromote, "redis_promote" step_kinds::RedisPromote,
    "rds_promote" step_kinds::RdsPromote, "rds_global_failover" step_kinds::RdsGlobalFailover,
    "rds_restore" step_kinds::RdsRestore, "ecs_scale" step_kinds::EcsScale,
    "kubernetes" step_kinds::Kubernetes, }
    generator.subschema_for::<probe::Probe>();
    generator.subschema_for::<step::Step>();
    let root = if of_service {
        generator.into_root_schema_for::<service::Service>()
    } else {
        generator.into_root_schema_for::<Config>()
    };
    let mut root = root.to_value();
    let mut defs = match root.get_mut("$defs").map(Value::take) {
        Some(Value::Object(defs)) => defs,
        Some(_) | None => Map::new(),
    };
    for (name, schema) in &mut defs {
        // Whatever can be inherited need not be written where it is used.
        let inherits = KINDS.iter().any(|kind| name == kind || name.ends_with(&format!(" {kind}")));
        finish(schema, builtin.get(name).and_then(Node::table), inherits);
    }
    let of_root = if of_service { "service" } else { "config" };
    finish(&mut root, builtin.get(of_root).and_then(Node::table), of_service);
    for of in ["channel", "probe", "step"] {
        let common = defs.get(of).cloned().unwrap_or_default();
        let each: Vec<Value> = kinds
            .iter()
            .filter(|(kind_of, ..)| *kind_of == of)
            .map(|(_, word, name)| merged(&common, defs.get(*name).unwrap_or(&Value::Null), word))
            .collect();
        let description = common.get("description").cloned().unwrap_or_default();
        defs.insert(of.to_owned(), json!({ "description": description, "anyOf": each }));
    }
    for (_, _, name) in kinds {
        defs.remove(name);
    }
    if let Value::Object(root) = &mut root {
        root.insert("$defs".to_owned(), Value::Object(defs));
    }
    root
}

/// A table with its defaults, what is required, and nothing beside what is known.
fn finish(schema: &mut Value, builtin: Option<&Table>, inherits: bool) {
    let Value::Object(schema) = schema else { return };
    let table = schema.get("properties").is_some_and(Value::is_object);
    if !table {
        return;
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    schema.remove("required");
    let mut required = Vec::new();
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            // The structs' own defaults say only that nothing was written.
            if let Value::Object(property) = property {
                property.remove("default");
            }
        }
        for (key, entry) in builtin.into_iter().flat_map(|table| &table.0) {
            let Some(Value::Object(property)) = properties.get_mut(&**key) else { continue };
            if entry.node.text() == Some(REQUIRED) {
                if inherits {
                    continue;
                }
                required.push(Value::String(key.to_string()));
            } else {
                property.insert("default".to_owned(), json(&entry.node));
            }
        }
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
}

/// One kind: what every one has and what this one adds.
fn merged(common: &Value, own: &Value, word: &str) -> Value {
    let mut whole = common.clone();
    let Value::Object(schema) = &mut whole else { return whole };
    for key in ["properties", "required"] {
        match (schema.get_mut(key), own.get(key)) {
            (Some(Value::Object(into)), Some(Value::Object(from))) => {
                into.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            (Some(Value::Array(into)), Some(Value::Array(from))) => into.extend(from.iter().cloned()),
            (None, Some(value)) => {
                schema.insert(key.to_owned(), value.clone());
            }
            (_, _) => {}
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("kind".to_owned(), json!({ "const": word }));
    }
    schema.insert("title".to_owned(), Value::String(word.to_owned()));
    whole
}

fn json(node: &Node) -> Value {
    match &node.what {
        What::Null => Value::Null,
        What::Flag(flag) => Value::Bool(*flag),
        What::Int(number) => json!(number),
        What::Number(text) | What::Text(text) => Value::String(text.to_string()),
        What::List(list) => Value::Array(list.iter().map(json).collect()),
        What::Table(table) => {
            Value::Object(table.0.iter().map(|(key, entry)| (key.to_string(), json(&entry.node))).collect())
        }
    }
}
