//! What is there to label? A queue file, or the sentences of documents.

use crate::cli::RunArgs;
use crate::cli::input::{InputArgs, documents};
use crate::cli::table::complain;
use anyhow::Context;
use petition::context::{InContext, in_context};
use std::collections::HashSet;
use std::path::Path;

/// A sentence to label.
pub struct Item {
    pub sentence: InContext,
    /// Why it was chosen; empty if it does not come from a queue.
    pub chosen_for: String,
}

/// All sentences to label, in order; ids are unique.
pub struct Items(Vec<Item>);

impl std::ops::Deref for Items {
    type Target = [Item];

    fn deref(&self) -> &[Item] {
        &self.0
    }
}

impl Items {
    /// Where the sentence of this id stands.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.iter().position(|item| item.sentence.id == id)
    }

    /// Reads a queue file, or cuts documents into sentences.
    pub fn read(input: &InputArgs, run: &RunArgs) -> anyhow::Result<Self> {
        let items = match input.only_path().filter(|path| is_queue(path)) {
            Some(path) => read_queue(path).with_context(|| path.display().to_string())?,
            None => read_documents(input, run)?,
        };
        anyhow::ensure!(!items.is_empty(), "there is no sentence to label");
        let mut seen = HashSet::new();
        if let Some(twice) = items.iter().find(|item| !seen.insert(item.sentence.id.as_str())) {
            anyhow::bail!(
                "the id `{}` stands twice; ids must be unique, since labels are kept by them",
                twice.sentence.id
            );
        }
        Ok(Self(items))
    }
}

/// A table that has what `petition queue` writes.
fn is_queue(path: &Path) -> bool {
    let header = csv::Reader::from_path(path).and_then(|mut reader| reader.headers().cloned());
    header.is_ok_and(|header| ["id", "text", "chosen_for"].iter().all(|name| header.iter().any(|h| h == *name)))
}

fn read_queue(path: &Path) -> anyhow::Result<Vec<Item>> {
    let mut reader = csv::Reader::from_path(path)?;
    let header = reader.headers()?.clone();
    let mut items = Vec::new();
    for record in reader.records() {
        let record = record?;
        let field = |name: &str| {
            let place = header.iter().position(|h| h == name);
            place.and_then(|at| record.get(at)).unwrap_or_default().to_owned()
        };
        let filled = |name: &str| Some(field(name)).filter(|text| !text.is_empty());
        let sentence = InContext {
            id: field("id"),
            document: field("document"),
            title: filled("title"),
            lead: filled("lead"),
            before: field("before"),
            text: field("text"),
            after: field("after"),
        };
        items.push(Item { sentence, chosen_for: field("chosen_for") });
    }
    Ok(items)
}

fn read_documents(input: &InputArgs, run: &RunArgs) -> anyhow::Result<Vec<Item>> {
    let options = input.options();
    let listed = input.list(&options, run)?;
    let mut items = Vec::new();
    for document in documents(&listed, &options) {
        match document {
            Ok(document) => {
                let sentences = in_context(&document, !input.no_split).into_iter();
                items.extend(sentences.map(|sentence| Item { sentence, chosen_for: String::new() }));
            }
            Err(error) => complain(error),
        }
    }
    Ok(items)
}
