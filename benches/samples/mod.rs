//! What the benches read: `seeds/documents`.

use petition::document::{Document, ReadOptions, list};
use std::path::PathBuf;

/// Sentences in all of them.
pub const N_SENTENCES: usize = 76;

/// The sample documents, in the order of their names.
pub fn documents() -> Vec<Document> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/documents"));
    let options = ReadOptions::default();
    let inputs = list(&[folder], &options).expect("the folder is there");
    inputs.iter().flat_map(|i| i.open(&options).expect("opens")).map(|d| d.expect("is text")).collect()
}
