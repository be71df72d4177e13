//! What is held against any bytes whatever: it ends, it does not panic, and what comes out hangs together. The fuzzer calls these,
//! and so does a test, on the corpus that is kept.
#![allow(dead_code)]

use petition::document::{Format, Limits, ReadOptions, read};
use petition::features::Text;
use petition::model::Model;
use petition::sentence::split;
use petition::taxonomy::Taxonomy;
use std::io::{Cursor, Write as _};
use std::sync::LazyLock;

/// So small that it is met.
const LIMITS: Limits = Limits { max_document_bytes: 1 << 16, max_unpack_ratio: 20 };

/// Sentences lie in their text, in order, and do not overlap.
pub fn sentences(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut end = 0;
    for sentence in split(&text) {
        assert!(sentence.start >= end && sentence.text.contains(char::is_alphanumeric));
        end = sentence.end();
        assert_eq!(&text[sentence.start..end], sentence.text);
    }
}

/// The first byte chooses how the others are read: as what they are, or as a format. Documents are within the limits, and their
/// places in order.
pub fn documents(bytes: &[u8]) {
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let options = ReadOptions {
        format: Format::all().nth(usize::from(first & 0x7f)),
        lines: first & 0x80 != 0,
        limits: LIMITS,
        ..ReadOptions::default()
    };
    let documents = match read("fuzz", Cursor::new(bytes.to_vec()), &options) {
        Ok(documents) => documents,
        Err(error) => return assert!(error.to_string().contains("fuzz")),
    };
    for document in documents.take(1000) {
        match document {
            Ok(document) => {
                assert!(document.places.iter().all(|place| document.text.is_char_boundary(place.start)));
                assert!(document.places.is_sorted_by_key(|place| place.start));
                sentences(document.text.as_bytes());
            }
            Err(error) => assert!(!error.parts().2.is_empty()),
        }
    }
}

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::shipped().expect("the shipped model loads"));

/// Labels are read, or refused with the file's name.
pub fn labels(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    let paths = [file.path().to_owned()];
    let name = paths[0].display().to_string();
    for rows in
        [petition::labels::read(&paths, MODEL.taxonomy()), petition::labels::read_filled(&paths, MODEL.taxonomy())]
    {
        match rows {
            Ok(rows) => assert!(rows.iter().all(|row| !row.text.trim().is_empty())),
            Err(error) => assert!(error.to_string().contains(&name), "{error}"),
        }
    }
}

/// A taxonomy is read, or refused in words; one that is read labels nothing it does not know.
pub fn taxonomy(bytes: &[u8]) {
    match Taxonomy::read(&String::from_utf8_lossy(bytes)) {
        Ok(taxonomy) => assert!(taxonomy.acts.len() > 1),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A model is refused in words, or labels with probabilities.
pub fn model(bytes: &[u8]) {
    match Model::from_bytes(bytes) {
        Ok(model) => {
            let text = Text { sentence: "We ask for more.", title: None, lead: None };
            let prediction = model.reader().classify(&text);
            assert!(prediction.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
