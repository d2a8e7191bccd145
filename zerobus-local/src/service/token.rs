//! Who may do what, and for how long.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;
use zerobus_schema::TableName;

/// Tokens remembered at most; the oldest are forgotten first.
const TOKENS_MAX: usize = 100_000;

/// What personal access tokens of the platform start with.
const PERSONAL_PREFIX: &str = "dapi";

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// The catalog API.
    Catalog,
    /// A stream into one table.
    Ingest {
        /// The table.
        table: TableName,
        /// Whether MODIFY was among the privileges asked for.
        modify: bool,
    },
}

/// What a token is good for, and until when.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) scope: Scope,
    pub(super) expires: Instant,
}

/// A service principal, as `--client` names it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    /// This server did not issue it, or no longer knows of it.
    Unknown,
    /// Its time is over.
    Expired,
}

/// The tokens this process issued. They are opaque, and gone when it ends.
pub(super) struct Tokens {
    client: Option<Credentials>,
    lifetime: Duration,
    grants: Mutex<HashMap<String, Grant>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("client", &self.client)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn new(client: Option<Credentials>, lifetime: Duration) -> Self {
        Self {
            client,
            lifetime,
            grants: Mutex::default(),
        }
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Whether these credentials get a token: those of `--client`, or any when none were named.
    pub(super) fn knows(&self, credentials: &Credentials) -> bool {
        match &self.client {
            Some(client) => client == credentials,
            None => !credentials.id.is_empty() && !credentials.secret.is_empty(),
        }
    }

    /// Whether a token of another identity provider is exchanged for this client, or for none.
    pub(super) fn knows_id(&self, id: Option<&str>) -> bool {
        match &self.client {
            Some(client) => id == Some(&client.id),
            None => true,
        }
    }

    pub(super) fn issue(&self, scope: Scope) -> String {
        let token = format!("zl-{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let now = Instant::now();
        let grant = Grant {
            scope,
            expires: now + self.lifetime,
        };
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.len() >= TOKENS_MAX {
            forget_half(&mut grants, now);
        }
        grants.insert(token.clone(), grant);
        token
    }

    /// Ends the tokens for a table.
    pub(super) fn expire(&self, table: &TableName) {
        let now = Instant::now();
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        for grant in grants.values_mut() {
            if matches!(&grant.scope, Scope::Ingest { table: of, .. } if of == table) {
                grant.expires = now;
            }
        }
    }

    /// What a token is good for.
    ///
    /// Where no client was named, anything that looks like a personal access token is good for the catalog, as any
    /// pair of id and secret is.
    pub(super) fn grant(&self, token: &str) -> Result<Grant, TokenError> {
        let now = Instant::now();
        let grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        match grants.get(token) {
            Some(grant) if grant.expires > now => Ok(grant.clone()),
            Some(_) => Err(TokenError::Expired),
            None if self.client.is_none() && token.starts_with(PERSONAL_PREFIX) => Ok(Grant {
                scope: Scope::Catalog,
                expires: now + self.lifetime,
            }),
            None => Err(TokenError::Unknown),
        }
    }
}

/// First what has expired, and when that was little, the half that expires first.
fn forget_half(grants: &mut HashMap<String, Grant>, now: Instant) {
    grants.retain(|_, grant| grant.expires > now);
    if grants.len() > TOKENS_MAX / 2 {
        let mut ends: Vec<Instant> = grants.values().map(|grant| grant.expires).collect();
        let half = ends.len() / 2;
        let (_, &mut median, _) = ends.select_nth_unstable(half);
        grants.retain(|_, grant| grant.expires > median);
    }
}
