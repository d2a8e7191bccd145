use std::path::PathBuf;

use crate::secret::Secret;

/// What is known of a workspace and of who asks, from one source: arguments, environment or a profile.
///
/// Sources are laid over each other with [`Config::or`], the strongest first: argument, environment, profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Where Unity Catalog and the token endpoint are (`DATABRICKS_HOST`, `DATABRICKS_WORKSPACE_URL`).
    pub workspace_url: Option<String>,
    /// Where Zerobus is (`ZEROBUS_SERVER_ENDPOINT`).
    pub endpoint: Option<String>,
    /// The workspace's number, where no address holds it (`DATABRICKS_WORKSPACE_ID`).
    pub workspace_id: Option<String>,
    /// A personal access token; the catalog takes it, a stream does not (`DATABRICKS_TOKEN`).
    pub token: Option<Secret>,
    /// The OAuth client id of a service principal (`DATABRICKS_CLIENT_ID`).
    pub client_id: Option<String>,
    /// The OAuth client secret (`DATABRICKS_CLIENT_SECRET`).
    pub client_secret: Option<Secret>,
    /// Which section of the configuration file to read (`DATABRICKS_CONFIG_PROFILE`).
    pub profile: Option<String>,
    /// The configuration file (`DATABRICKS_CONFIG_FILE`).
    pub config_file: Option<PathBuf>,
}

impl Config {
    /// What the environment of this process says.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// The same with the variables looked up by `var`. An empty one counts as not set.
    #[must_use]
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name| var(name).filter(|value: &String| !value.trim().is_empty());
        Self {
            workspace_url: var("DATABRICKS_HOST").or_else(|| var("DATABRICKS_WORKSPACE_URL")),
            endpoint: var("ZEROBUS_SERVER_ENDPOINT"),
            workspace_id: var("DATABRICKS_WORKSPACE_ID"),
            token: var("DATABRICKS_TOKEN").map(Secret::from),
            client_id: var("DATABRICKS_CLIENT_ID"),
            client_secret: var("DATABRICKS_CLIENT_SECRET").map(Secret::from),
            profile: var("DATABRICKS_CONFIG_PROFILE"),
            config_file: var("DATABRICKS_CONFIG_FILE").map(PathBuf::from),
        }
    }

    /// Fills what is missing here from a weaker source.
    ///
    /// A weaker source's personal access token is left where this one already has OAuth credentials: who gives
    /// these expects that they are used.
    #[must_use]
    pub fn or(self, weaker: Self) -> Self {
        let has_oauth = self.client_id.is_some() && self.client_secret.is_some();
        Self {
            token: self.token.or(if has_oauth { None } else { weaker.token }),
            workspace_url: self.workspace_url.or(weaker.workspace_url),
            endpoint: self.endpoint.or(weaker.endpoint),
            workspace_id: self.workspace_id.or(weaker.workspace_id),
            client_id: self.client_id.or(weaker.client_id),
            client_secret: self.client_secret.or(weaker.client_secret),
            profile: self.profile.or(weaker.profile),
            config_file: self.config_file.or(weaker.config_file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        Config::from_vars(|name| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn host_wins_over_workspace_url_and_empty_is_unset() {
        let both = config(&[("DATABRICKS_HOST", "a"), ("DATABRICKS_WORKSPACE_URL", "b")]);
        assert_eq!(both.workspace_url.as_deref(), Some("a"));
        let empty = config(&[("DATABRICKS_HOST", " "), ("DATABRICKS_WORKSPACE_URL", "b")]);
        assert_eq!(empty.workspace_url.as_deref(), Some("b"));
    }

    #[test]
    fn a_weaker_source_only_fills_gaps() {
        let strong = config(&[
            ("DATABRICKS_CLIENT_ID", "me"),
            ("DATABRICKS_CLIENT_SECRET", "s"),
        ]);
        let weak = config(&[
            ("DATABRICKS_HOST", "h"),
            ("DATABRICKS_CLIENT_ID", "other"),
            ("DATABRICKS_TOKEN", "pat"),
        ]);
        let merged = strong.or(weak.clone());
        assert_eq!(merged.workspace_url.as_deref(), Some("h"));
        assert_eq!(merged.client_id.as_deref(), Some("me"));
        assert_eq!(merged.token, None);
        assert_eq!(Config::default().or(weak.clone()), weak);
    }

    #[test]
    fn debug_shows_no_secret() {
        let config = config(&[
            ("DATABRICKS_TOKEN", "dapi123"),
            ("DATABRICKS_CLIENT_SECRET", "hush"),
        ]);
        let text = format!("{config:?}");
        assert!(
            !text.contains("dapi123") && !text.contains("hush"),
            "{text}"
        );
    }
}
