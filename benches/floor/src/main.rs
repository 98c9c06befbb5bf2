//! The floor of three cases of `benches/bench_s3.py`: the same requests with a bare HTTP client.
//!
//! Here is no OpenDAL, no signing, no retry and no Python: what another client needs beyond this
//! is its own. The URLs are presigned by the caller; only plain `http://` is spoken.
//!
//! ```text
//! opendalfs-floor get  --bytes N [--concurrency 4] [--part-mib 8] [--huge-pages] [URL-FILE]
//! opendalfs-floor cat  --bytes N [--concurrency 16] [URL-FILE]
//! opendalfs-floor tiny --bytes N [--repeat 300] [URL-FILE]
//! ```
//!
//! `get` reads the object of the first URL into one buffer, in ranges; `cat` reads the objects of
//! all URLs into a buffer each; `tiny` reads the first again and again. `--bytes` is the size of
//! each object: any other size is an error. Without a file the URLs come from standard input.
//! Printed is one line of JSON: seconds of wall time (of `tiny` the median of one request) and of
//! CPU time, and the peak memory of the process.

use std::error::Error;
use std::io::Read;
use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Http = Client<HttpConnector, Empty<Bytes>>;

/// A huge page of x86-64 and of most arm64 systems.
const HUGE_PAGE: usize = 2 << 20;

/// What the command line asks for.
struct Arguments {
    case: String,
    bytes: usize,
    concurrency: Option<usize>,
    part_bytes: usize,
    repeat: usize,
    huge_pages: bool,
    urls: Vec<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut parsed = Self {
            case: words
                .next()
                .ok_or("usage: opendalfs-floor get|cat|tiny --bytes N")?,
            bytes: 0,
            concurrency: None,
            part_bytes: 8 << 20,
            repeat: 300,
            huge_pages: false,
            urls: Vec::new(),
        };
        let mut file = None;
        while let Some(word) = words.next() {
            let mut number = || -> Result<usize> {
                let value = words
                    .next()
                    .ok_or_else(|| format!("{word} takes a number"))?;
                value
                    .parse()
                    .map_err(|_| format!("{word} takes a number, not {value}").into())
            };
            match word.as_str() {
                "--bytes" => parsed.bytes = number()?,
                "--concurrency" => parsed.concurrency = Some(number()?.max(1)),
                "--part-mib" => parsed.part_bytes = number()?.max(1) << 20,
                "--repeat" => parsed.repeat = number()?.max(1),
                "--huge-pages" => parsed.huge_pages = true,
                option if option.starts_with("--") => return Err(format!("no {option}").into()),
                path => file = Some(path.to_owned()),
            }
        }
        let mut text = String::new();
        match file {
            Some(path) => text = std::fs::read_to_string(path)?,
            None => drop(std::io::stdin().read_to_string(&mut text)?),
        }
        parsed.urls = text.lines().map(str::to_owned).collect();
        if parsed.bytes == 0 || parsed.urls.is_empty() {
            return Err("--bytes and at least one URL are needed".into());
        }
        Ok(parsed)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    // More threads gain nothing: one is idle for most of the time already.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Http = Client::builder(TokioExecutor::new())
        .http1_max_buf_size(1 << 20)
        .build(connector);

