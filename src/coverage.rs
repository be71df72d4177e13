//! A taxonomy's terms against labelled rows: how many rows each term hits, and in how many of them its label is right.

use crate::features::{Extractor, Text};
use crate::labels::{LabelledRow, number_documents};
use crate::stem::StemTable;
use crate::taxonomy::{Owner, Taxonomy};
use rayon::prelude::*;
use serde::Serialize;

/// What a term, or a group of terms, hits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// Rows that it hits.
    pub n_rows: usize,
    /// Documents that it hits.
    pub n_documents: usize,
    /// Rows among them that have the label; for a context, whose words have no label, rows that have any topic.
    pub n_right: usize,
    /// Rows that have the label, hit or not.
    pub n_labelled: usize,
}

impl Hits {
    /// The share of hit rows that have the label, 0 to 1; `None` when it hits nothing.
    pub fn precision(&self) -> Option<f64> {
        (self.n_rows > 0).then(|| self.n_right as f64 / self.n_rows as f64)
    }

    /// The share of the label's rows that it hits, 0 to 1; `None` when no row has the label.
    pub fn coverage(&self) -> Option<f64> {
        (self.n_labelled > 0).then(|| self.n_right as f64 / self.n_labelled as f64)
    }
}

/// What all terms and groups hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// One a term, by number.
    pub terms: Vec<Hits>,
    /// One a group, by number: rows that any of its terms hits.
    pub groups: Vec<Hits>,
}

/// Counts what each term and group of a taxonomy hits in labelled sentences; titles are not looked at.
pub fn coverage(taxonomy: &Taxonomy, rows: &[LabelledRow]) -> Coverage {
    let stems = StemTable::default();
    let hits_of_chunk = |chunk: &[LabelledRow]| {
        let mut extractor = Extractor::new(taxonomy, &stems);
        let of_row = |row: &LabelledRow| {
            extractor.read(&Text { sentence: &row.text, ..Text::default() });
            extractor.hits().to_vec()
        };
        chunk.iter().map(of_row).collect::<Vec<Vec<u32>>>()
    };
    let hits: Vec<Vec<u32>> = rows.par_chunks(1024).flat_map_iter(hits_of_chunk).collect();
    let documents = number_documents(rows);
    let right = |row: &LabelledRow, group: usize| match taxonomy.groups[group].owner {
        Owner::Act(act) => row.labels.act == act,
        Owner::Topic(topic) | Owner::TopicHint(topic) => row.labels.topics.contains(topic),
        Owner::Context(_) => !row.labels.topics.is_empty(),
    };
    let n_labelled: Vec<usize> =
        (0..taxonomy.groups.len()).map(|g| rows.iter().filter(|row| right(row, g)).count()).collect();
    let empty = |group: usize| Hits { n_labelled: n_labelled[group], ..Hits::default() };
    let mut terms: Vec<Counter> = taxonomy.terms.iter().map(|t| Counter::new(empty(t.group as usize))).collect();
    let mut groups: Vec<Counter> = (0..taxonomy.groups.len()).map(|g| Counter::new(empty(g))).collect();
    for ((row, hits), &document) in rows.iter().zip(&hits).zip(&documents) {
        let mut groups_hit: Vec<usize> = Vec::new();
        for &term in hits {
            let group = taxonomy.terms[term as usize].group as usize;
            terms[term as usize].add(document, right(row, group));
            groups_hit.push(group);
        }
        groups_hit.sort_unstable();
        groups_hit.dedup();
        groups_hit.iter().for_each(|&group| groups[group].add(document, right(row, group)));
    }
    let done = |counters: Vec<Counter>| counters.into_iter().map(|c| c.hits).collect();
    Coverage { terms: done(terms), groups: done(groups) }
}

/// Hits while they are counted; a document's rows need not stand together.
struct Counter {
    hits: Hits,
    seen: std::collections::BTreeSet<usize>,
}

impl Counter {
    fn new(hits: Hits) -> Self {
        Self { hits, seen: std::collections::BTreeSet::new() }
    }

    fn add(&mut self, document: usize, right: bool) {
        self.hits.n_rows += 1;
        self.hits.n_right += usize::from(right);
        self.hits.n_documents += usize::from(self.seen.insert(document));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Labels;
    use crate::taxonomy::TopicSet;

    #[test]
    fn counts_by_hand() {
        let text = "name='t'\n[[act]]\nid='ask'\ndefinition=''\ncues=['must', 'we ask']\n[[act]]\nid='none'\ndefinition=''\ntopics=false\n\
                    [[topic]]\nid='rent'\ndefinition=''\nterms=['rent freeze']\nhints=['rent', 'lease']\n";
        let taxonomy = Taxonomy::read(text).expect("well formed");
        let row = |document: &str, text: &str, act, rent| {
            let mut topics = TopicSet::default();
            if rent {
                topics.insert(0);
            }
            let (id, document) = (text.to_owned(), document.to_owned());
            LabelledRow { id, document, title: None, text: text.to_owned(), labels: Labels { act, topics } }
        };
        let rows = [
            row("a", "You must freeze it: a rent freeze!", 0, true),
            row("a", "The rent must have been high.", 1, false),
            row("b", "We ask for lower rents.", 0, true),
            row("b", "Homes for all.", 0, true),
        ];
        let coverage = coverage(&taxonomy, &rows);
        let hits = |n_rows, n_documents, n_right| Hits { n_rows, n_documents, n_right, n_labelled: 3 };
        assert_eq!(coverage.terms, [hits(2, 1, 1), hits(1, 1, 1), hits(1, 1, 1), hits(3, 2, 2), hits(0, 0, 0)]);
        let no_cues = Hits { n_labelled: 1, ..Hits::default() };
        assert_eq!(coverage.groups, [hits(3, 2, 2), no_cues, hits(1, 1, 1), hits(3, 2, 2)]);
        assert_eq!((coverage.terms[3].precision(), coverage.terms[4].precision()), (Some(2.0 / 3.0), None));
        assert_eq!(coverage.groups[0].coverage(), Some(2.0 / 3.0));
    }
}
