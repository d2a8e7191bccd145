use std::sync::Arc;

use tokio::sync::Notify;

/// Cuts a connection: no status, no goodbye. Every request has that of its connection among its extensions.
#[derive(Debug, Clone, Default)]
pub(super) struct Cut(Arc<Notify>);

impl Cut {
    pub(super) fn cut(&self) {
        self.0.notify_one();
    }

    /// Waits until the connection is to be cut.
    pub(super) async fn due(&self) {
        self.0.notified().await;
    }
}
