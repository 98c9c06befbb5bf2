//! One `ssh` process, which all requests of a store share.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opendal_core::{Error, ErrorKind, Result};
use openssh_sftp_client::error::SftpErrorKind;
use openssh_sftp_client::{Sftp, SftpOptions};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};

/// Bytes of what `ssh` complains about that are kept.
const MOST_COMPLAINTS: usize = 4096;

/// Where to go, and as whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    pub(crate) destination: String,
    pub(crate) port: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) known_hosts: &'static str,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
}

impl Login {
    fn command(&self) -> Command {
        let mut ssh = Command::new("ssh");
        let seconds = self.connect_timeout.as_secs().max(1);
        ssh.args(["-o", "BatchMode=yes", "-o"])
            .arg(format!("ConnectTimeout={seconds}"))
            .arg("-o")
            .arg(format!("StrictHostKeyChecking={}", self.known_hosts))
            // A server that vanished is noticed by itself.
            .args(["-o", "ServerAliveInterval=10", "-o", "ForwardX11=no"]);
        for (flag, value) in [("-p", &self.port), ("-l", &self.user), ("-i", &self.key)] {
            if let Some(value) = value {
                ssh.arg(flag).arg(value);
            }
        }
        if self.key.is_some() {
            ssh.args(["-o", "IdentitiesOnly=yes"]);
        }
        ssh.args(["-s", "--"]).arg(&self.destination).arg("sftp");
        ssh.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        ssh
    }
}

/// The connection of a store, made when it is first needed, and again after it broke.
#[derive(Debug)]
pub(crate) struct Line {
    login: Login,
    now: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

impl Line {
    pub(crate) fn new(login: Login) -> Self {
        Line {
            login,
            now: tokio::sync::Mutex::new(None),
        }
    }

    pub(crate) async fn connection(&self) -> Result<Arc<Connection>> {
        let mut now = self.now.lock().await;
        if let Some(connection) = now.as_ref().filter(|c| !c.is_broken()) {
            return Ok(Arc::clone(connection));
        }
        *now = None;
        let login = self.login.clone();
        // What the connection runs lives on the runtime that is always driven.
        let task = opendalfs_core::runtime::spawn(Connection::open(login))
            .map_err(|e| Error::new(ErrorKind::Unexpected, e.to_string()))?;
        let made = task
            .await
            .map_err(|e| Error::new(ErrorKind::Unexpected, e.to_string()))??;
        let made = Arc::new(made);
        *now = Some(Arc::clone(&made));
        Ok(made)
    }
}

/// One session.
pub(crate) struct Connection {
    pub(crate) sftp: Sftp,
    is_broken: AtomicBool,
    patience: Duration,
    /// Killed with the connection.
    _ssh: Child,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    async fn open(login: Login) -> Result<Self> {
        let refused = |why: &std::io::Error| {
            Error::new(
                ErrorKind::ConfigInvalid,
                format!("ssh did not start: {why}"),
            )
        };
        let mut ssh = login.command().spawn().map_err(|e| refused(&e))?;
        let (Some(input), Some(output), Some(complaints)) =
            (ssh.stdin.take(), ssh.stdout.take(), ssh.stderr.take())
        else {
            return Err(refused(&std::io::ErrorKind::BrokenPipe.into()));
        };
        let complaints = Complaints::of(complaints);
        // Time to connect, and as much to log in.
        let patience = 2 * login.connect_timeout;
        let hello = Sftp::new(input, output, SftpOptions::default());
        let sftp = match tokio::time::timeout(patience, hello).await {
            Ok(Ok(sftp)) => sftp,
            Ok(Err(_)) => return Err(complaints.error().await),
            Err(_) => return Err(timed_out()),
        };
        Ok(Connection {
            sftp,
            is_broken: AtomicBool::new(false),
            patience: login.request_timeout,
            _ssh: ssh,
        })
    }

    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// Wait for an answer, within the time allowed; what went wrong in the house's terms.
    pub(crate) async fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, openssh_sftp_client::Error>>,
    ) -> Result<T> {
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(e)) => Err(self.failed(&e)),
            Err(_) => {
                self.is_broken.store(true, Ordering::Relaxed);
                Err(timed_out())
            }
        }
    }

    fn failed(&self, err: &openssh_sftp_client::Error) -> Error {
        let openssh_sftp_client::Error::SftpError(kind, message) = err else {
            // Not the server's word but that of the way to it: the next request takes another.
            self.is_broken.store(true, Ordering::Relaxed);
            return Error::new(ErrorKind::Unexpected, format!("connection lost: {err}"))
                .set_temporary();
        };
        let kind = match kind {
            SftpErrorKind::NoSuchFile => ErrorKind::NotFound,
            SftpErrorKind::PermDenied => ErrorKind::PermissionDenied,
            SftpErrorKind::OpUnsupported => ErrorKind::Unsupported,
            _ => ErrorKind::Unexpected,
        };
        let text = message.to_string();
        let text = text.strip_prefix("Err Message: ").unwrap_or(&text);
        let text = text.split(", Language Tag").next().unwrap_or_default();
        Error::new(kind, text)
    }
}

/// What `ssh` says on its standard error.
struct Complaints {
    said: Arc<Mutex<Vec<u8>>>,
    reading: tokio::task::JoinHandle<()>,
}

impl Complaints {
    /// Reads to the end, or a talkative `ssh` would wait for someone to listen.
    fn of(mut stderr: ChildStderr) -> Self {
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        let reading = tokio::spawn(async move {
            let mut piece = [0; 1024];
            while let Ok(n @ 1..) = stderr.read(&mut piece).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() < MOST_COMPLAINTS {
                    kept.extend_from_slice(&piece[..n]);
                }
            }
        });
        Complaints { said, reading }
    }

    /// Why there is no session.
    async fn error(self) -> Error {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.reading).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&said);
        let mut lines = text.lines().filter(|l| !l.starts_with("Warning: "));
        let why = lines.next_back().unwrap_or("ssh ended without a word");
        let is_refused = text.contains("Permission denied") || text.contains("verification failed");
        if is_refused {
            return Error::new(ErrorKind::PermissionDenied, why);
        }
        Error::new(ErrorKind::Unexpected, why).set_temporary()
    }
}

fn timed_out() -> Error {
    let source = std::io::Error::from(std::io::ErrorKind::TimedOut);
    Error::new(ErrorKind::Unexpected, "the server does not answer")
        .set_source(source)
        .set_temporary()
}
