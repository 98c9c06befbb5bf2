//! Paths on their way to a bucket and a key, keys on their way through OpenDAL, and the
//! endpoint of a store.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use opendalfs_core::{Store, fuzzing};

static STORES: LazyLock<Vec<Store>> = LazyLock::new(|| {
    opendalfs_service_fs::register();
    opendalfs_service_memory::register();
    opendalfs_service_s3::register();
    let named: [(&str, &[(&str, &str)]); 5] = [
        ("memory", &[]),
        ("memory", &[("root", "r")]),
        ("fs", &[]),
        ("s3", &[("region", "r")]),
        ("s3", &[("region", "r"), ("bucket", "b")]),
    ];
    let made = named.map(|(scheme, options)| Store::new(scheme, options.iter().copied()));
    made.map(|store| store.expect("these options are right"))
        .into()
});

fuzz_target!(|input: (&str, &str)| {
    let (path, endpoint) = input;
    fuzzing::keys(path);
    for store in STORES.iter() {
        fuzzing::paths(store, path);
    }
    if let Ok(store) = Store::new("s3", [("region", "r"), ("endpoint", endpoint)]) {
        fuzzing::paths(&store, path);
    }
});
