//! The process's tokio runtimes, and values that belong to one process.
//!
//! There are two. The *shared* runtime has threads of its own and runs what goes on in the
//! background: uploads, reads ahead, everything awaited from an event loop. The *direct* one has
//! none: [`block_on`] runs it on the calling thread, which then waits for the sockets itself. A
//! blocking call so passes no other thread on its way to the network and back; on a small
//! machine that is worth more than the request's own work.
//!
//! A runtime does not survive `fork`: its threads exist in the parent only. Everything that
//! depends on one is therefore keyed by process and made anew on first use in a child;
//! the parent's copy is leaked there, never dropped, because dropping it would wait for
//! threads that do not exist.

use std::cell::Cell;
use std::future::Future;
#[cfg(unix)]
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::error::{Error, Kind, Result};

/// Which process this is: another number after each fork on the way to it. Asking the system for
/// the process id would be a system call for each operation.
pub fn process_number() -> u32 {
    static FORKS: AtomicU32 = AtomicU32::new(0);
    #[cfg(unix)]
    {
        static WATCH: Once = Once::new();
        extern "C" fn forked() {
            FORKS.fetch_add(1, Ordering::Relaxed);
        }
        #[expect(unsafe_code, reason = "only the C library tells of forks")]
        // SAFETY: the handler does nothing but add to an atomic number.
        WATCH.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(forked));
        });
    }
    FORKS.load(Ordering::Relaxed)
}

/// A value made once for each process that asks for it.
#[derive(Debug)]
pub struct PerProcess<T> {
    slot: AtomicPtr<Slot<T>>,
}

#[derive(Debug)]
struct Slot<T> {
    process: u32,
    value: T,
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    unsafe_code,
    reason = "a lock held by another thread at fork would never be released in the child; an atomic pointer cannot be held"
)]
impl<T> PerProcess<T> {
    /// Empty: the value is made on first use.
    #[must_use]
    pub const fn new() -> Self {
        PerProcess {
            slot: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// This process's value. When two threads race to make it, one result is used and the
    /// other is dropped.
    pub fn get(&self, make: impl FnOnce() -> T) -> &T {
        let process = process_number();
        let seen = self.slot.load(Ordering::Acquire);
        // SAFETY: a non-null pointer came from Box::into_raw below and is freed only by Drop,
        // which has `&mut self`; replaced slots (a forked child's inheritance) are leaked.
        if let Some(slot) = unsafe { seen.as_ref() }
            && slot.process == process
        {
            return &slot.value;
        }
        let made = Box::into_raw(Box::new(Slot {
            process,
            value: make(),
        }));
        match self
            .slot
            .compare_exchange(seen, made, Ordering::AcqRel, Ordering::Acquire)
        {
            // SAFETY: `made` was just published and is never freed while `&self` lives.
            Ok(_) => unsafe { &(*made).value },
            Err(winner) => {
                // SAFETY: `made` was not published, this thread alone has it; the winner was
                // published by another thread of this same process.
                unsafe {
                    drop(Box::from_raw(made));
                    &(*winner).value
                }
            }
        }
    }
}

#[expect(unsafe_code, reason = "see get")]
impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let slot = *self.slot.get_mut();
        // SAFETY: see `get`; nobody else has the pointer now.
        if let Some(held) = unsafe { slot.as_ref() }
            && held.process == process_number()
        {
            // SAFETY: made by Box::into_raw in this process, freed once.
            drop(unsafe { Box::from_raw(slot) });
        }
    }
}

#[derive(Debug)]
struct Process {
    handle: Handle,
    /// `None` where the system refused to make it.
    direct: Option<Direct>,
    since: Instant,
    runtime: Mutex<Option<Runtime>>,
    is_closed: AtomicBool,
    cleanups: AtomicUsize,
}

/// Used by one thread at a time.
#[derive(Debug)]
struct Direct {
    runtime: Runtime,
    is_taken: AtomicBool,
    /// When it was last used, since the start of the process's runtimes.
    used_ms: AtomicU64,
}

/// Connections that lay idle for so long may have been closed by the other side, which nobody
/// noticed: the direct runtime sees its sockets only while it runs.
const STALE_AFTER: Duration = Duration::from_millis(250);

thread_local! {
    static IS_DIRECT: Cell<bool> = const { Cell::new(false) };
}

/// Whether this code is run by the direct runtime. Connections belong to the runtime that made
/// them; a client that keeps some has to keep two sets.
pub(crate) fn is_direct() -> bool {
    IS_DIRECT.get()
}

static PROCESS: PerProcess<Option<Process>> = PerProcess::new();

