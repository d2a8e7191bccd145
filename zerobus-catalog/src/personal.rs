use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::CatalogError;
use crate::secret::Secret;
use crate::token::Token;

/// How long the token of a command is used where it does not say: short, because most of them are handed out by a tool
/// that keeps and renews them itself.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Far more than any token.
const LENGTH_MAX: usize = 64 * 1024;

/// A token for the catalog that is not had with a client id and secret.
#[derive(Debug, Clone)]
pub(crate) enum PersonalToken {
    Given(Secret),
    /// Read for every call: whoever rotates it replaces the file.
    File(PathBuf),
    /// Run by the shell; its answer is kept for a while.
    Command(String),
    /// None is asked for.
    NoAuth,
}

/// What a file holds, without the newline at its end.
pub(crate) fn read(file: &Path) -> Result<Secret, CatalogError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        CatalogError::configuration(format!("the token file {}: {error}", file.display()))
    })?;
    check(text.trim()).map_err(|problem| {
        CatalogError::configuration(format!("the token file {} {problem}", file.display()))
    })
}

/// What a command prints: the token, or JSON with `access_token`. Nothing that it prints is shown.
pub(crate) fn run(command: &str) -> Result<Token, CatalogError> {
    let failed = |problem: &str| {
        CatalogError::configuration(format!("the token command {problem}: `{command}`"))
    };
    let mut shell = if cfg!(windows) {
        let mut shell = Command::new("cmd");
        shell.arg("/C");
        shell
    } else {
        let mut shell = Command::new("sh");
        shell.arg("-c");
        shell
    };
    let output = shell
        .arg(command)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(&format!("cannot be run ({error})")))?;
    if !output.status.success() {
        return Err(failed(&format!("failed ({})", output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| failed("printed no text"))?;
    let text = text.trim();
    if text.starts_with('{') {
        return Token::from_answer(text)
            .map_err(|problem| failed(&format!("did not do: {problem}")));
    }
    let token =
        check(text).map_err(|problem| failed(&format!("printed something that {problem}")))?;
    Ok(Token::new(token, LIFETIME))
}

/// A token is one word.
fn check(text: &str) -> Result<Secret, &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.len() > LENGTH_MAX || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err("holds something other than a token");
    }
    Ok(Secret::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_the_token_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "dapi1\n").unwrap();
        assert_eq!(read(&file).unwrap().expose(), "dapi1");
        for text in ["", "\n", "two words"] {
            std::fs::write(&file, text).unwrap();
            let error = read(&file).unwrap_err().to_string();
            assert!(
                error.contains("token file") && !error.contains("words"),
                "{error}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_command_prints_the_token_or_json() {
        assert_eq!(run("echo abc").unwrap().expose(), "abc");
        let json =
            r#"echo '{"access_token": "t1", "token_type": "Bearer", "expiry": "2030-01-01"}'"#;
        assert_eq!(run(json).unwrap().expose(), "t1");
        for (command, part) in [
            ("exit 3", "failed"),
            ("true", "is empty"),
            ("echo hush hush", "something other"),
            ("echo '{}'", "access_token"),
        ] {
            let error = run(command).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
