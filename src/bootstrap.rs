//! A taxonomy's terms and documents without labels → weak labels, and what each term did: a first model's rows, to be improved
//! by people.
//!
//! A sentence is of every topic that one of its `terms` hits, or two different `hints`, or a hint beside a context. Its act is the
//! first, in the taxonomy's order, of which a cue hits. Where no cue hits it is the last act that carries topics if the
//! sentence has any, else the act that carries none. Rules of this kind are labelling functions (Ratner and others 2017, "Snorkel"), here
//! combined by the taxonomy's own order of precedence instead of a learned model, so that each label can be told in one
//! sentence.

use crate::document::Document;
use crate::evaluate::Labels;
use crate::features::{Extractor, Text};
use crate::labels::LabelledRow;
use crate::record::for_each_origin;
use crate::stem::StemTable;
use crate::taxonomy::{Owner, Taxonomy, TopicSet};
use serde::Serialize;

/// What one term did on the documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TermUse {
    /// Sentences that it hits.
    pub n_rows: usize,
    /// Sentences among them that no other term of its group hits: without it they would be lost.
    pub n_alone: usize,
    /// Sentences among them that terms of another topic hit too (for cues: none).
    pub n_overlap: usize,
    /// Cues: sentences among them whose act another cue decided. Terms of topics: sentences whose act carries no topics.
    pub n_conflict: usize,
}

/// Weak labels, and what they come from.
#[derive(Debug, Clone)]
pub struct WeakLabels {
    /// The sentences, in order, each with its weak labels.
    pub rows: Vec<LabelledRow>,
    /// One a term, by number.
    pub terms: Vec<TermUse>,
    /// Sentences that nothing hits.
    pub n_silent: usize,
}

/// Labels the sentences of documents by a taxonomy's terms alone.
///
/// ```
/// use petition::{bootstrap::Bootstrap, document::Document, taxonomy::Taxonomy};
/// let taxonomy = Taxonomy::read(
///     "name = 'lunch'\n[[act]]\nid = 'ask'\ndefinition = ''\ncues = ['please']\n[[act]]\nid = 'none'\ndefinition = ''\ntopics = false\n\
///      [[topic]]\nid = 'soup'\ndefinition = ''\nterms = ['soup']\n",
/// )?;
/// let mut bootstrap = Bootstrap::new(&taxonomy);
/// let text = "Please bring soup. It rained.".to_owned();
/// bootstrap.read(&Document { id: "menu".to_owned(), text, ..Document::default() }, true);
/// let weak = bootstrap.finish();
/// assert_eq!(weak.rows[0].labels.act, taxonomy.act("ask").expect("an act"));
/// assert_eq!(taxonomy.join_topics(weak.rows[0].labels.topics), "soup");
/// assert_eq!(weak.n_silent, 1);
/// # Ok::<(), petition::taxonomy::TaxonomyError>(())
/// ```
pub struct Bootstrap<'t> {
    taxonomy: &'t Taxonomy,
    extractor: Extractor<'t>,
    weak: WeakLabels,
}

impl<'t> Bootstrap<'t> {
    /// A bootstrap that has read nothing yet.
    pub fn new(taxonomy: &'t Taxonomy) -> Self {
        static NO_STEMS: std::sync::LazyLock<StemTable> = std::sync::LazyLock::new(StemTable::default);
        let weak = WeakLabels { rows: Vec::new(), terms: vec![TermUse::default(); taxonomy.terms.len()], n_silent: 0 };
        Self { taxonomy, extractor: Extractor::new(taxonomy, &NO_STEMS), weak }
    }

    /// Labels the sentences of one more document, which is to be cut into them or not.
    pub fn read(&mut self, document: &Document, split: bool) {
        for_each_origin(document, split, |origin| {
            let text = origin.sentence.text;
            self.extractor.read(&Text { sentence: text, title: document.title.as_deref(), lead: origin.sentence.lead });
            let hits = self.extractor.hits();
            let labels = labels_of(self.taxonomy, hits);
            count(self.taxonomy, hits, labels, &mut self.weak.terms);
            self.weak.n_silent += usize::from(hits.is_empty());
            self.weak.rows.push(LabelledRow {
                id: origin.id().into_owned(),
                document: origin.doc_id().to_owned(),
                title: document.title.clone(),
                text: text.to_owned(),
                labels,
            });
        });
    }

    /// The labels of all sentences.
    pub fn finish(self) -> WeakLabels {
        self.weak
    }
}

