//! Many files in one call, some at once, with progress for those who ask.

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::Result;
use crate::runtime;
use crate::store::Store;
use crate::transfer::{Progress, silent};
use crate::write::WriteOptions;

/// One file to move.
#[derive(Clone, Debug)]
pub enum Job {
    /// Store to local disk.
    Download(String, PathBuf),
    /// Local disk to store.
    Upload(PathBuf, String),
    /// Inside the store.
    Copy(String, String),
}

/// Something that happened to job `index`.
#[derive(Clone, Debug)]
pub enum Event {
    /// Its size is known, in bytes.
    Total(usize, u64),
    /// So many more bytes moved.
    Moved(usize, u64),
    /// It is over.
    Done(usize, Result<()>),
}

struct Reporter {
    index: usize,
    events: mpsc::UnboundedSender<Event>,
}

impl Progress for Reporter {
    fn total(&self, bytes: u64) {
        let _ = self.events.send(Event::Total(self.index, bytes));
    }
    fn moved(&self, bytes: u64) {
        let _ = self.events.send(Event::Moved(self.index, bytes));
    }
}

/// A bulk transfer under way; dropping it ends it, nothing half-moved stays.
#[derive(Debug)]
pub struct Transfer {
    events: mpsc::UnboundedReceiver<Event>,
    task: JoinHandle<()>,
}

impl Transfer {
    /// What happened since the last call; waits for something. Empty when all is over.
    pub async fn next(&mut self) -> Vec<Event> {
        let mut batch = Vec::new();
        self.events.recv_many(&mut batch, 1024).await;
        batch
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Store {
    async fn run_job(
        &self,
        job: &Job,
        how: &WriteOptions,
        progress: &Arc<dyn Progress>,
    ) -> Result<()> {
        match job {
            Job::Download(from, to) => self.download_with(from, to, progress).await,
            Job::Upload(from, to) => self.upload_with(from, to, how, progress).await,
            Job::Copy(from, to) => {
                let copied = self.copy_with(from, to, how, progress).await;
                copied.map(drop)
            }
        }
    }

    /// Run all jobs, each with its own outcome, in the order given.
    pub async fn run_jobs(&self, jobs: Vec<Job>, how: &WriteOptions) -> Vec<Result<()>> {
        futures::stream::iter(jobs)
            .map(|job| async move { self.run_job(&job, how, &silent()).await })
            .buffered(self.max_concurrency())
            .collect()
            .await
    }

    /// Start all jobs in the background and report.
    ///
    /// # Errors
    /// When the process is shutting down.
    pub fn start_jobs(&self, jobs: Vec<Job>, how: WriteOptions) -> Result<Transfer> {
        let (sender, events) = mpsc::unbounded_channel();
        let store = self.clone();
        let task = runtime::spawn(async move {
            let limit = store.max_concurrency();
            futures::stream::iter(jobs.iter().enumerate())
                .for_each_concurrent(limit, |(index, job)| {
                    let reporter: Arc<dyn Progress> = Arc::new(Reporter {
                        index,
                        events: sender.clone(),
                    });
                    let (store, how, sender) = (&store, &how, &sender);
                    async move {
                        let done = store.run_job(job, how, &reporter).await;
                        let _ = sender.send(Event::Done(index, done));
                    }
                })
                .await;
        })?;
        Ok(Transfer { events, task })
    }
}
