//! The one door between Rust futures and Python.
//!
//! [`awaitable`] wraps a future and the conversion of its result in a [`Pending`]. Python may
//! `await` it on any asyncio loop or call `wait()`. Coroutines that await nothing but `Pending`
//! objects can also be run to their end without a loop (`opendalfs._blocking.run`): each
//! `Pending` then blocks the calling thread with the GIL released. So there is one implementation of
//! every operation, and both ways of calling it run the same code.
//!
//! Threads of the runtime never touch Python. They put a number into the queue of the event
//! loop that waits and wake it through a socket the loop watches; results become Python
//! objects on the loop's own thread. That is cheaper than attaching to the interpreter from a
//! foreign thread, and nothing can attach while the interpreter is being taken down.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::FutureExt;
use opendalfs_core::{Error, Result, runtime};
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::task::JoinHandle;

use crate::errors::raise;

type Object = Py<PyAny>;
/// Turns a result into a Python object, on a thread that is attached.
type Convert = Box<dyn FnOnce(Python<'_>) -> PyResult<Step> + Send>;
type Work = Pin<Box<dyn Future<Output = Convert> + Send>>;

/// How often a blocked thread looks for Ctrl-C.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);
/// How long a cancelled call waits for what it started to be taken back.
const SETTLE: Duration = Duration::from_secs(10);

thread_local! {
    /// Set while a coroutine is run to its end on this thread.
    static IS_BLOCKING: Cell<bool> = const { Cell::new(false) };
}

/// How a future should be run when it is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It ends in less time than it takes to release the GIL and get it back.
    Instant,
    /// It ends without waiting: try on the loop's thread first.
    Immediate,
    /// It mostly ends without waiting, but a disk may be slow: try at once on a thread that
    /// waits anyway, not on that of an event loop.
    Prompt,
    /// It waits for something.
    Waiting,
}

/// What follows a future.
pub(crate) enum Step {
    /// Nothing: here is the result.
    Done(Object),
    /// Another future, for which something had to be made that only Python can make.
    More(Work),
}

/// Wrap a future for Python. `convert` runs attached, with the result.
pub(crate) fn awaitable<T, F, C>(pace: Pace, future: F, convert: C) -> Pending
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
    C: FnOnce(Python<'_>, T) -> PyResult<Object> + Send + 'static,
{
    let convert = |py: Python<'_>, value| convert(py, value).map(Step::Done);
    staged(pace, work(future, convert))
}

/// Wrap work that may take several steps.
pub(crate) fn staged(pace: Pace, work: Work) -> Pending {
    Pending {
        state: Mutex::new(State::Ready(work)),
        pace,
    }
}

/// A future and what follows it, which runs attached.
pub(crate) fn work<T, F, C>(future: F, next: C) -> Work
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
    C: FnOnce(Python<'_>, T) -> PyResult<Step> + Send + 'static,
{
    Box::pin(async move {
        let outcome = AssertUnwindSafe(future)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(Error::from_panic(&*panic)));
        let convert: Convert = Box::new(move |py: Python<'_>| match outcome {
            Ok(value) => next(py, value),
            Err(err) => Err(raise(py, &err)),
        });
        convert
    })
}

enum State {
    Ready(Work),
    Waiting {
        result: Arc<Mutex<Option<Convert>>>,
        task: JoinHandle<()>,
    },
    /// Cancelled; raised once the clean-up is over.
    Settling(PyErr),
    Spent,
}

/// One operation: `await` it, or call `wait()` to block until it is done. Use it once.
#[pyclass(frozen, module = "opendalfs._core")]
pub(crate) struct Pending {
    state: Mutex<State>,
    pace: Pace,
}

#[pymethods]
impl Pending {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Object> {
        if IS_BLOCKING.get() {
            return Err(stop(self.wait(py)?));
        }
        match self.take() {
            State::Ready(work) => self.start(py, work),
            State::Waiting { result, .. } => {
                let convert = lock(&result).take();
                match convert {
                    Some(convert) => match convert(py)? {
                        Step::Done(value) => Err(stop(value)),
                        Step::More(work) => self.start(py, work),
                    },
                    None => Err(PyRuntimeError::new_err(
                        "a Pending was resumed before it was done",
                    )),
                }
            }
            State::Settling(err) => Err(err),
            State::Spent => Err(PyRuntimeError::new_err(
                "a Pending can be awaited only once",
            )),
        }
    }

