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
    // Real files begin the corpus too; the first byte leaves their format to themselves.
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    for format in ["docx", "email", "epub", "html", "odt", "pdf", "subtitles", "tables"] {
        for entry in std::fs::read_dir(fixtures.join(format)).expect("fixtures") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("readable");
            harness::documents(&[b"\x7e", bytes.as_slice()].concat());
        }
    }
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
