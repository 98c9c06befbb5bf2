//! Answers of servers that know ranges well, badly or not at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opendalfs_core::fuzzing::{self, Answer};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    /// A header, or the two ends of one.
    range: Result<&'a [u8], (Option<u16>, Option<u16>)>,
    status: Option<u16>,
    content_range: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    is_encoded: bool,
    body: &'a [u8],
    step: u8,
}

fuzz_target!(|input: Input<'_>| {
    let end = |v: Option<u16>| v.map(|v| v.to_string()).unwrap_or_default();
    let range = match input.range {
        Ok(text) => text.to_vec(),
        Err((first, last)) => format!("bytes={}-{}", end(first), end(last)).into_bytes(),
    };
    fuzzing::ranges(&Answer {
        range: &range,
        status: input.status.unwrap_or(200),
        content_range: input.content_range,
        content_length: input.content_length,
        is_encoded: input.is_encoded,
        body: input.body,
        step: input.step,
    });
});