    fn send(&self, py: Python<'_>, _value: Bound<'_, PyAny>) -> PyResult<Object> {
        self.__next__(py)
    }

    /// Called by the event loop's task when it is cancelled. What was started is taken back
    /// first (an upload aborted); the exception goes on after that.
    #[pyo3(signature = (exc, value = None, traceback = None))]
    fn throw(
        &self,
        py: Python<'_>,
        exc: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Object> {
        let _ = traceback;
        let err = match value {
            Some(value) => PyErr::from_value(value),
            None => PyErr::from_value(exc),
        };
        let State::Waiting { task, .. } = self.take() else {
            return Err(err);
        };
        task.abort();
        let waited = wait_on_loop(py, async {
            // A task that is in the middle of a step ends it first.
            let _ = tokio::time::timeout(SETTLE, task).await;
            runtime::settled(SETTLE).await;
        });
        match waited {
            Ok((future, ..)) => {
                *lock(&self.state) = State::Settling(err);
                Ok(future)
            }
            Err(_) => Err(err),
        }
    }

    fn close(&self) {
        if let State::Waiting { task, .. } = self.take() {
            task.abort();
        }
    }

    /// Block until the operation is done and return its result. The GIL is released;
    /// Ctrl-C ends the wait and the operation.
    fn wait(&self, py: Python<'_>) -> PyResult<Object> {
        let State::Ready(mut work) = self.take() else {
            return Err(PyRuntimeError::new_err(
                "a Pending can be awaited only once",
            ));
        };
        if self.pace != Pace::Waiting {
            let mut pace = self.pace;
            while let Some(convert) = poll_once(py, &mut work, &mut pace)? {
                match convert(py)? {
                    Step::Done(value) => return Ok(value),
                    Step::More(more) => work = more,
                }
            }
        }
        let lane = runtime::lane().map_err(|e| raise(py, &e))?;
        loop {
            let polled = gate::detached(py, || {
                lane.block_on(async { tokio::time::timeout(SIGNAL_INTERVAL, &mut work).await })
            });
            if let Ok(convert) = polled {
                match convert(py)? {
                    Step::Done(value) => return Ok(value),
                    Step::More(more) => work = more,
                }
                continue;
            }
            if let Err(interrupt) = py.check_signals() {
                gate::detached(py, || {
                    drop(work);
                    // Driven a little longer, what was dropped closes its connections.
                    lane.block_on(runtime::settled(SETTLE));
                });
                return Err(interrupt);
            }
        }
    }
}

impl Pending {
    fn take(&self) -> State {
        std::mem::replace(&mut *lock(&self.state), State::Spent)
    }

    fn start(&self, py: Python<'_>, mut work: Work) -> PyResult<Object> {
        if matches!(self.pace, Pace::Instant | Pace::Immediate) {
            let mut pace = self.pace;
            while let Some(convert) = poll_once(py, &mut work, &mut pace)? {
                match convert(py)? {
                    Step::Done(value) => return Err(stop(value)),
                    Step::More(more) => work = more,
                }
            }
        }
        let (future, result, task) = wait_on_loop(py, work)?;
        *lock(&self.state) = State::Waiting { result, task };
        Ok(future)
    }
}

/// Try work that is expected to end without waiting. Steps after the first are long ones.
fn poll_once(py: Python<'_>, work: &mut Work, pace: &mut Pace) -> PyResult<Option<Convert>> {
    let handle = runtime::handle().map_err(|e| raise(py, &e))?;
    let mut poll = || {
        let _inside = handle.enter();
        work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    let polled = match std::mem::replace(pace, Pace::Immediate) {
        Pace::Instant => poll(),
        _ => gate::detached(py, poll),
    };
    Ok(match polled {
        Poll::Ready(convert) => Some(convert),
        Poll::Pending => None,
    })
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.close();
    }
}

/// Say whether a `Pending` that is awaited on this thread blocks; the result is what was said
/// before. `opendalfs._blocking.run` is the only caller.
#[pyfunction]
pub(crate) fn set_blocking(is_blocking: bool) -> bool {
    IS_BLOCKING.replace(is_blocking)
}

/// The way back into the interpreter, which closes when it is being taken down.
///
/// A thread that attaches to a finalising interpreter is ended by CPython, by unwinding its
/// stack; Rust frames on it turn that into an abort of the process. So daemon threads that are
/// in the middle of an operation then stay outside, for ever.
mod gate {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use pyo3::Python;

