//! Parity with scikit-learn 1.9.1: solver objectives and probabilities, TF-IDF and metrics.
//!
//! The numbers stand in `tests/parity/sklearn.json`, made by `tests/parity/generate.py`, whose header tells how. Beside
//! each bound stands the largest difference that was seen.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use petition::config::FeatureConfig;
use petition::evaluate::{Counts, Labels, Tally};
use petition::features::{Extractor, FeatureSpace, Text};
use petition::logistic::{ClassWeight, SparseLogistic};
use petition::math::softmax;
use petition::sparse::{SparseRecords, SparseRow};
use petition::stem::StemTable;
use petition::taxonomy::{Taxonomy, TopicSet};
use serde::Deserialize;
use std::collections::BTreeMap;

type Rows = Vec<Vec<(u32, f32)>>;

#[derive(Deserialize)]
struct Parity {
    liblinear: Liblinear,
    softmax: Softmax,
    tfidf: TfIdf,
    metrics: Metrics,
}

#[derive(Deserialize)]
struct Liblinear {
    n_features: usize,
    rows: Rows,
    labels: Vec<[bool; 3]>,
    fits: Vec<LiblinearFit>,
}

#[derive(Deserialize)]
struct LiblinearFit {
    c: f64,
    balanced: bool,
    label: usize,
    objective: f64,
    probabilities: [f64; 10],
}

#[derive(Deserialize)]
struct Softmax {
    n_features: usize,
    rows: Rows,
    classes: Vec<usize>,
    probabilities: [[f64; 3]; 10],
}

#[derive(Deserialize)]
struct TfIdf {
    sentences: [String; 8],
    rows: [Vec<(String, f64)>; 8],
}

#[derive(Deserialize)]
struct Metrics {
    gold_acts: Vec<usize>,
    predicted_acts: Vec<usize>,
    gold_topics: Vec<Vec<usize>>,
    predicted_topics: Vec<Vec<usize>>,
    figures: BTreeMap<String, f64>,
    acts: [[f64; 3]; 4],
    topics: [[f64; 3]; 5],
}

fn parity() -> Parity {
    serde_json::from_str(include_str!("parity/sklearn.json")).expect("the file that generate.py wrote")
}

fn records(n_features: usize, rows: Rows) -> SparseRecords {
    let mut records = SparseRecords::new(n_features);
    rows.into_iter().for_each(|row| records.push(row).expect("sorted columns"));
    records
}

/// Fails for NaN too.
fn assert_close(found: f64, expected: f64, bound: f64, what: &str) {
    let off = (found - expected).abs();
    assert!(off <= bound, "{what}: {found} is {off:e} off {expected}, more than {bound:e}");
}

#[test]
fn logistic_regression_finds_liblinears_optimum() {
    let case = parity().liblinear;
    let targets = Array2::from(case.labels);
    let dataset = DatasetBase::new(records(case.n_features, case.rows), targets);
    assert_eq!(case.fits.len(), 3 * 2 * 3);
    for fit in case.fits {
        let class_weight = if fit.balanced { ClassWeight::Balanced } else { ClassWeight::Uniform };
        let params = SparseLogistic::params().c(fit.c).class_weight(class_weight).tolerance(1e-9);
        let model = params.fit(&dataset).expect("fits");
        let what = format!("c {} {class_weight:?} label {}", fit.c, fit.label);
        // Seen: 5e-10. The tolerance bounds our share of it; the generator's is under a hundredth of that.
        assert_close(model.objectives()[fit.label] / fit.objective, 1.0, 2e-9, &what);
        let found = model.probabilities(dataset.records());
        for (row, expected) in fit.probabilities.into_iter().enumerate() {
            // Seen: 9e-6.
            assert_close(found[[row, fit.label]], expected, 1e-4, &format!("{what} row {row}"));
        }
    }
}

