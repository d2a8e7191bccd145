//! Processes that are pinned to a core of their own.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::machine;

/// A process that answers lines with lines. It is killed when this is dropped.
#[derive(Debug)]
pub struct Pinned {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Pinned {
    /// Starts `command` on one core; the process inherits the affinity of the thread that starts it.
    /// `stderr`: where its complaints go.
    pub fn start(command: &mut Command, core: usize, stderr: Stdio) -> io::Result<Self> {
        let before = machine::cores()?;
        machine::pin(&[core])?;
        let started = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn();
        machine::pin(&before)?;
        let mut child = started?;
        let answers = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            child,
            answers: BufReader::new(answers),
        })
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::other(format!(
                "it ended: {}",
                self.child.wait()?
            )));
        }
        Ok(line.trim_end().to_owned())
    }

    /// Tells it a line.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        let input = self.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(input, "{line}")?;
        input.flush()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
