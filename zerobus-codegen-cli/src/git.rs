use std::path::Path;
use std::process::{Command, Stdio};

use crate::exit::Failure;

/// A revision of the repository that the current folder lies in.
#[derive(Debug)]
pub(crate) struct Revision {
    name: String,
}

impl Revision {
    /// Reads `git:REV`, and asks git whether it knows REV.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let name = text
            .strip_prefix("git:")
            .filter(|name| !name.is_empty())
            .ok_or_else(|| {
                Failure::usage(format!(
                    "--against {}: expected git:REV, such as git:main",
                    text.escape_debug()
                ))
            })?;
        if name.starts_with('-') || name.contains([':', '\0']) {
            return Err(Failure::usage(format!(
                "--against: {} is no revision",
                name.escape_debug()
            )));
        }
        let revision = Self {
            name: name.to_owned(),
        };
        let commit = format!("{name}^{{commit}}");
        revision.git(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ])?;
        Ok(revision)
    }

    /// The files in a folder at this revision: path and text, by path. None when the folder was not there.
    pub(crate) fn files(&self, folder: &Path) -> Result<Vec<(String, String)>, Failure> {
        let folder = folder.to_string_lossy();
        let here = if folder.is_empty() { "." } else { &folder };
        let listed = self.git(&[
            "ls-tree",
            "-z",
            "--name-only",
            "-r",
            &self.name,
            "--",
            &format!("{here}/"),
        ])?;
        let mut files = Vec::new();
        for path in listed.split('\0').filter(|path| path.ends_with(".json")) {
            let object = format!("{}:./{path}", self.name);
            files.push((path.to_owned(), self.git(&["show", &object])?));
        }
        Ok(files)
    }

    fn git(&self, args: &[&str]) -> Result<String, Failure> {
        let failed =
            |why: &str| Failure::failed(format!("git cannot show revision {}: {why}", self.name));
        let output = Command::new("git")
            .args(args)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(&error.to_string()))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            let why = why.trim();
            return Err(failed(if why.is_empty() {
                "there is no such commit"
            } else {
                why
            }));
        }
        String::from_utf8(output.stdout).map_err(|_| failed("it holds a file that is not UTF-8"))
    }
}
