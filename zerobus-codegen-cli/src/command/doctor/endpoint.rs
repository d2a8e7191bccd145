use std::time::Duration;

use zerobus_catalog::Workspace;

use super::{Findings, Outcome};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Looks at the address of Zerobus: its form, its cloud, its workspace, and whether anything listens.
pub(super) async fn examine(workspace: &Workspace, findings: &mut Findings) {
    let Some(endpoint) = workspace.endpoint() else {
        let text = "no Zerobus endpoint is given, so it was not looked at";
        let fix =
            "set ZEROBUS_SERVER_ENDPOINT=https://<workspace id>.zerobus.<region>.<cloud's domain>";
        findings.add("endpoint", Outcome::Skipped, text, fix);
        return;
    };
    let (host, port) = host_and_port(endpoint);
    let form_is_known = form(host, workspace, findings);
    if !form_is_known {
        return;
    }
    let connect = tokio::net::TcpStream::connect((host.trim_matches(['[', ']']), port));
    match tokio::time::timeout(CONNECT_LIMIT, connect).await {
        Ok(Ok(_)) => {
            findings.add(
                "endpoint",
                Outcome::Fine,
                format!("{endpoint} can be reached"),
                "",
            );
        }
        Ok(Err(error)) => {
            let text = format!("{endpoint} cannot be reached: {error}");
            let fix = "check workspace id and region in it, the network, and the firewall";
            findings.add("endpoint", Outcome::Unknown, text, fix);
        }
        Err(_) => {
            let text = format!(
                "{endpoint} did not answer within {} seconds",
                CONNECT_LIMIT.as_secs()
            );
            let fix = "check workspace id and region in it, the network, and the firewall";
            findings.add("endpoint", Outcome::Unknown, text, fix);
        }
    }
}

/// What can be told from the addresses alone; whether it is worth trying the endpoint.
fn form(host: &str, workspace: &Workspace, findings: &mut Findings) -> bool {
    let (workspace_host, _) = host_and_port(workspace.url());
    let labels: Vec<&str> = host.split('.').collect();
    let (here, there) = (cloud(workspace_host), cloud(host));
    if let (Some(here), Some(there)) = (here, there)
        && here != there
    {
        let text = format!("the workspace is on {here}, the endpoint {host} on {there}");
        let fix = "workspace, metastore and endpoint lie in one region of one cloud; give the endpoint of this workspace";
        findings.add("endpoint", Outcome::Failed, text, fix);
        return false;
    }
    if there.is_some() && !labels.contains(&"zerobus") {
        let text = format!("{host} is not the address of Zerobus");
        let fix = "it is <workspace id>.zerobus.<region>.<cloud's domain>";
        findings.add("endpoint", Outcome::Failed, text, fix);
        return false;
    }
    let first = labels.first().copied().unwrap_or("");
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let own = workspace_host
        .strip_prefix("adb-")
        .and_then(|rest| rest.split('.').next())
        .filter(|id| digits(id));
    if let Some(own) = own
        && digits(first)
        && own != first
    {
        let text = format!("the workspace's id is {own}, the endpoint is that of {first}");
        findings.add(
            "endpoint",
            Outcome::Failed,
            text,
            "give the endpoint of this workspace",
        );
        return false;
    }
    match workspace.workspace_id() {
        Some(_) => {}
        None => {
            let text = "the workspace's id is in neither address, and a token to write cannot be had without it";
            let fix =
                "give the endpoint with the id as its first label, or set DATABRICKS_WORKSPACE_ID";
            findings.add("workspace id", Outcome::Failed, text, fix);
        }
    }
    true
}

/// The cloud that a host of Databricks is on.
fn cloud(host: &str) -> Option<&'static str> {
    [
        (".azuredatabricks.net", "Azure"),
        (".gcp.databricks.com", "Google Cloud"),
        (".cloud.databricks.com", "AWS"),
    ]
    .into_iter()
    .find(|(domain, _)| host.ends_with(domain))
    .map(|(_, cloud)| cloud)
}

/// Of an address that has been read already.
fn host_and_port(url: &str) -> (&str, u16) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split('/').next().unwrap_or(rest);
    let default = if scheme == "http" { 80 } else { 443 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(default)),
        _ => (authority, default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_host_and_port() {
        assert_eq!(host_and_port("https://a.b/x"), ("a.b", 443));
        assert_eq!(host_and_port("http://a.b:81"), ("a.b", 81));
        assert_eq!(host_and_port("http://[::1]:81"), ("[::1]", 81));
        assert_eq!(host_and_port("https://[::1]"), ("[::1]", 443));
    }

    fn found(workspace: &str, endpoint: &str) -> Vec<String> {
        let workspace = Workspace::builder()
            .workspace_url(workspace)
            .endpoint(endpoint)
            .token("t")
            .build()
            .unwrap();
        let mut findings = Findings::default();
        let (host, _) = host_and_port(workspace.endpoint().unwrap());
        form(host, &workspace, &mut findings);
        findings
            .checks
            .into_iter()
            .map(|check| check.message)
            .collect()
    }

    #[test]
    fn an_endpoint_of_elsewhere_is_known_by_its_name() {
        let aws = "https://dbc-1.cloud.databricks.com";
        let azure = "https://adb-984.4.azuredatabricks.net";
        assert!(found(aws, "1.zerobus.us-west-2.cloud.databricks.com").is_empty());
        assert!(found(azure, "984.zerobus.westeurope.azuredatabricks.net").is_empty());
        for (workspace, endpoint, part) in [
            (
                aws,
                "1.zerobus.westeurope.azuredatabricks.net",
                "on AWS, the endpoint",
            ),
            (
                aws,
                "dbc-1.cloud.databricks.com",
                "not the address of Zerobus",
            ),
            (
                azure,
                "7.zerobus.westeurope.azuredatabricks.net",
                "id is 984, the endpoint is that of 7",
            ),
            (
                aws,
                "zerobus.us-west-2.cloud.databricks.com",
                "in neither address",
            ),
        ] {
            let found = found(workspace, endpoint);
            assert!(
                found.iter().any(|text| text.contains(part)),
                "{endpoint}: {found:?}"
            );
        }
    }
}
