//! Parity of agreement figures with scikit-learn (kappa, F1), the Python package `krippendorff` (nominal alpha) and NLTK (MASI, alpha
//! of sets).
//!
//! The numbers stand in `tests/parity/agreement.json`, made by `tests/parity/agreement.py`, whose header tells how.

use petition::agreement::{Figure, TopicRows, agreement, masi_distance};
use petition::annotations::{AnnotatedRow, Annotations};
use petition::evaluate::Labels;
use petition::taxonomy::{Taxonomy, TopicSet};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// An act and topics, by their numbers; none where the annotator left the row out.
type Given = Option<(usize, Vec<usize>)>;

#[derive(Deserialize)]
struct Parity {
    rows: Vec<Vec<Given>>,
    all: Figures,
    carrying: Figures,
    masi: Vec<(Vec<usize>, Vec<usize>, f64, f64)>,
}

#[derive(Deserialize)]
struct Figures {
    overall: BTreeMap<String, Option<f64>>,
    labels: BTreeMap<String, BTreeMap<String, Option<f64>>>,
    pairs: Vec<BTreeMap<String, Option<f64>>>,
}

fn parity() -> Parity {
    serde_json::from_str(include_str!("parity/agreement.json")).expect("the file that agreement.py wrote")
}

fn set(topics: &[usize]) -> TopicSet {
    let mut set = TopicSet::default();
    topics.iter().for_each(|&t| set.insert(t));
    set
}

/// Acts a0 to a3, the last of which carries no topics, and topics t0 to t4.
fn taxonomy() -> Taxonomy {
    let mut text = "name='t'\n".to_owned();
    for act in 0..4 {
        let _ = writeln!(text, "[[act]]\nid='a{act}'\ndefinition=''\ntopics={}", act != 3);
    }
    for topic in 0..5 {
        let _ = writeln!(text, "[[topic]]\nid='t{topic}'\ndefinition=''");
    }
    Taxonomy::read(&text).expect("well formed")
}

fn assert_same(figure: &Figure, expected: Option<f64>, what: &str) {
    match (figure.value, expected) {
        (None, None) => {}
        (Some(found), Some(expected)) if (found - expected).abs() <= 1e-12 => {}
        (found, expected) => panic!("{what} {}: {found:?}, not {expected:?}", figure.name),
    }
}

#[test]
fn figures_are_those_of_other_programs() {
    let case = parity();
    let row = |(n, given): (usize, &Vec<Given>)| AnnotatedRow {
        id: n.to_string(),
        document: n.to_string(),
        title: None,
        text: "x".to_owned(),
        labels: given
            .iter()
            .map(|l| l.as_ref().map(|(act, topics)| Labels { act: *act, topics: set(topics) }))
            .collect(),
    };
    let annotations = Annotations {
        annotators: ["ann", "ben", "cy"].map(str::to_owned).to_vec(),
        rows: case.rows.iter().enumerate().map(row).collect(),
        n_unlabelled: 0,
    };
    assert_eq!((annotations.rows.len(), annotations.alone().count() > 0), (90, true));
    for (topic_rows, expected) in [(TopicRows::All, case.all), (TopicRows::Carrying, case.carrying)] {
        let what = format!("{topic_rows:?}");
        let found = agreement(&taxonomy(), &annotations, topic_rows, 0, 1);
        assert_eq!(found.figures.len(), expected.overall.len());
        found.figures.iter().for_each(|f| assert_same(f, expected.overall[&f.name], &what));
        assert_eq!(found.labels.len(), expected.labels.len());
        for label in &found.labels {
            let of = &expected.labels[&label.name];
            assert_same(&label.agreement, of["agreement"], &what);
            assert_same(&label.kappa, of["kappa"], &what);
            assert_same(&label.alpha, of["alpha"], &what);
        }
        assert_eq!(found.pairs.len(), expected.pairs.len());
        for (pair, expected) in found.pairs.iter().zip(&expected.pairs) {
            assert_eq!(Some(pair.n_rows as f64), expected["rows"]);
            pair.figures
                .iter()
                .for_each(|f| assert_same(f, expected[&f.name], &format!("{what} {:?}", pair.annotators)));
        }
    }
}

#[test]
fn masi_distances_are_passonneaus_and_near_nltks() {
    let cases = parity().masi;
    assert_eq!(cases.len(), 15 * 15 - 1);
    for (a, b, exact, of_nltk) in cases {
        let found = masi_distance(set(&a), set(&b));
        assert!((found - exact).abs() < 1e-12, "{a:?} {b:?}: {found}, not {exact}");
        // NLTK writes 0.67 and 0.33 for 2/3 and 1/3.
        assert!((found - of_nltk).abs() < 0.0034, "{a:?} {b:?}: {found}, NLTK {of_nltk}");
    }
}
