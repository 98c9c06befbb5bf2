//! The paths that every call takes, on the memory store: what the library itself costs.
//!
//! `cargo bench -p opendalfs-core`

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use opendalfs_core::{Buffer, Span, Store, Target, Wanted, WriteOptions, runtime};

fn main() {
    opendalfs_service_memory::register();
    divan::main();
}

fn run<F: Future>(future: F) -> F::Output {
    runtime::block_on(future).expect("the runtime starts")
}

/// A store with one object of this size.
fn store_with(size: usize) -> Store {
    let store = Store::new("memory", [("root", "bench")]).expect("no option is wrong");
    let bytes = Buffer::from(vec![7_u8; size]);
    run(store.write("object", bytes, &WriteOptions::default())).expect("memory takes it");
    store
}

/// The fixed cost of a call: path, operator, runtime.
#[divan::bench]
fn stat(bencher: Bencher) {
    let store = store_with(16);
    bencher.bench(|| run(store.stat(black_box("object"))).unwrap());
}

#[divan::bench(args = [16, 64 << 10, 32 << 20])]
fn read(bencher: Bencher, size: usize) {
    let store = store_with(size);
    bencher
        .counter(BytesCount::new(size))
        .bench(|| run(store.read(black_box("object"), Span::default())).unwrap());
}

/// Sequential reads of 64 KiB, as files make them.
#[divan::bench]
fn read_on(bencher: Bencher) {
    const SIZE: usize = 8 << 20;
    const STEP: usize = 64 << 10;
    let store = store_with(SIZE);
    let mut memory = vec![0_u8; STEP];
    bencher.counter(BytesCount::new(SIZE)).bench_local(|| {
        let reader = run(store.open_reader("object")).unwrap();
        for at in (0..SIZE).step_by(STEP) {
            run(reader.fill_ahead(at as u64, target(&mut memory))).unwrap();
        }
    });
}

/// Many slices of one object in one call.
#[divan::bench]
fn read_many(bencher: Bencher) {
    const COUNT: usize = 1000;
    let store = store_with(1 << 20);
    let mut memory = vec![0_u8; COUNT * 64];
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        let wanted = memory.chunks_mut(64).enumerate().map(|(i, room)| Wanted {
            path: "object".to_owned(),
            span: Span {
                start: Some(1000 * i as i64),
                end: Some(1000 * i as i64 + 64),
            },
            room: Some(target(room)),
        });
        run(store.read_many(wanted.collect(), None))
    });
}

#[divan::bench(args = [1000, 20_000])]
fn find_names(bencher: Bencher, count: usize) {
    let store = Store::new("memory", [("root", "bench-find")]).expect("no option is wrong");
    let items = (0..count).map(|i| (format!("{:03}/{i:06}", i % 200), Buffer::new()));
    run(store.write_many(items.collect(), &WriteOptions::default()));
    bencher
        .counter(ItemsCount::new(count))
        .bench(|| run(store.find_names("", "", None)).unwrap());
}

#[expect(unsafe_code, reason = "a benchmark lends its own memory")]
fn target(memory: &mut [u8]) -> Target {
    // SAFETY: the memory outlives the read, which is waited for, and nobody looks meanwhile.
    unsafe { Target::new(memory.as_mut_ptr(), memory.len(), std::sync::Arc::new(())) }
}
