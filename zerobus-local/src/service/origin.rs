//! Keeps web pages from talking to a server that listens on their visitor's machine.
//!
//! A page's requests carry its `Origin`; a page that had its own host name resolve to this machine carries that
//! name as `Host`.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::request::Parts;

/// Whether a request that changes something may come from where it comes from.
pub(super) fn is_trusted(parts: &Parts, listening: SocketAddr) -> bool {
    let host = parts.uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| parts.headers.get(HOST)?.to_str().ok());
    let host_trusted = match host {
        // Someone who listens on more than loopback is reached under names that cannot be known here.
        Some(host) => !listening.ip().is_loopback() || is_loopback(host),
        None => true,
    };
    let origin_trusted = parts.headers.get_all(ORIGIN).iter().all(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        let (_, from) = origin.split_once("://").unwrap_or_default();
        // A name may be made to mean any machine, an address cannot: what has this one comes from here.
        let is_this_page = !listening.ip().is_loopback()
            && host.is_some_and(|host| host == from && address(host).is_some());
        is_loopback(from) || is_this_page
    });
    host_trusted && origin_trusted
}

/// Whether `host[:port]` names this machine.
fn is_loopback(host: &str) -> bool {
    name(host).eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    name(host).parse().ok()
}

fn name(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn trusted(host: &str, origin: Option<&str>) -> bool {
        trusted_on("127.0.0.1:80", host, origin)
    }

    fn trusted_on(listening: &str, host: &str, origin: Option<&str>) -> bool {
        let mut request = Request::builder().uri("/oidc/v1/token").header(HOST, host);
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        is_trusted(&parts, listening.parse().unwrap())
    }

    #[test]
    fn this_machine_is_trusted_under_its_own_names_only() {
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8080",
            "127.0.0.1",
        ] {
            assert!(trusted(host, None), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1",
            "",
        ] {
            assert!(!trusted(host, None), "{host}");
        }
    }

    #[test]
    fn who_listens_to_others_has_a_page_under_an_address_of_its_own() {
        let trusted = |host, origin| trusted_on("0.0.0.0:80", host, Some(origin));
        assert!(trusted("10.0.0.1:80", "http://10.0.0.1:80"));
        assert!(trusted("[fe80::1]:80", "http://[fe80::1]:80"));
        assert!(!trusted("10.0.0.1:80", "http://10.0.0.2:80"));
        assert!(!trusted("evil.example", "http://evil.example"));
    }

    #[test]
    fn pages_from_elsewhere_are_not() {
        assert!(trusted("localhost:1", Some("http://localhost:3000")));
        for origin in [
            "https://evil.example",
            "null",
            "",
            "http://localhost.evil.example",
        ] {
            assert!(!trusted("localhost:1", Some(origin)), "{origin}");
        }
    }
}