    static IS_CLOSED: AtomicBool = AtomicBool::new(false);
    static RETURNING: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        static HAS_KEY: Cell<bool> = const { Cell::new(false) };
    }

    /// `py.detach` whose way back leads through the gate.
    pub(super) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
        let out = py.detach(|| {
            // A panic takes the same way back.
            let out = catch_unwind(AssertUnwindSafe(work));
            RETURNING.fetch_add(1, Ordering::SeqCst);
            if IS_CLOSED.load(Ordering::SeqCst) && !HAS_KEY.get() {
                RETURNING.fetch_sub(1, Ordering::SeqCst);
                loop {
                    std::thread::park();
                }
            }
            out
        });
        RETURNING.fetch_sub(1, Ordering::SeqCst);
        out.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Close the gate for all threads but this one, and wait for those who are passing.
    pub(super) fn close(py: Python<'_>) {
        HAS_KEY.set(true);
        IS_CLOSED.store(true, Ordering::SeqCst);
        py.detach(|| {
            let until = Instant::now() + Duration::from_secs(1);
            while RETURNING.load(Ordering::SeqCst) > 0 && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    }
}

/// Stop the runtime; registered with `atexit`, so that no thread of ours runs while the
/// interpreter is taken down. Waits up to 3 s for uploads that are being aborted.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>) {
    gate::close(py);
    py.detach(|| runtime::shutdown(Duration::from_secs(3)));
}

fn stop(value: Object) -> PyErr {
    PyStopIteration::new_err((value,))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Waited<T> = (Object, Arc<Mutex<Option<T>>>, JoinHandle<()>);

/// Run a future on the runtime; the asyncio future that is returned is done when it is.
fn wait_on_loop<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = T> + Send + 'static,
) -> PyResult<Waited<T>> {
    static GET_LOOP: PyOnceLock<Object> = PyOnceLock::new();
    let get_loop = GET_LOOP.import(py, "asyncio", "get_running_loop")?;
    let event_loop = get_loop.call0()?;
    let queue = queue_of(&event_loop)?;
    let future = event_loop.call_method0(intern!(py, "create_future"))?;
    future.setattr(intern!(py, "_asyncio_future_blocking"), true)?;
    let key = queue.get().add(future.clone().unbind());
    let shared = Arc::clone(&queue.get().shared);
    let result = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&result);
    let task = runtime::spawn(async move {
        let value = work.await;
        *lock(&slot) = Some(value);
        shared.done(key);
    })
    .map_err(|e| raise(py, &e))?;
    Ok((future.unbind(), result, task))
}

/// What threads of the runtime see of an event loop: numbers go in, a byte wakes it.
struct Shared {
    done: Mutex<Vec<u64>>,
    waker: LoopWaker,
}

enum LoopWaker {
    #[cfg(unix)]
    Socket(std::os::unix::net::UnixStream),
    /// For loops that cannot watch a socket: a thread that calls `call_soon_threadsafe`.
    Thread(std::sync::mpsc::Sender<()>),
}

impl Shared {
    fn done(&self, key: u64) {
        let was_empty = {
            let mut done = lock(&self.done);
            done.push(key);
            done.len() == 1
        };
        if !was_empty {
            return;
        }
        match &self.waker {
            #[cfg(unix)]
            LoopWaker::Socket(socket) => {
                // A full socket holds a wake-up already; a closed loop needs none.
                let _ = std::io::Write::write(&mut &*socket, &[0]);
            }
            LoopWaker::Thread(sender) => {
                let _ = sender.send(());
            }
        }
    }
}

