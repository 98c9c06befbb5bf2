//! What travels with a request and with its answer, from one transport to another.

use opendal_core::ErrorKind;
use tokio::sync::watch;

/// Goes with an answer: attempts before it failed in a way that leaves open whether the service
/// did what it was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AfterDoubt;

/// Travels with each request of an upload, so that no wait before another attempt outlives a
/// cancellation.
#[derive(Clone, Debug)]
pub(crate) struct CallOff(watch::Receiver<bool>);

impl CallOff {
    /// Nothing is called off yet; and what does it.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (cancel, receiver) = watch::channel(false);
        (cancel, CallOff(receiver))
    }

    pub(crate) fn is_called_off(&self) -> bool {
        *self.0.borrow()
    }

    /// Wait for the cancellation.
    pub(crate) async fn called_off(mut self) -> opendal_core::Error {
        if self.0.wait_for(|c| *c).await.is_err() {
            // Nobody is left who could call it off.
            std::future::pending::<()>().await;
        }
        cancelled()
    }
}

pub(crate) fn cancelled() -> opendal_core::Error {
    opendal_core::Error::new(ErrorKind::Unexpected, "cancelled")
}
