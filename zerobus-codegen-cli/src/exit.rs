use std::fmt;
use std::process::ExitCode;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exit {
    /// Status 0: done.
    Fine,
    /// Status 1: done, with findings such as drift.
    Findings,
    /// Status 2: the command was not used as it is meant to be.
    Usage,
    /// Status 3: it could not be told, or could not be done.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
        })
    }
}

/// What ends a command early: a message, and the status.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// Status 3.
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Failed,
            message: message.to_string(),
        }
    }

    /// Status 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.to_string(),
        }
    }

    /// Prints the message to the standard error.
    pub(crate) fn report(&self) -> Exit {
        if !self.message.is_empty() {
            crate::output::note(&format!("error: {}", self.message));
        }
        self.exit
    }
}
