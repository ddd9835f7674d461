//! Which incident of a service is open, for those that say something of it.

use serde_json::Value;

use super::ask::Api;

/// Its path in the API.
pub(super) fn open(api: &Api, service: &str) -> Result<String, String> {
    let answer = api.get("/api/v1/status")?;
    if answer.code != 200 {
        return Err(answer.body.trim_end().to_owned());
    }
    let status: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let mut services = status["services"].as_array().into_iter().flatten();
    let found = services.find(|one| one["name"] == service);
    let found = found.ok_or_else(|| format!("there is no service `{service}`"))?;
    match found["incident"].as_u64() {
        Some(number) => Ok(format!("/api/v1/services/{service}/incidents/{number}")),
        None => Err(format!("no incident of {service} is open")),
    }
}
