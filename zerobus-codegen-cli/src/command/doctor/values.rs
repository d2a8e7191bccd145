use std::path::Path;

use zerobus_catalog::{Config, Secret};

use super::{Findings, Outcome};

/// One value of the configuration, as it holds.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// Masked where it is a secret; `None` where nobody gave one.
    pub(super) value: Option<String>,
    /// Where it comes from.
    pub(super) source: String,
}

/// A value's name, its argument, its variable, its key in a profile, and how it is shown.
type Known = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    fn(&Config) -> Option<String>,
);

const KNOWN: [Known; 10] = [
    (
        "workspace",
        "--workspace-url",
        "DATABRICKS_HOST",
        "host",
        |config| config.workspace_url.clone(),
    ),
    (
        "endpoint",
        "--endpoint",
        "ZEROBUS_SERVER_ENDPOINT",
        "",
        |config| config.endpoint.clone(),
    ),
    (
        "workspace id",
        "",
        "DATABRICKS_WORKSPACE_ID",
        "workspace_id",
        |config| config.workspace_id.clone(),
    ),
    (
        "client id",
        "--client-id",
        "DATABRICKS_CLIENT_ID",
        "client_id",
        |config| config.client_id.clone(),
    ),
    (
        "client secret",
        "--client-secret",
        "DATABRICKS_CLIENT_SECRET",
        "client_secret",
        |config| config.client_secret.as_ref().map(mask),
    ),
    ("token", "", "DATABRICKS_TOKEN", "token", |config| {
        config.token.as_ref().map(mask)
    }),
    (
        "token file",
        "--token-file",
        "ZEROBUS_TOKEN_FILE",
        "",
        |config| {
            config
                .token_file
                .as_ref()
                .map(|file| file.display().to_string())
        },
    ),
    (
        "token command",
        "--token-command",
        "ZEROBUS_TOKEN_COMMAND",
        "",
        |config| config.token_command.clone(),
    ),
    (
        "profile",
        "--profile",
        "DATABRICKS_CONFIG_PROFILE",
        "",
        |config| config.profile.clone(),
    ),
    ("profiles in", "", "DATABRICKS_CONFIG_FILE", "", |config| {
        config
            .config_file
            .as_ref()
            .map(|file| file.display().to_string())
    }),
];

/// Every value with where it comes from.
pub(super) fn values(given: &Config, findings: &mut Findings) -> Vec<Setting> {
    let environment = Config::from_env();
    let named = given
        .profile
        .clone()
        .or_else(|| environment.profile.clone());
    let file = environment.config_file.clone();
    let profile = match Config::from_profile(named.as_deref(), file.as_deref()) {
        Ok(profile) => profile,
        Err(error) => {
            findings.add("profile", Outcome::Warning, error.to_string(), "");
            None
        }
    };
    // What holds in the end; where it cannot be told, the strongest source of each value is shown.
    let resolved = given
        .clone()
        .resolve()
        .unwrap_or_else(|_| given.clone().or(environment.clone()));
    findings.principal = resolved.client_id.clone();
    if resolved.no_auth {
        findings.add("credentials", Outcome::Fine, "none are sent, as asked", "");
    }
    if let Some(url) = &resolved.workspace_url
        && url.contains("o=")
    {
        let text = format!(
            "{url} is a browser's address; what follows the host is cut off, and `o=` is the workspace id"
        );
        let fix = "give the workspace's address alone, https://host";
        findings.add("workspace", Outcome::Warning, text, fix);
    }
    let of_file = file
        .as_deref()
        .unwrap_or_else(|| Path::new("~/.databrickscfg"));
    let profile_name = named.as_deref().unwrap_or("DEFAULT");
    KNOWN
        .iter()
        .map(|&(name, argument, variable, key, show)| {
            let value = show(&resolved);
            let source = if value.is_none() {
                "not set".to_owned()
            } else if show(given).is_some() {
                format!("argument {argument}")
            } else if show(&environment).is_some() {
                let other = "DATABRICKS_WORKSPACE_URL";
                let set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
                let variable = if variable == "DATABRICKS_HOST" && !set(variable) {
                    other
                } else {
                    variable
                };
                format!("environment {variable}")
            } else if profile.as_ref().and_then(show).is_some() {
                format!("{key} of profile {profile_name} in {}", of_file.display())
            } else {
                "default".to_owned()
            };
            Setting {
                name,
                value,
                source,
            }
        })
        .collect()
}

/// That there is a secret, and enough to tell which: nothing of a short one.
fn mask(secret: &Secret) -> String {
    let text = secret.expose();
    let count = text.chars().count();
    let last: String = text.chars().skip(count.saturating_sub(2)).collect();
    if count < 16 {
        format!("******** ({count} characters)")
    } else {
        format!("********{last} ({count} characters)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked() {
        assert_eq!(mask(&Secret::from("hush")), "******** (4 characters)");
        assert_eq!(
            mask(&Secret::from("dapi0123456789abcdef")),
            "********ef (20 characters)"
        );
    }
}
