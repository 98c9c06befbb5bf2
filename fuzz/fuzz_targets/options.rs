//! Options of the user, and messages of services.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opendalfs_core::fuzzing;

fuzz_target!(|input: (Vec<(u8, &str, &str)>, &str)| {
    let (given, message) = input;
    let named = given
        .iter()
        .map(|(number, other, value)| (fuzzing::option_name(*number, other), *value));
    fuzzing::options(&named.collect::<Vec<_>>());
    fuzzing::errors(message);
});
