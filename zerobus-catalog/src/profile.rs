use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::error::CatalogError;
use crate::secret::Secret;

/// What the Databricks tools call the profile that nobody has named.
const DEFAULT_PROFILE: &str = "DEFAULT";
/// Far more than anyone has profiles.
const FILE_MAX: u64 = 1024 * 1024;

impl Config {
    /// What a profile of the Databricks configuration file says: the section `name`, or `DEFAULT`.
    ///
    /// The file is `file`, or `.databrickscfg` in the home folder. `None` when no profile was named and there is no file, or
    /// no `DEFAULT` in it. The keys `host`, `token`, `client_id`, `client_secret` and `workspace_id` are read, the others
    /// (of other ways to log in) passed over.
    ///
    /// # Errors
    /// [`CatalogError::Configuration`] when the file cannot be read, or has no profile of that name.
    pub fn from_profile(
        name: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, CatalogError> {
        let home = std::env::home_dir();
        profile(name, file, home.as_deref())
    }
}

pub(crate) fn profile(
    name: Option<&str>,
    file: Option<&Path>,
    home: Option<&Path>,
) -> Result<Option<Config>, CatalogError> {
    let path = match (file, home) {
        (Some(file), Some(home)) => match file.strip_prefix("~") {
            Ok(rest) => home.join(rest),
            Err(_) => file.to_owned(),
        },
        (Some(file), None) => file.to_owned(),
        (None, Some(home)) => home.join(".databrickscfg"),
        (None, None) => PathBuf::from(".databrickscfg"),
    };
    let shown = path.display();
    let text = match read(&path) {
        Ok(text) => text,
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && name.is_none() && file.is_none() =>
        {
            return Ok(None);
        }
        Err(error) => {
            let profile = name.unwrap_or(DEFAULT_PROFILE);
            return Err(CatalogError::configuration(format!(
                "the profile {profile} cannot be read from {shown}: {error}"
            )));
        }
    };
    let mut sections = parse(&text).map_err(|(line, problem)| {
        CatalogError::configuration(format!("{shown}:{line}: {problem}"))
    })?;
    let Some(mut section) = sections.remove(name.unwrap_or(DEFAULT_PROFILE)) else {
        let Some(name) = name else { return Ok(None) };
        let known: Vec<&str> = sections.keys().map(String::as_str).collect();
        let known = if known.is_empty() {
            "no profile at all".to_owned()
        } else {
            known.join(", ")
        };
        return Err(CatalogError::configuration(format!(
            "{shown} has no profile {name}; it has {known}"
        )));
    };
    let mut take = |key: &str| section.remove(key).filter(|value| !value.is_empty());
    Ok(Some(Config {
        workspace_url: take("host"),
        workspace_id: take("workspace_id"),
        token: take("token").map(Secret::from),
        client_id: take("client_id"),
        client_secret: take("client_secret").map(Secret::from),
        ..Config::default()
    }))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?
        .take(FILE_MAX + 1)
        .read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read > FILE_MAX) {
        return Err(io::Error::other(format!(
            "it is longer than {FILE_MAX} bytes"
        )));
    }
    Ok(text)
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// The sections of an INI file; of a key that stands twice in one, the last holds. The error is a line and a problem, which
/// does not quote the line: it may hold a secret.
fn parse(text: &str) -> Result<Sections, (usize, &'static str)> {
    let mut sections = Sections::new();
    let mut current = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest
                .strip_suffix(']')
                .ok_or((index + 1, "expected `]` at the end of the profile's name"))?;
            current = Some(sections.entry(name.trim().to_owned()).or_default());
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or((index + 1, "expected `key = value` or `[profile]`"))?;
        let section = current
            .as_mut()
            .ok_or((index + 1, "expected `[profile]` before the first key"))?;
        section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "; a comment\n[DEFAULT]\nhost = https://default.example\ntoken=dapi=1\n\n[prod]\n  \
                        HOST: https://prod.example\n  client_id = id\n  client_secret = s#1;2\n  cluster_id = x\n[empty]\n";

    fn write(text: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".databrickscfg"), text).unwrap();
        home
    }

    #[test]
    fn a_profile_is_found_by_name_and_default_without_one() {
        let home = write(FILE);
        let of = |name| profile(name, None, Some(home.path())).unwrap().unwrap();
        let default = of(None);
        assert_eq!(
            default.workspace_url.as_deref(),
            Some("https://default.example")
        );
        assert_eq!(default.token.unwrap().expose(), "dapi=1");
        let prod = of(Some("prod"));
        assert_eq!(prod.workspace_url.as_deref(), Some("https://prod.example"));
        assert_eq!(prod.client_id.as_deref(), Some("id"));
        assert_eq!(prod.client_secret.unwrap().expose(), "s#1;2");
        assert_eq!(
            prod.token, None,
            "DEFAULT is a profile, not what the others inherit"
        );
        assert_eq!(of(Some("empty")), Config::default());

        let file = profile(
            Some("prod"),
            Some(Path::new("~/.databrickscfg")),
            Some(home.path()),
        );
        assert!(file.unwrap().is_some());
    }

    #[test]
    fn nothing_is_missed_that_nobody_asked_for() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(profile(None, None, Some(home.path())).unwrap(), None);
        let home = write("[other]\nhost = h\n");
        assert_eq!(profile(None, None, Some(home.path())).unwrap(), None);
    }

    #[test]
    fn what_was_asked_for_and_cannot_be_read_is_an_error_without_secrets() {
        for (text, part) in [
            (FILE, "has no profile nightly; it has DEFAULT, empty, prod"),
            ("", "it has no profile at all"),
            ("[nightly\ntoken = hush", ".databrickscfg:1: expected `]`"),
            (
                "[nightly]\nhost = h\nhush",
                ".databrickscfg:3: expected `key = value`",
            ),
            (
                "token = hush",
                ".databrickscfg:1: expected `[profile]` before",
            ),
        ] {
            let home = write(text);
            let error = profile(Some("nightly"), None, Some(home.path()))
                .unwrap_err()
                .to_string();
            assert!(error.contains(part) && !error.contains("hush"), "{error}");
        }
        let home = tempfile::tempdir().unwrap();
        let error = profile(Some("nightly"), None, Some(home.path()))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the profile nightly cannot be read from"),
            "{error}"
        );
        // A folder where the file should be.
        let error = profile(None, Some(home.path()), None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the profile DEFAULT cannot be read from"),
            "{error}"
        );
    }
}
