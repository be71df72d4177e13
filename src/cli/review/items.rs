//! What is there to label? A queue file, or the sentences of documents.

use crate::cli::RunArgs;
use crate::cli::input::{InputArgs, documents};
use crate::cli::table::complain;
use anyhow::Context;
use petition::document::Document;
use petition::model::Model;
use petition::sentence::split;
use std::collections::HashSet;
use std::path::Path;

/// A sentence to label, and what stands around it.
#[derive(Debug, Clone, Default)]
pub struct Item {
    pub id: String,
    pub document: String,
    pub title: String,
    pub lead: String,
    pub before: String,
    pub text: String,
    pub after: String,
    /// Why it was chosen, if it comes from a queue.
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
    /// Reads a queue file, or cuts documents into sentences.
    pub fn read(input: &InputArgs, _model: &Model, run: &RunArgs) -> anyhow::Result<Self> {
        let items = match input.only_path().filter(|path| is_queue(path)) {
            Some(path) => read_queue(path).with_context(|| path.display().to_string())?,
            None => read_documents(input, run)?,
        };
        anyhow::ensure!(!items.is_empty(), "there is no sentence to label");
        let mut seen = HashSet::new();
        if let Some(twice) = items.iter().find(|item| !seen.insert(item.id.as_str())) {
            anyhow::bail!("the id `{}` stands twice; ids must be unique, since labels are kept by them", twice.id);
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
        items.push(Item {
            id: field("id"),
            document: field("document"),
            title: field("title"),
            lead: field("lead"),
            before: field("before"),
            text: field("text"),
            after: field("after"),
            chosen_for: field("chosen_for"),
        });
    }
    Ok(items)
}

fn read_documents(input: &InputArgs, run: &RunArgs) -> anyhow::Result<Vec<Item>> {
    let options = input.options();
    let listed = input.list(&options, run)?;
    let mut items = Vec::new();
    for document in documents(&listed.inputs, &options) {
        match document {
            Ok(document) if input.no_split => items.push(whole(&document)),
            Ok(document) => items.extend(sentences(&document)),
            Err(error) => complain(error),
        }
    }
    Ok(items)
}

fn whole(document: &Document) -> Item {
    Item {
        id: document.id.clone(),
        document: document.parent.clone().unwrap_or_else(|| document.id.clone()),
        title: document.title.clone().unwrap_or_default(),
        text: document.text.clone(),
        ..Item::default()
    }
}

fn sentences(document: &Document) -> Vec<Item> {
    let sentences = split(&document.text);
    let text = |at: Option<usize>| at.and_then(|at| sentences.get(at)).map_or(String::new(), |s| s.text.to_owned());
    let item = |(at, sentence): (usize, &petition::sentence::Sentence)| Item {
        id: format!("{}:{}", document.id, sentence.index),
        document: document.id.clone(),
        title: document.title.clone().unwrap_or_default(),
        lead: sentence.lead.unwrap_or_default().to_owned(),
        before: text(at.checked_sub(1)),
        text: sentence.text.to_owned(),
        after: text(Some(at + 1)),
        chosen_for: String::new(),
    };
    sentences.iter().enumerate().map(item).collect()
}
