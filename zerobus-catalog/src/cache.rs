use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zerobus_schema::TableName;

use crate::error::CatalogError;
use crate::retry::Attempts;
use crate::secret::Secret;
use crate::token::Token;

/// Above this, tokens that have expired and are not in use are dropped.
const ENTRIES_MAX: usize = 1024;

/// Tokens by what they are for: a table, or the catalog API (`None`).
///
/// However many ask for a token at once, one fetches it and the others share its result, good or bad.
#[derive(Debug, Default)]
pub(crate) struct TokenCache {
    entries: Mutex<HashMap<Option<TableName>, Arc<Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    state: Mutex<State>,
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// How many fetches have ended, and why the last one failed if it did.
    fetches: u64,
    failure: Option<CatalogError>,
}

impl TokenCache {
    /// The token for `key`: the cached one while it is fresh, else a new one from `fetch`. A token that is due
    /// but still valid is kept when it cannot be replaced.
    pub(crate) async fn get<F>(
        &self,
        key: Option<&TableName>,
        fetch: impl Fn(Attempts) -> F,
    ) -> Result<Token, CatalogError>
    where
        F: Future<Output = Result<Token, CatalogError>>,
    {
        let entry = self.entry(key);
        let (valid, seen) = {
            let state = entry.state();
            (state.valid(), state.fetches)
        };
        let Some(mut token) = valid else {
            let _flight = entry.fetching.lock().await;
            {
                let state = entry.state();
                if let Some(token) = state.valid() {
                    return Ok(token);
                }
                if let (Some(failure), true) = (&state.failure, state.fetches != seen) {
                    return Err(failure.clone());
                }
            }
            let result = fetch(Attempts::WithinTimeLimit).await;
            entry.state().settle(&result);
            return result;
        };
        if token.is_due() {
            // Whoever comes while it is being replaced goes on with the one that is there.
            if let Ok(_flight) = entry.fetching.try_lock() {
                match fetch(Attempts::One).await {
                    Ok(new) => token = new,
                    Err(_) => token.postpone_refresh(),
                }
                entry.state().token = Some(token.clone());
            }
        }
        Ok(token)
    }

    /// Drops the token for `key` if it is still `rejected`.
    pub(crate) fn forget(&self, key: Option<&TableName>, rejected: &Secret) {
        let entry = self.entry(key);
        let mut state = entry.state();
        if state
            .token
            .as_ref()
            .is_some_and(|token| token.secret() == rejected)
        {
            state.token = None;
        }
    }

    fn entry(&self, key: Option<&TableName>) -> Arc<Entry> {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.get(&key.cloned()) {
            return Arc::clone(entry);
        }
        if entries.len() >= ENTRIES_MAX {
            entries
                .retain(|_, entry| Arc::strong_count(entry) > 1 || entry.state().valid().is_some());
        }
        Arc::clone(entries.entry(key.cloned()).or_default())
    }
}

impl Entry {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn valid(&self) -> Option<Token> {
        self.token.clone().filter(Token::is_valid)
    }

    fn settle(&mut self, result: &Result<Token, CatalogError>) {
        self.fetches = self.fetches.wrapping_add(1);
        self.failure = result.as_ref().err().cloned();
        self.token = result.as_ref().ok().cloned();
    }
}

/// What a panicking holder left is still a token or none.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
