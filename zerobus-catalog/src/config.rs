use std::path::{Path, PathBuf};

use crate::address::Address;
use crate::error::CatalogError;
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
    /// A file that holds such a token, read anew for every call (`ZEROBUS_TOKEN_FILE`).
    pub token_file: Option<PathBuf>,
    /// A command that prints such a token, or JSON with `access_token` as `databricks auth token` does
    /// (`ZEROBUS_TOKEN_COMMAND`).
    pub token_command: Option<String>,
    /// Send no credentials: for a Unity Catalog server that asks for none (`ZEROBUS_AUTH=none`).
    pub no_auth: bool,
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
            token_file: var("ZEROBUS_TOKEN_FILE").map(PathBuf::from),
            token_command: var("ZEROBUS_TOKEN_COMMAND"),
            no_auth: var("ZEROBUS_AUTH").is_some_and(|auth| auth.trim() == "none"),
            client_id: var("DATABRICKS_CLIENT_ID"),
            client_secret: var("DATABRICKS_CLIENT_SECRET").map(Secret::from),
            profile: var("DATABRICKS_CONFIG_PROFILE"),
            config_file: var("DATABRICKS_CONFIG_FILE").map(PathBuf::from),
        }
    }

    /// Fills what is missing here from the environment, then from the profile that is named, else `DEFAULT`.
    ///
    /// A profile's credentials are for its host: they are not taken when the workspace given is another. The file is only
    /// read where a profile is named or something is missing.
    ///
    /// # Errors
    /// [`CatalogError::Configuration`] when a profile that is named or needed cannot be read, or is for another workspace.
    pub fn resolve(self) -> Result<Self, CatalogError> {
        self.or(Self::from_env()).or_profile(Self::from_profile)
    }

    fn or_profile(
        self,
        read: impl FnOnce(Option<&str>, Option<&Path>) -> Result<Option<Self>, CatalogError>,
    ) -> Result<Self, CatalogError> {
        let has_oauth = self.has_oauth();
        let named = self.profile.is_some() || self.config_file.is_some();
        if !named && self.workspace_url.is_some() && (has_oauth || self.no_auth) {
            return Ok(self);
        }
        let needed = self.workspace_url.is_none() || !(has_oauth || self.has_token());
        let profile = match read(self.profile.as_deref(), self.config_file.as_deref()) {
            Ok(profile) => profile.unwrap_or_default(),
            Err(error) if named || needed => return Err(error),
            Err(_) => return Ok(self),
        };
        match (&self.workspace_url, &profile.workspace_url) {
            (Some(given), Some(of_profile)) if !same_host(given, of_profile) => {
                match &self.profile {
                    Some(name) if needed => Err(CatalogError::configuration(format!(
                        "the profile {name} is for another workspace than the one given; name its own profile, or give the credentials too"
                    ))),
                    _ => Ok(self),
                }
            }
            _ => Ok(self.or(profile)),
        }
    }

    /// Fills what is missing here from a weaker source.
    ///
    /// Tokens of a weaker source are left where this one already has credentials, of whatever kind: who gives these
    /// expects that they are used.
    #[must_use]
    pub fn or(self, weaker: Self) -> Self {
        let settled = self.has_oauth() || self.has_token();
        let (token, token_file, token_command, no_auth) = if settled {
            (
                self.token,
                self.token_file,
                self.token_command,
                self.no_auth,
            )
        } else {
            (
                weaker.token,
                weaker.token_file,
                weaker.token_command,
                weaker.no_auth,
            )
        };
        Self {
            token,
            token_file,
            token_command,
            no_auth,
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

impl Config {
    fn has_oauth(&self) -> bool {
        self.client_id.is_some() && self.client_secret.is_some()
    }

    /// Whether it says how the catalog is asked without a client id and secret.
    fn has_token(&self) -> bool {
        self.token.is_some()
            || self.token_file.is_some()
            || self.token_command.is_some()
            || self.no_auth
    }
}

/// Whether two addresses are those of one workspace. What is no address is the builder's to refuse.
fn same_host(one: &str, other: &str) -> bool {
    match (
        Address::parse("workspace URL", one),
        Address::parse("workspace URL", other),
    ) {
        (Ok(one), Ok(other)) => one.as_str() == other.as_str(),
        _ => false,
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

    fn with_profile(
        strong: &[(&str, &str)],
        profile: Result<&[(&str, &str)], &str>,
    ) -> Result<Config, String> {
        let read = |_: Option<&str>, _: Option<&Path>| match profile {
            Ok(pairs) => Ok(Some(config(pairs))),
            Err(problem) => Err(CatalogError::configuration(problem)),
        };
        config(strong)
            .or_profile(read)
            .map_err(|error| error.to_string())
    }

    const PROFILE: &[(&str, &str)] = &[
        ("DATABRICKS_HOST", "https://a.example/"),
        ("DATABRICKS_TOKEN", "of-profile"),
    ];

    #[test]
    fn a_profiles_credentials_go_to_its_own_host_alone() {
        let token = |strong: &[(&str, &str)]| {
            let merged = with_profile(strong, Ok(PROFILE)).unwrap();
            merged.token.map(|token| token.expose().to_owned())
        };
        assert_eq!(token(&[]).as_deref(), Some("of-profile"));
        assert_eq!(
            token(&[("DATABRICKS_HOST", "a.example")]).as_deref(),
            Some("of-profile")
        );
        assert_eq!(token(&[("DATABRICKS_HOST", "b.example")]), None);
        let named = [
            ("DATABRICKS_HOST", "b.example"),
            ("DATABRICKS_CONFIG_PROFILE", "p"),
        ];
        let error = with_profile(&named, Ok(PROFILE)).unwrap_err();
        assert!(
            error.contains("the profile p is for another workspace"),
            "{error}"
        );
    }

    #[test]
    fn an_unreadable_profile_only_matters_where_it_is_needed_or_named() {
        let host = ("DATABRICKS_HOST", "a.example");
        let token = ("DATABRICKS_TOKEN", "t");
        assert!(with_profile(&[host], Err("broken")).is_err());
        assert!(with_profile(&[host, token], Err("broken")).is_ok());
        let named = ("DATABRICKS_CONFIG_PROFILE", "p");
        assert!(with_profile(&[host, token, named], Err("broken")).is_err());
    }
}
