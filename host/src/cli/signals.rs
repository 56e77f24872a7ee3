use judge_host::job::Drain;
use tokio_util::task::AbortOnDropHandle;

/// Turns Ctrl-C and the request to terminate into a drain, and the second one into a stop. `told` is called at each.
/// Ends when dropped.
pub(super) fn listen(
    drain: Drain,
    told: impl Fn(Signalled) + Send + 'static,
) -> std::io::Result<AbortOnDropHandle<()>> {
    let mut signals = Signals::new()?;
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        signals.next().await;
        drain.begin();
        told(Signalled::Once);
        signals.next().await;
        drain.stop_now();
        told(Signalled::Twice);
    })))
}

/// How often the run was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signalled {
    Once,
    Twice,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "one face on every system")]
    fn new() -> std::io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        // Where the listening itself fails there is nobody to ask for an end.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
