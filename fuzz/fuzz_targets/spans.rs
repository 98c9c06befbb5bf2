//! Slices as Python means them, and spans that are cut into parts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opendalfs_core::fuzzing;

fuzz_target!(|input: (Option<i64>, Option<i64>, u64, u16, u8)| {
    let (start, end, size, len, part) = input;
    fuzzing::spans(start, end, size);
    fuzzing::parts(size, len, part);
});
