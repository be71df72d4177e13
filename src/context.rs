//! What stands around a sentence, as a person who labels it needs to see?

use crate::document::Document;
use crate::features::Text;
use crate::record::{Origin, for_each_origin};

/// A sentence with its names and neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InContext {
    /// The row's name, as `classify` gives it.
    pub id: String,
    /// The name of its document.
    pub document: String,
    /// The document's title.
    pub title: Option<String>,
    /// For an item of a list, the words that lead it in.
    pub lead: Option<String>,
    /// The sentence before; empty at a document's beginning, and where documents are not cut into sentences.
    pub before: String,
    /// The sentence.
    pub text: String,
    /// The sentence after.
    pub after: String,
}

impl InContext {
    /// One of a document's sentences.
    pub(crate) fn new(document: &Document, origins: &[Origin], at: usize) -> Self {
        let text = |at: Option<usize>| at.and_then(|at| origins.get(at)).map_or("", |o| o.sentence.text).to_owned();
        let origin = &origins[at];
        Self {
            id: origin.id().into_owned(),
            document: origin.doc_id().to_owned(),
            title: document.title.clone(),
            lead: origin.sentence.lead.map(str::to_owned),
            before: text(at.checked_sub(1)),
            text: text(Some(at)),
            after: text(at.checked_add(1)),
        }
    }

    /// The sentence as a model reads it.
    pub fn as_text(&self) -> Text<'_> {
        Text { sentence: &self.text, title: self.title.as_deref(), lead: self.lead.as_deref() }
    }
}

/// The sentences of a document that are not blank: it is cut into them, or has them as lines, or is one.
pub(crate) fn origins(document: &Document, split: bool) -> Vec<Origin<'_>> {
    let mut origins = Vec::new();
    for_each_origin(document, split, |origin| origins.push(origin));
    origins.retain(|origin| !origin.sentence.text.trim().is_empty());
    origins
}

/// The same with their neighbours, in order.
///
/// ```
/// use petition::{context::in_context, document::Document};
/// let text = "It rained. We demand a vote.".to_owned();
/// let sentences = in_context(&Document { id: "a".to_owned(), text, ..Document::default() }, true);
/// assert_eq!((sentences[1].id.as_str(), sentences[1].before.as_str()), ("a:1", "It rained."));
/// ```
pub fn in_context(document: &Document, split: bool) -> Vec<InContext> {
    let origins = origins(document, split);
    (0..origins.len()).map(|at| InContext::new(document, &origins, at)).collect()
}
