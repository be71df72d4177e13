//! The inputs that fuzzing has kept, once more.

#[path = "../fuzz/harness.rs"]
mod harness;

use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut n = 0;
    for entry in std::fs::read_dir(&folder).expect("a corpus") {
        run(&std::fs::read(entry.expect("an entry").path()).expect("readable"));
        n += 1;
    }
    assert!(n >= 5, "{n} inputs in {}", folder.display());
}

#[test]
fn sentences() {
    replay("sentences", harness::sentences);
}

#[test]
fn documents() {
    replay("documents", harness::documents);
}

#[test]
fn labels() {
    replay("labels", harness::labels);
}

#[test]
fn taxonomy() {
    replay("taxonomy", harness::taxonomy);
}

#[test]
fn model() {
    replay("model", harness::model);
}