    // The first connection is not the question, as in the other candidates; the further ones are.
    runtime.block_on(fetch(&client, &arguments.urls[0], Some(0..1), &mut [0]))?;
    let (begin, begin_cpu) = (Instant::now(), cpu_seconds());
    let median = match arguments.case.as_str() {
        "get" => runtime.block_on(get(&client, &arguments)).map(|()| None),
        "cat" => runtime.block_on(cat(&client, &arguments)).map(|()| None),
        "tiny" => tiny(&runtime, &client, &arguments).map(Some),
        other => Err(format!("no case {other}").into()),
    }?;
    let (whole, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - begin_cpu);
    let (wall, rss) = (median.unwrap_or(whole), peak_mib());
    #[expect(clippy::print_stdout, reason = "the result of the program")]
    {
        println!(r#"{{"wall": {wall:.9}, "cpu": {cpu:.6}, "rss_mib": {rss:.1}}}"#);
    }
    Ok(())
}

/// Reads one large object into one buffer, some ranges at once.
async fn get(client: &Http, arguments: &Arguments) -> Result<()> {
    let mut buffer = vec![0; arguments.bytes];
    if arguments.huge_pages {
        advise_huge_pages(&mut buffer);
    }
    let (url, part_bytes) = (&arguments.urls[0], arguments.part_bytes);
    let parts = buffer.chunks_mut(part_bytes).enumerate();
    futures::stream::iter(parts)
        .map(|(number, part)| {
            let first = number * part_bytes;
            fetch(client, url, Some(first..first + part.len()), part)
        })
        .buffer_unordered(arguments.concurrency.unwrap_or(4))
        .try_for_each(async |()| Ok(()))
        .await
}

/// Reads every object into a buffer of its own; all are kept to the end.
async fn cat(client: &Http, arguments: &Arguments) -> Result<()> {
    let objects: Vec<Vec<u8>> = futures::stream::iter(&arguments.urls)
        .map(async |url| {
            let mut object = vec![0; arguments.bytes];
            fetch(client, url, None, &mut object).await?;
            Result::Ok(object)
        })
        .buffer_unordered(arguments.concurrency.unwrap_or(16))
        .try_collect()
        .await?;
    if objects.len() != arguments.urls.len() {
        return Err("objects are missing".into());
    }
    Ok(())
}

/// Reads one small object, one request after the other; returns the median seconds of one.
fn tiny(runtime: &tokio::runtime::Runtime, client: &Http, arguments: &Arguments) -> Result<f64> {
    let mut times = Vec::with_capacity(arguments.repeat);
    for _ in 0..arguments.repeat {
        let begin = Instant::now();
        let mut object = vec![0; arguments.bytes];
        runtime.block_on(fetch(client, &arguments.urls[0], None, &mut object))?;
        times.push(begin.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    Ok(if times.len() % 2 == 1 {
        times[middle]
    } else {
        f64::midpoint(times[middle - 1], times[middle])
    })
}

/// Fills `target` with an object or a range of it; fails where the body has any other length.
async fn fetch(
    client: &Http,
    url: &str,
    range: Option<Range<usize>>,
    target: &mut [u8],
) -> Result<()> {
    let mut request = Request::get(url);
    if let Some(Range { start, end }) = range {
        request = request.header("range", format!("bytes={start}-{}", end - 1));
    }
    let mut response = client.request(request.body(Empty::new())?).await?;
    if !response.status().is_success() {
        return Err(format!("the server answers {}", response.status()).into());
    }
    let mut filled = 0;
    while let Some(frame) = response.body_mut().frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let next = filled + data.len();
        target
            .get_mut(filled..next)
            .ok_or("the body is too long")?
            .copy_from_slice(&data);
        filled = next;
    }
    if filled != target.len() {
        return Err(format!("{filled} bytes instead of {}", target.len()).into());
    }
    Ok(())
}

/// Asks for huge pages behind a buffer that was not touched yet: its first touch then costs one
/// fault in 2 MiB instead of one in 4 KiB, which is half the time of a large read.
#[cfg(target_os = "linux")]
fn advise_huge_pages(buffer: &mut [u8]) {
    let skipped = buffer.as_ptr().align_offset(HUGE_PAGE);
    let Some(whole) = buffer.get_mut(skipped..) else {
        return;
    };
    let length = whole.len() / HUGE_PAGE * HUGE_PAGE;
    // SAFETY: The address is aligned to a page, and the `length` bytes from there belong to
    // `buffer`, which is borrowed mutably. MADV_HUGEPAGE changes no content. A refusal (a kernel
    // without huge pages) only leaves the small ones.
    #[expect(unsafe_code, reason = "std has no madvise")]
    unsafe {
        libc::madvise(whole.as_mut_ptr().cast(), length, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_: &mut [u8]) {}

/// Returns the CPU time of this process, user and system.
fn cpu_seconds() -> f64 {
    let usage = usage();
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Returns the peak memory of this program.
fn peak_mib() -> f64 {
    // ru_maxrss survives an exec: it may be the peak of the program that started this one.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    match line.and_then(|value| value.trim().trim_end_matches(" kB").parse::<f64>().ok()) {
        Some(kib) => kib / 1024.0,
        // In bytes on macOS, the system without /proc.
        None => usage().ru_maxrss as f64 / f64::from(1 << 20),
    }
}

fn usage() -> libc::rusage {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the rusage it is given a valid pointer to. All zeros are a valid
    // rusage too, which is what remains if it fails.
    #[expect(unsafe_code, reason = "std has no getrusage")]
    unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    }
}