/// The crate's intercept is regularised as a constant feature's weight; scikit-learn was given that feature.
#[test]
fn softmax_gives_the_same_probabilities() {
    let case = parity().softmax;
    let dataset = DatasetBase::new(records(case.n_features, case.rows), Array1::from_vec(case.classes));
    let model = SparseLogistic::params().c(1.0).tolerance(1e-9).fit(&dataset).expect("fits");
    let logits = model.decision(dataset.records());
    for (row, expected) in case.probabilities.iter().enumerate() {
        let mut found = logits.row(row).to_vec();
        softmax(&mut found);
        assert_eq!(found.len(), expected.len());
        for (class, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            // Seen: 2e-8.
            assert_close(found, expected, 1e-6, &format!("row {row} class {class}"));
        }
    }
}

/// Words that are their own stems, and no weight for signs, leave what a `TfidfVectorizer` does.
#[test]
fn word_weights_are_those_of_tfidf_vectorizer() {
    let case = parity().tfidf;
    let taxonomy = "name = 't'\n[[act]]\nid = 'a'\ndefinition = ''\n[[act]]\nid = 'b'\ndefinition = ''";
    let taxonomy = Taxonomy::read(taxonomy).expect("well formed");
    let stems = StemTable::new(case.sentences.iter().flat_map(|s| s.split(' ')).map(Into::into).collect());
    let config = FeatureConfig {
        min_documents: 1,
        pairs: true,
        term_weight: 0.0,
        group_weight: 0.0,
        context_weight: 0.0,
        title_word_weight: 0.0,
        title_weight: 0.0,
        mark_weight: 0.0,
    };
    let text = |sentence| Text { sentence, ..Text::default() };
    let mut extractor = Extractor::new(&taxonomy, &stems);
    let observed: Vec<_> = case
        .sentences
        .iter()
        .map(|sentence| {
            extractor.read(&text(sentence));
            extractor.observed()
        })
        .collect();
    let space = FeatureSpace::fit(observed.iter().enumerate(), &stems, &config);

    let (mut extractor, mut row) = (Extractor::new(&taxonomy, space.stems()), SparseRow::default());
    let described = |(name, value): &(String, f64)| match name.split_at(2) {
        ("w:", word) => (format!("word `{word}`"), *value),
        ("p:", pair) => (format!("words `{pair}`"), *value),
        (_, opening) => (format!("opens with `{opening}`"), *value),
    };
    for (sentence, expected) in case.sentences.iter().zip(&case.rows) {
        extractor.read(&text(sentence));
        space.weigh(&extractor, &mut row);
        let found: BTreeMap<_, _> = row.iter().map(|(c, v)| (space.describe(c, &taxonomy), f64::from(v))).collect();
        let expected: BTreeMap<_, _> = expected.iter().map(described).collect();
        assert!(found.keys().eq(expected.keys()), "{sentence}: {found:?} has other features than {expected:?}");
        for (name, value) in &found {
            // Seen: 7e-8, the rounding of f32.
            assert_close(*value, expected[name], 1e-6, &format!("{sentence}: {name}"));
        }
    }
}

#[test]
fn metrics_are_those_of_sklearn_metrics() {
    let case = parity().metrics;
    let labels = |acts: Vec<usize>, topics: Vec<Vec<usize>>| {
        acts.into_iter().zip(topics).map(|(act, numbers)| {
            let mut topics = TopicSet::default();
            numbers.into_iter().for_each(|t| topics.insert(t));
            Labels { act, topics }
        })
    };
    let pairs = labels(case.gold_acts, case.gold_topics).zip(labels(case.predicted_acts, case.predicted_topics));
    let tally = Tally::new(case.acts.len(), case.topics.len(), pairs);
    assert_eq!((tally.n_rows(), case.figures.len()), (60, tally.figures().len()));
    // Seen: 6e-17.
    for (name, value) in tally.figures() {
        assert_close(value, case.figures[name], 1e-9, name);
    }
    let assert_counts = |counts: Counts, expected: &[f64; 3], what: &str| {
        for (found, &expected) in [counts.precision(), counts.recall(), counts.f1()].into_iter().zip(expected) {
            assert_close(found, expected, 1e-9, what);
        }
    };
    for (act, expected) in case.acts.iter().enumerate() {
        assert_counts(tally.act(act), expected, &format!("act {act}"));
    }
    for (topic, expected) in case.topics.iter().enumerate() {
        assert_counts(tally.topics[topic], expected, &format!("topic {topic}"));
    }
}
