mod check;
mod diff;
mod explain;
mod generate;
mod pull;
mod show;
mod types;

pub(crate) use check::check;
pub(crate) use diff::diff;
pub(crate) use explain::explain;
pub(crate) use generate::generate;
pub(crate) use pull::pull;
pub(crate) use show::show;
pub(crate) use types::types;
