use std::fmt;
use std::net::IpAddr;

use crate::error::CatalogError;

/// The address of a workspace or of the Zerobus endpoint: scheme, host, port, and a path prefix if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// No trailing slash.
    base: String,
    host: String,
    https: bool,
    /// The part after `o=`, where the address was pasted whole from a browser.
    organisation: Option<String>,
}

impl Address {
    /// Reads an address; `what` names it in the error.
    pub(crate) fn parse(what: &str, text: &str) -> Result<Self, CatalogError> {
        let text = text.trim();
        let error = |problem: &str| {
            // The text itself may hold a password, so only its harmless part is shown.
            let shown: String = text
                .rsplit('@')
                .next()
                .unwrap_or("")
                .chars()
                .filter(|c| !c.is_control())
                .take(100)
                .collect();
            CatalogError::configuration(format!("the {what} `{shown}` {problem}"))
        };
        let (https, rest) = match text.split_once("://") {
            None => (true, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return Err(error("has a scheme other than https and http")),
        };
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(error("holds a user name; give credentials apart from it"));
        }
        let host = host_of(authority)
            .ok_or_else(|| error("is not an address; write it as https://host"))?;
        let organisation = tail
            .split(['/', '?', '&', '#'])
            .find_map(|part| part.strip_prefix("o="))
            .map(str::to_owned);
        if let Some(id) = &organisation
            && (id.is_empty() || !id.chars().all(|c| c.is_ascii_digit()))
        {
            return Err(error("has something other than digits after `o=`"));
        }
        // What a browser's address holds besides belongs to a page, not to the workspace.
        let path = match &organisation {
            Some(_) => "",
            None => tail
                .split(['?', '#'])
                .next()
                .unwrap_or("")
                .trim_end_matches('/'),
        };
        if !path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/-._~%".contains(c))
        {
            return Err(error("has a path that cannot stand in an address"));
        }
        let scheme = if https { "https" } else { "http" };
        Ok(Self {
            base: format!("{scheme}://{}{path}", authority.to_ascii_lowercase()),
            host: host.to_ascii_lowercase(),
            https,
            organisation,
        })
    }

    /// The address with `path` appended, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.base
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// Whether it never leaves this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// The workspace's id, where the address holds it: `o=123`, or the first label of a Zerobus endpoint or of an
    /// Azure (`adb-123.4.azuredatabricks.net`) or Google Cloud workspace.
    pub(crate) fn workspace_id(&self) -> Option<&str> {
        if self.organisation.is_some() {
            return self.organisation.as_deref();
        }
        if self.is_loopback() {
            return None;
        }
        let label = self.first_label();
        let label = label.strip_prefix("adb-").unwrap_or(label);
        let digits = !label.is_empty() && label.chars().all(|c| c.is_ascii_digit());
        (digits && self.host.parse::<IpAddr>().is_err()).then_some(label)
    }

    /// The host up to its first dot.
    pub(crate) fn first_label(&self) -> &str {
        self.host.split('.').next().unwrap_or("")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// The host of `host`, `host:port` or `[v6]:port`; `None` when it is none of these.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (v6, after) = rest.split_once(']')?;
            v6.parse::<std::net::Ipv6Addr>().ok()?;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port),
                None if after.is_empty() => None,
                None => return None,
            };
            (authority.get(..v6.len() + 2)?, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let good_host = !host.is_empty()
        && (host.starts_with('[')
            || host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)));
    let good_port = port
        .is_none_or(|port| port.chars().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok());
    (good_host && good_port).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Address {
        Address::parse("workspace URL", text).unwrap()
    }

    #[test]
    fn a_browsers_address_gives_host_and_workspace_id() {
        for text in [
            "https://host.cloud.databricks.com/o=123",
            "https://host.cloud.databricks.com/?o=123",
            "https://host.cloud.databricks.com?o=123#job/9/run/1",
            "https://host.cloud.databricks.com/explore/data/main?x=1&o=123",
            "Host.cloud.databricks.com/o=123/",
        ] {
            let address = parse(text);
            assert_eq!(
                address.as_str(),
                "https://host.cloud.databricks.com",
                "{text}"
            );
            assert_eq!(address.workspace_id(), Some("123"), "{text}");
        }
    }

    #[test]
    fn the_first_label_is_the_workspace_id_when_all_digits() {
        for (text, id) in [
            ("1234.zerobus.us-west-2.cloud.databricks.com", Some("1234")),
            (
                "https://1234.zerobus.westeurope.azuredatabricks.net:443/",
                Some("1234"),
            ),
            ("https://adb-984.4.azuredatabricks.net", Some("984")),
            ("zerobus.us-west-2.cloud.databricks.com:443", None),
            ("https://10.1.2.3:8080", None),
            ("http://127.0.0.1:8080", None),
            ("http://[::1]:8080", None),
        ] {
            assert_eq!(parse(text).workspace_id(), id, "{text}");
        }
    }

    #[test]
    fn a_trailing_slash_never_doubles() {
        assert_eq!(
            parse("http://localhost:80//").join("/oidc/v1/token"),
            "http://localhost:80/oidc/v1/token"
        );
        assert_eq!(parse("https://gate/db/").join("/x"), "https://gate/db/x");
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_a_password() {
        for text in [
            "",
            "https://",
            "ftp://host",
            "https://host:99999",
            "https://ho st",
            "https://[::1",
            "https://host/o=abc",
            "https://host/a\r\nb",
        ] {
            assert!(Address::parse("workspace URL", text).is_err(), "{text:?}");
        }
        let error = Address::parse("workspace URL", "https://me:hunter2@host").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn loopback_is_known_by_name_and_number() {
        for text in [
            "http://localhost:1",
            "http://127.3.2.1",
            "http://[::1]:9",
            "http://a.localhost",
        ] {
            assert!(parse(text).is_loopback(), "{text}");
        }
        for text in [
            "http://localhost.evil.com",
            "http://10.0.0.1",
            "http://127.evil.com",
        ] {
            assert!(!parse(text).is_loopback(), "{text}");
        }
    }
}