/// The weak labels of a sentence that these terms hit.
fn labels_of(taxonomy: &Taxonomy, hits: &[u32]) -> Labels {
    let owner = |&term: &u32| &taxonomy.groups[taxonomy.terms[term as usize].group as usize].owner;
    let in_context = hits.iter().any(|term| matches!(owner(term), Owner::Context(_)));
    let mut topics = TopicSet::default();
    for topic in 0..taxonomy.topics.len() {
        let is_term = |term: &u32| matches!(owner(term), Owner::Topic(of) if *of == topic);
        let n_hints = hits.iter().filter(|term| matches!(owner(term), Owner::TopicHint(of) if *of == topic)).count();
        if hits.iter().any(is_term) || n_hints > 1 || (n_hints == 1 && in_context) {
            topics.insert(topic);
        }
    }
    let cued = hits.iter().filter_map(|term| if let Owner::Act(act) = owner(term) { Some(*act) } else { None }).min();
    let without = taxonomy.act_without_topics;
    let carrying = (0..taxonomy.acts.len()).rev().find(|&act| Some(act) != without);
    let act = cued.or(if topics.is_empty() { without } else { carrying }).unwrap_or(taxonomy.acts.len() - 1);
    if Some(act) == without {
        topics = TopicSet::default();
    }
    Labels { act, topics }
}

/// Counts what each of the terms that hit a sentence did.
fn count(taxonomy: &Taxonomy, hits: &[u32], labels: Labels, terms: &mut [TermUse]) {
    let group = |term: u32| taxonomy.terms[term as usize].group;
    let topic = |term: u32| match taxonomy.groups[group(term) as usize].owner {
        Owner::Topic(topic) | Owner::TopicHint(topic) => Some(topic),
        _ => None,
    };
    for &term in hits {
        let of = &mut terms[term as usize];
        of.n_rows += 1;
        of.n_alone += usize::from(hits.iter().all(|&other| other == term || group(other) != group(term)));
        let is_other_topic =
            |&other: &u32| topic(term).is_some() && topic(other).is_some_and(|t| Some(t) != topic(term));
        of.n_overlap += usize::from(hits.iter().any(is_other_topic));
        let is_lost = match taxonomy.groups[group(term) as usize].owner {
            Owner::Act(act) => labels.act != act,
            Owner::Topic(topic) | Owner::TopicHint(topic) => !labels.topics.contains(topic),
            Owner::Context(_) => false,
        };
        of.n_conflict += usize::from(is_lost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAXONOMY: &str = "name = 't'\n\
        [[act]]\nid = 'ask'\ndefinition = ''\ncues = ['must', 'we ask']\n\
        [[act]]\nid = 'state'\ndefinition = ''\ncues = ['law']\n\
        [[act]]\nid = 'none'\ndefinition = ''\ntopics = false\ncues = ['sat']\n\
        [[topic]]\nid = 'rent'\ndefinition = ''\nterms = ['rent freeze']\nhints = ['rent', 'lease']\n\
        [[topic]]\nid = 'heat'\ndefinition = ''\nterms = ['boiler']\n\
        [[context]]\nid = 'home'\nterms = ['flat']\n";

    fn weak(text: &str) -> (Taxonomy, WeakLabels) {
        let taxonomy = Taxonomy::read(TAXONOMY).expect("well formed");
        let document = Document { id: "d".to_owned(), text: text.to_owned(), ..Document::default() };
        let mut bootstrap = Bootstrap::new(&taxonomy);
        bootstrap.read(&document, true);
        let weak = bootstrap.finish();
        (taxonomy, weak)
    }

    #[test]
    fn labels_by_hand() {
        for (text, act, topics) in [
            ("You must pass a rent freeze.", "ask", "rent"),
            ("The law says you must fix the boiler.", "ask", "heat"),
            ("The law is old.", "state", ""),
            // No cue: the last act that carries topics.
            ("A rent freeze and a boiler.", "state", "rent|heat"),
            // One hint alone says nothing, two do, and one beside a context.
            ("The rent was high.", "none", ""),
            ("The rent is in the lease.", "state", "rent"),
            ("The rent of a flat.", "state", "rent"),
            // The act that carries no topics loses them.
            ("She sat by the boiler.", "none", ""),
            ("Nothing.", "none", ""),
        ] {
            let (taxonomy, weak) = weak(text);
            let labels = weak.rows[0].labels;
            let found = (taxonomy.acts[labels.act].id.as_str(), taxonomy.join_topics(labels.topics));
            assert_eq!(found, (act, topics.to_owned()), "{text}");
        }
    }

    #[test]
    fn tells_what_each_term_did() {
        let (taxonomy, weak) = weak("You must obey the law. A rent freeze and a boiler. She sat by the boiler. So.");
        let of = |pattern: &str| {
            let place = taxonomy.terms.iter().position(|t| t.pattern == pattern).expect("a term");
            let TermUse { n_rows, n_alone, n_overlap, n_conflict } = weak.terms[place];
            [n_rows, n_alone, n_overlap, n_conflict]
        };
        assert_eq!(of("must"), [1, 1, 0, 0]);
        assert_eq!(of("law"), [1, 1, 0, 1], "`must` comes first");
        assert_eq!(of("boiler"), [2, 2, 1, 1], "beside rent once, under an act without topics once");
        assert_eq!(of("rent freeze"), [1, 1, 1, 0]);
        assert_eq!((weak.rows.len(), weak.n_silent), (4, 1));
    }
}
