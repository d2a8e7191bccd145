use tokio::sync::watch;

/// Tells everyone that the server is to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// The switch and what it switches.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (switch, stop) = watch::channel(false);
        (switch, Self(stop))
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the server is to stop; also when the switch is gone.
    pub(crate) async fn stopped(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