/// The waiting futures of one event loop. Belongs to the loop and goes with it.
#[pyclass(frozen, module = "opendalfs._core")]
struct LoopQueue {
    shared: Arc<Shared>,
    futures: Mutex<HashMap<u64, Object>>,
    next: AtomicU64,
    #[cfg(unix)]
    socket: Option<std::os::unix::net::UnixStream>,
}

#[pymethods]
impl LoopQueue {
    /// Called by the event loop: mark what is done as done.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        #[cfg(unix)]
        if let Some(socket) = &self.socket {
            let mut bytes = [0_u8; 64];
            while std::io::Read::read(&mut &*socket, &mut bytes).is_ok_and(|n| n == bytes.len()) {}
        }
        let done = std::mem::take(&mut *lock(&self.shared.done));
        for key in done {
            let Some(future) = lock(&self.futures).remove(&key) else {
                continue;
            };
            let future = future.bind(py);
            if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
                future.call_method1(intern!(py, "set_result"), (py.None(),))?;
            }
        }
        Ok(())
    }
}

impl LoopQueue {
    fn add(&self, future: Object) -> u64 {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.futures).insert(key, future);
        key
    }

    fn new(shared: Shared) -> Self {
        LoopQueue {
            shared: Arc::new(shared),
            futures: Mutex::default(),
            next: AtomicU64::new(0),
            #[cfg(unix)]
            socket: None,
        }
    }
}

/// The queue of an event loop, made when it is first waited on.
fn queue_of<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, LoopQueue>> {
    static QUEUES: PyOnceLock<Object> = PyOnceLock::new();
    let py = event_loop.py();
    let queues = QUEUES
        .get_or_try_init(py, || {
            let made = py
                .import("weakref")?
                .getattr("WeakKeyDictionary")?
                .call0()?;
            PyResult::Ok(made.unbind())
        })?
        .bind(py);
    let known = queues.call_method1(intern!(py, "get"), (event_loop,))?;
    if !known.is_none() {
        return Ok(known.cast_into::<LoopQueue>()?);
    }
    let queue = match watched(event_loop)? {
        Some(queue) => queue,
        None => threaded(event_loop)?,
    };
    queues.call_method1(intern!(py, "__setitem__"), (event_loop, &queue))?;
    Ok(queue)
}

/// A queue whose socket the loop watches; `None` where the loop cannot.
#[cfg(unix)]
fn watched<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, LoopQueue>>> {
    use std::os::fd::AsRawFd;
    let py = event_loop.py();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    let fd = theirs.as_raw_fd();
    let mut queue = LoopQueue::new(Shared {
        done: Mutex::default(),
        waker: LoopWaker::Socket(ours),
    });
    queue.socket = Some(theirs);
    let queue = Bound::new(py, queue)?;
    let added = event_loop.call_method1("add_reader", (fd, queue.getattr("drain")?));
    match added {
        Ok(_) => Ok(Some(queue)),
        Err(e) if e.is_instance_of::<pyo3::exceptions::PyNotImplementedError>(py) => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(not(unix))]
fn watched<'py>(_event_loop: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, LoopQueue>>> {
    Ok(None)
}

fn threaded<'py>(event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, LoopQueue>> {
    let py = event_loop.py();
    let (sender, wakes) = std::sync::mpsc::channel();
    let queue = Bound::new(
        py,
        LoopQueue::new(Shared {
            done: Mutex::default(),
            waker: LoopWaker::Thread(sender),
        }),
    )?;
    let weak = py.import("weakref")?.getattr("ref")?;
    let event_loop = weak.call1((event_loop,))?.unbind();
    let drain = queue.getattr("drain")?.unbind();
    std::thread::Builder::new()
        .name("opendalfs-wake".into())
        .spawn(move || {
            while wakes.recv().is_ok() {
                // `None` and errors: the interpreter or the loop is gone, nobody waits.
                let is_alive = Python::try_attach(|py| {
                    let event_loop = event_loop.bind(py).call0().ok()?;
                    let woken = event_loop.call_method1("call_soon_threadsafe", (&drain,));
                    woken.ok().map(|_| ())
                });
                if is_alive.flatten().is_none() {
                    return;
                }
            }
        })?;
    Ok(queue)
}