fn process() -> Result<&'static Process> {
    let made = PROCESS.get(|| {
        let workers = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(1, 4));
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("opendalfs")
            .enable_all()
            .build()
            .ok()?;
        let direct = Builder::new_current_thread().enable_all().build().ok();
        Some(Process {
            handle: runtime.handle().clone(),
            direct: direct.map(|runtime| Direct {
                runtime,
                is_taken: AtomicBool::new(false),
                used_ms: AtomicU64::new(0),
            }),
            since: Instant::now(),
            runtime: Mutex::new(Some(runtime)),
            is_closed: AtomicBool::new(false),
            cleanups: AtomicUsize::new(0),
        })
    });
    match made {
        Some(p) if p.is_closed.load(Ordering::Acquire) => Err(Error::new(
            Kind::Unexpected,
            "the interpreter is shutting down",
        )),
        Some(p) => Ok(p),
        None => Err(Error::new(
            Kind::Unexpected,
            "no thread could be started for input and output",
        )),
    }
}

/// Handle of this process's runtime.
///
/// # Errors
/// After [`shutdown`], or when the system refuses to start threads.
pub fn handle() -> Result<Handle> {
    Ok(process()?.handle.clone())
}

/// The runtime that a thread blocks on: the direct one, unless another thread has it.
///
/// Hold it for all steps of an operation: what a step leaves open belongs to the runtime it was
/// opened on.
#[derive(Debug)]
pub struct Lane {
    process: &'static Process,
    direct: Option<&'static Direct>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(direct) = self.direct {
            direct.is_taken.store(false, Ordering::Release);
        }
    }
}

/// Take a lane. Never waits.
///
/// # Errors
/// See [`handle`].
pub fn lane() -> Result<Lane> {
    let process = process()?;
    let take = |d: &&'static Direct| !d.is_taken.swap(true, Ordering::Acquire);
    Ok(Lane {
        process,
        direct: process.direct.as_ref().filter(take),
    })
}

impl Lane {
    /// Run a future to its end on the calling thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                IS_DIRECT.set(false);
            }
        }
        let Some(direct) = self.direct else {
            return self.process.handle.block_on(future);
        };
        IS_DIRECT.set(true);
        let _leave = Leave;
        let now = self.process.since.elapsed();
        let rest = now.saturating_sub(Duration::from_millis(
            direct.used_ms.load(Ordering::Relaxed),
        ));
        if rest > STALE_AFTER {
            // One turn sees what happened to the sockets, the next tells the connections.
            direct.runtime.block_on(async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            });
        }
        let out = direct.runtime.block_on(future);
        let now = u64::try_from(self.process.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        direct.used_ms.store(now, Ordering::Relaxed);
        out
    }
}

/// Run a future to its end on the calling thread.
///
/// # Errors
/// See [`handle`].
pub fn block_on<F: Future>(future: F) -> Result<F::Output> {
    Ok(lane()?.block_on(future))
}

/// Start a task in the background. Dropping the handle does not end it.
///
/// # Errors
/// See [`handle`].
pub fn spawn<F>(future: F) -> Result<JoinHandle<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Ok(process()?.handle.spawn(future))
}

/// Start a task that puts something in order (abort an upload, remove a temporary file).
/// [`shutdown`] waits for it, within a bound.
pub fn spawn_cleanup<F>(future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    struct Done(&'static Process);
    impl Drop for Done {
        fn drop(&mut self) {
            self.0.cleanups.fetch_sub(1, Ordering::AcqRel);
        }
    }
    let Ok(process) = process() else { return };
    process.cleanups.fetch_add(1, Ordering::AcqRel);
    let done = Done(process);
    process.handle.spawn(async move {
        let _done = done;
        let _ = tokio::time::timeout(Duration::from_secs(30), future).await;
    });
}

/// Let the other tasks of this runtime go on: a connection whose answer was dropped half-way is
/// closed by its task, and the direct runtime runs nothing once its caller has what it waited
/// for. The server would go on holding the object until then.
pub(crate) async fn turn() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

/// Wait until no clean-up is under way, at most `patience`.
pub async fn settled(patience: Duration) {
    let Ok(process) = process() else { return };
    let until = Instant::now() + patience;
    while process.cleanups.load(Ordering::Acquire) > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Stop the runtime before the interpreter goes. Waits up to `patience` for clean-up tasks,
/// then leaves what still runs behind.
pub fn shutdown(patience: Duration) {
    let Ok(process) = process() else { return };
    let until = Instant::now() + patience;
    while process.cleanups.load(Ordering::Acquire) > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    process.is_closed.store(true, Ordering::Release);
    // Daemon threads may still be in the middle of something and find the runtime gone; the
    // process is about to end, and what they would print is no news to anybody.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = process
        .runtime
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(Duration::from_millis(500));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_in_a_process() {
        let cell = PerProcess::new();
        let first: *const String = cell.get(|| "a".to_owned());
        let second: *const String = cell.get(|| "b".to_owned());
        assert_eq!(first, second);
    }

    #[test]
    fn racing_threads_share_one_value() {
        let cell = PerProcess::new();
        std::thread::scope(|s| {
            let handles: Vec<_> = (0..8)
                .map(|i| {
                    s.spawn({
                        let cell = &cell;
                        move || *cell.get(|| i)
                    })
                })
                .collect();
            let seen: std::collections::HashSet<i32> =
                handles.into_iter().map(|h| h.join().unwrap()).collect();
            assert_eq!(seen.len(), 1);
        });
    }
}
