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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    /// A token endpoint in the small: counts its calls, and fails when told.
    #[derive(Default)]
    struct Endpoint {
        calls: AtomicU32,
        down: Mutex<bool>,
    }

    impl Endpoint {
        async fn fetch(&self) -> Result<Token, CatalogError> {
            let call = self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            if *lock(&self.down) {
                return Err(CatalogError::configuration("down"));
            }
            let secret = Secret::from(format!("token-{call}"));
            Ok(Token::new(secret, Duration::from_secs(3600)))
        }

        async fn get(&self, cache: &TokenCache) -> Result<String, CatalogError> {
            let token = cache.get(None, |_| self.fetch()).await?;
            Ok(token.expose().to_owned())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_replaced_before_it_expires_and_kept_when_that_fails() {
        let (cache, endpoint) = (TokenCache::default(), Endpoint::default());
        assert_eq!(endpoint.get(&cache).await.unwrap(), "token-0");
        tokio::time::advance(Duration::from_secs(3200)).await;
        assert_eq!(endpoint.get(&cache).await.unwrap(), "token-0");
        assert_eq!(endpoint.calls.load(Ordering::SeqCst), 1);

        *lock(&endpoint.down) = true;
        tokio::time::advance(Duration::from_secs(200)).await;
        assert_eq!(endpoint.get(&cache).await.unwrap(), "token-0");
        assert_eq!(endpoint.get(&cache).await.unwrap(), "token-0");
        // The failed refresh is left alone for a while, then tried again.
        assert_eq!(endpoint.calls.load(Ordering::SeqCst), 2);

        *lock(&endpoint.down) = false;
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(endpoint.get(&cache).await.unwrap(), "token-2");

        *lock(&endpoint.down) = true;
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(endpoint.get(&cache).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_together_share_one_fetch_and_its_failure() {
        let (cache, endpoint) = (TokenCache::default(), Endpoint::default());
        *lock(&endpoint.down) = true;
        let (a, b, c) = tokio::join!(
            endpoint.get(&cache),
            endpoint.get(&cache),
            endpoint.get(&cache)
        );
        assert!(a.is_err() && b.is_err() && c.is_err());
        assert_eq!(endpoint.calls.load(Ordering::SeqCst), 1);

        *lock(&endpoint.down) = false;
        let (a, b) = tokio::join!(endpoint.get(&cache), endpoint.get(&cache));
        assert_eq!(
            (a.unwrap(), b.unwrap()),
            ("token-1".to_owned(), "token-1".to_owned())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_rejected_token_is_forgotten() {
        let (cache, endpoint) = (TokenCache::default(), Endpoint::default());
        let first = cache.get(None, |_| endpoint.fetch()).await.unwrap();
        cache.forget(None, first.secret());
        let second = cache.get(None, |_| endpoint.fetch()).await.unwrap();
        assert_ne!(first, second);
        cache.forget(None, first.secret());
        assert_eq!(cache.get(None, |_| endpoint.fetch()).await.unwrap(), second);
    }
}
