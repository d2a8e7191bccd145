use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use zerobus_schema::TableName;

use crate::secret::Secret;

/// What a token lives when the answer does not say.
const LIFETIME_UNKNOWN: Duration = Duration::from_secs(300);
/// No token is believed to live longer.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long before its end a token is replaced; a short-lived one, at a fifth of its life.
const REFRESH_BEFORE: Duration = Duration::from_secs(300);

/// A bearer token, with the time it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    secret: Secret,
    expires_at: Instant,
    refresh_at: Instant,
}

impl Token {
    pub(crate) fn new(secret: Secret, lifetime: Duration) -> Self {
        let lifetime = lifetime.min(LIFETIME_MAX);
        let now = Instant::now();
        Self {
            secret,
            expires_at: now + lifetime,
            refresh_at: now + (lifetime - REFRESH_BEFORE.min(lifetime / 5)),
        }
    }

    /// Reads the token endpoint's answer. The error never quotes it.
    pub(crate) fn from_answer(body: &str) -> Result<Self, String> {
        let answer: Value = serde_json::from_str(body)
            .map_err(|_| "expected JSON with `access_token`, found something else".to_owned())?;
        let secret = answer
            .get("access_token")
            .and_then(Value::as_str)
            .filter(|token| !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic()))
            .ok_or("expected `access_token` to be a token, found none")?;
        let lifetime = match answer.get("expires_in") {
            None | Some(Value::Null) => LIFETIME_UNKNOWN,
            Some(value) => seconds(value)
                .ok_or_else(|| format!("expected `expires_in` in seconds, found {value}"))?,
        };
        Ok(Self::new(Secret::from(secret), lifetime))
    }

    /// The token itself, for the `authorization: Bearer` header.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }

    /// How long it is still valid; zero once it has expired.
    #[must_use]
    pub fn valid_for(&self) -> Duration {
        self.expires_at.saturating_duration_since(Instant::now())
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn is_valid(&self) -> bool {
        Instant::now() < self.expires_at
    }

    /// Whether it should be replaced before it expires.
    pub(crate) fn is_due(&self) -> bool {
        Instant::now() >= self.refresh_at
    }

    /// Leaves a failed refresh alone for a while.
    pub(crate) fn postpone_refresh(&mut self) {
        self.refresh_at = Instant::now() + Duration::from_secs(30).min(self.valid_for() / 2);
    }
}

/// A number of seconds, also as a string and with a fraction.
fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.min(LIFETIME_MAX.as_secs_f64())).ok()
}

/// The form that asks for a token of the catalog API; `grant` says by what right.
pub(crate) fn catalog_form(grant: Vec<(&str, &str)>) -> String {
    form(&[grant, vec![("scope", "all-apis")]].concat())
}

/// The form that asks for a token to write into one table ("Use Zerobus Ingest": the token request).
pub(crate) fn ingest_form(
    grant: Vec<(&str, &str)>,
    workspace_id: &str,
    table: &TableName,
) -> String {
    let details = json!([
        {
            "type": "unity_catalog_privileges",
            "privileges": ["USE CATALOG"],
            "object_type": "CATALOG",
            "object_full_path": table.catalog(),
        },
        {
            "type": "unity_catalog_privileges",
            "privileges": ["USE SCHEMA"],
            "object_type": "SCHEMA",
            "object_full_path": format!("{}.{}", table.catalog(), table.schema()),
        },
        {
            "type": "unity_catalog_privileges",
            "privileges": ["SELECT", "MODIFY"],
            "object_type": "TABLE",
            "object_full_path": table.to_string(),
            "operations": ["zerobuswrite"],
        },
    ]);
    let resource = format!("api://databricks/workspaces/{workspace_id}/zerobusDirectWriteApi");
    let details = details.to_string();
    let fields = vec![
        ("scope", "all-apis"),
        ("resource", resource.as_str()),
        ("authorization_details", details.as_str()),
    ];
    form(&[grant, fields].concat())
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}={}", percent_encode(value)))
        .collect();
    pairs.join("&")
}

/// Encodes everything but RFC 3986's unreserved characters.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expires_in_may_be_quoted() {
        for body in [
            r#"{"access_token":"t","expires_in":3600}"#,
            r#"{"access_token":"t","expires_in":"3600"}"#,
            r#"{"access_token":"t","expires_in":3600.0}"#,
        ] {
            let token = Token::from_answer(body).unwrap();
            assert!(token.valid_for() > Duration::from_secs(3500), "{body}");
            assert!(!token.is_due(), "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_token_is_refused_and_not_quoted() {
        for body in [
            "<html>secret</html>",
            r#"{"token":"secret"}"#,
            r#"{"access_token":"secret\r\nx: y","expires_in":1}"#,
            r#"{"access_token":"secret","expires_in":"soon"}"#,
            r#"{"access_token":"secret","expires_in":-1}"#,
        ] {
            let error = Token::from_answer(body).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_life_without_end_is_bounded() {
        let token = Token::from_answer(r#"{"access_token":"t","expires_in":1e300}"#).unwrap();
        assert!(token.valid_for() <= LIFETIME_MAX);
    }
}
