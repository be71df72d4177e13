//! Labelled rows and a config → a model and what is known of it out of fold.
//!
//! Every sentence is read once. For each fold, features and heads are learned from the other folds' documents and score the
//! fold's sentences; on these out-of-fold scores probabilities are calibrated, thresholds chosen and metrics taken. Then
//! the heads are learned once more from all rows, and the calibration is folded into their weights.

use crate::calibrate::{Line, careful_threshold, expected_calibration_error, platt, scale_logits};
use crate::config::{CheckedConfig, HeadConfig};
use crate::evaluate::{Evaluation, Labels, Tally, evaluate};
use crate::features::{Extractor, Feature, FeatureSpace, Observed, Text};
use crate::labels::{self, LabelledRow};
use crate::logistic::{ClassWeight, LogisticError, SparseLogistic, SparseLogisticParams};
use crate::math::{sigmoid, softmax};
use crate::model::{BaseInfo, LabelInfo, Model, TrainingInfo, decide};
use crate::random::SplitMix;
use crate::softmax::SparseSoftmax;
use crate::sparse::{SparseError, SparseRecords, SparseRow};
use crate::stem::{StemTable, Stemmer, for_each_raw_word, normalise};
use crate::taxonomy::Taxonomy;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, Axis, Slice};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use thiserror::Error;

/// Labels with fewer training rows than this deserve a warning: their figures mean little.
pub const SCARCE: usize = 20;

/// Why training failed.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum TrainError {
    #[error("there are {documents} documents, fewer than the {folds} folds; add documents or lower `folds`")]
    TooFewDocuments { documents: usize, folds: usize },
    #[error("no row has an act other than `{act}`; training needs at least two acts")]
    OneAct { act: String },
    #[error(transparent)]
    Logistic(#[from] LogisticError),
    #[error(transparent)]
    Sparse(#[from] SparseError),
}

/// A model, and what is known of it from rows that were held out.
pub struct Trained {
    /// Learned from all rows.
    pub model: Model,
    /// What models learned from the other folds' documents say of each row.
    pub out_of_fold: OutOfFold,
}

/// What models learned from the other folds' documents say of each row, calibrated.
pub struct OutOfFold {
    /// The rows, sorted by id.
    pub rows: Vec<LabelledRow>,
    /// Rows × outputs, 0 to 1: the acts (adding up to 1), then the topics.
    pub probabilities: Array2<f64>,
    /// The labels that follow, one a row.
    pub predicted: Vec<Labels>,
    /// Predicted against given labels.
    pub evaluation: Evaluation,
}

/// Trains a model, and evaluates it out of fold. `progress` is called with the number of steps done and their total.
///
/// The order of `rows` does not matter.
///
/// # Errors
/// Fewer documents than folds, or only one act.
pub fn train(
    rows: Vec<LabelledRow>,
    taxonomy: Taxonomy,
    config: CheckedConfig,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Trained, TrainError> {
    train_on_top(Vec::new(), rows, 1.0, taxonomy, config, progress)
}

/// Trains a model from rows that were there before and new ones, whose loss weighs `weight` times (above 0) as much. A new
/// row takes the place of one with the same id. Figures and thresholds are those of all rows, each counted once.
///
/// # Errors
/// As [`train()`].
pub fn train_on_top(
    mut base: Vec<LabelledRow>,
    rows: Vec<LabelledRow>,
    weight: f32,
    mut taxonomy: Taxonomy,
    config: CheckedConfig,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Trained, TrainError> {
    let base_info = (!base.is_empty()).then(|| {
        let (data_hash, n_rows) = (labels::hash(&base, &taxonomy), base.len());
        BaseInfo { data_hash, n_rows, weight }
    });
    let new: HashSet<String> = rows.iter().map(|r| r.id.clone()).collect();
    base.retain(|r| !new.contains(&r.id));
    let weigh = |r: &LabelledRow| if new.contains(&r.id) { weight } else { 1.0 };
    let rows = checked([base, rows].concat(), &taxonomy, &config)?;
    let weights: Vec<f32> = rows.iter().map(weigh).collect();
    taxonomy.tune(rows.iter().map(|r| r.text.as_str()));
    let n_steps = config.folds + 2;
    let done = AtomicUsize::new(0);
    let step = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, n_steps);

    let task = Task::new(&rows, weights, &taxonomy, &config);
    step();
    let (probabilities, lines) = task.out_of_fold(|_| true, &step)?;
    let heads = task.fit(&(0..rows.len()).collect::<Vec<_>>())?;
    step();

    let (thresholds, predicted, evaluation) = task.judge(&probabilities, config.resamples);
    let (n_acts, n_topics) = (taxonomy.acts.len(), taxonomy.topics.len());
    let calibration_errors: Vec<f64> = (0..n_acts + n_topics)
        .map(|output| expected_calibration_error(&probabilities.column(output).to_vec(), &truth(&rows, n_acts, output)))
        .collect();
    let training = TrainingInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_hash: labels::hash(&rows, &taxonomy),
        n_rows: rows.len(),
        n_documents: evaluation.n_documents,
        figures: evaluation.tally.figures().iter().map(|&(name, value)| (name.to_owned(), value)).collect(),
        labels: label_info(&evaluation.tally, &calibration_errors, &taxonomy),
        base: base_info,
    };
    let (weights, intercepts) = heads.fold_in(&lines);
    let weights = weights.into();
    let model = Model { space: heads.space, weights, intercepts, thresholds, config, training, taxonomy };
    Ok(Trained { model, out_of_fold: OutOfFold { rows, probabilities, predicted, evaluation } })
}

/// What models learned from the other folds' documents say of each row; [`train()`] without the model for use.
///
/// The order of `rows` does not matter. Figures come without intervals. `progress` is told as by [`train()`].
///
/// # Errors
/// As [`train()`].
pub fn out_of_fold(
    rows: Vec<LabelledRow>,
    mut taxonomy: Taxonomy,
    config: &CheckedConfig,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<OutOfFold, TrainError> {
    let rows = checked(rows, &taxonomy, config)?;
    taxonomy.tune(rows.iter().map(|r| r.text.as_str()));
    let done = AtomicUsize::new(0);
    let step = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, config.folds + 1);
    let task = Task::new(&rows, vec![1.0; rows.len()], &taxonomy, config);
    step();
    let (probabilities, _) = task.out_of_fold(|_| true, &step)?;
    let (_, predicted, evaluation) = task.judge(&probabilities, 0);
    Ok(OutOfFold { rows, probabilities, predicted, evaluation })
}

/// One point of a learning curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The share of documents learned from, above 0 and at most 1.
    pub share: f64,
    /// How many documents that is, of all folds together.
    pub n_documents: usize,
    /// How many rows they have.
    pub n_rows: usize,
    /// Out-of-fold figures, by name, in the order of [`crate::evaluate::Tally::figures`].
    pub figures: Vec<(String, f64)>,
}

/// What the out-of-fold figures would be with fewer documents: folds stay as they are and are predicted from a share of the
/// documents of the other folds. The documents of a smaller share are among those of a larger one.
///
/// # Errors
/// As [`train()`]; small shares may leave one act only.
pub fn learning_curve(
    rows: Vec<LabelledRow>,
    taxonomy: &Taxonomy,
    config: &CheckedConfig,
    shares: &[f64],
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<CurvePoint>, TrainError> {
    let rows = checked(rows, taxonomy, config)?;
    let done = AtomicUsize::new(0);
    let step = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, shares.len() * config.folds);
    let task = Task::new(&rows, vec![1.0; rows.len()], taxonomy, config);
    let documents = &task.documents;
    let n_documents = documents.iter().max().map_or(0, |&last| last + 1);
    let mut order: Vec<usize> = (0..n_documents).collect();
    SplitMix(config.seed ^ 0x6375_7276).shuffle(&mut order);
    let mut place = vec![0; n_documents];
    order.iter().enumerate().for_each(|(at, &document)| place[document] = at);
    shares
        .iter()
        .map(|&share| {
            let n = ((share * n_documents as f64).round() as usize).clamp(1, n_documents);
            let (probabilities, _) = task.out_of_fold(|row| place[documents[row]] < n, &step)?;
            let (_, _, evaluation) = task.judge(&probabilities, 0);
            let figures = evaluation.tally.figures().map(|(name, value)| (name.to_owned(), value));
            let n_rows = documents.iter().filter(|&&d| place[d] < n).count();
            Ok(CurvePoint { share, n_documents: n, n_rows, figures: figures.into() })
        })
        .collect()
}

/// Rows sorted by id, if they can be learned from.
fn checked(
    mut rows: Vec<LabelledRow>,
    taxonomy: &Taxonomy,
    config: &CheckedConfig,
) -> Result<Vec<LabelledRow>, TrainError> {
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let documents = rows.iter().map(|r| r.document.as_str()).collect::<BTreeSet<&str>>().len();
    if documents < config.folds {
        return Err(TrainError::TooFewDocuments { documents, folds: config.folds });
    }
    match rows.first() {
        Some(first) if rows.iter().all(|r| r.labels.act == first.labels.act) => {
            Err(TrainError::OneAct { act: taxonomy.acts[first.labels.act].id.clone() })
        }
        _ => Ok(rows),
    }
}

fn label_info(tally: &Tally, calibration_errors: &[f64], taxonomy: &Taxonomy) -> Vec<LabelInfo> {
    let labels = tally.labels(taxonomy).zip(calibration_errors);
    let info = labels.map(|((name, counts), &calibration_error)| LabelInfo {
        name,
        n_rows: counts.n_gold(),
        precision: counts.precision(),
        recall: counts.recall(),
        f1: counts.f1(),
        calibration_error,
    });
    info.collect()
}

/// Which rows have an output's label; outputs are the acts, then the topics.
fn truth(rows: &[LabelledRow], n_acts: usize, output: usize) -> Vec<bool> {
    rows.iter().map(|r| r.labels.has(output, n_acts)).collect()
}

/// One threshold a topic, for a good F1 out of fold. A topic without rows is never said: its threshold is 1.
fn thresholds(probabilities: &Array2<f64>, rows: &[LabelledRow], n_acts: usize, n_topics: usize) -> Vec<f32> {
    let of = |topic: usize| {
        let p = probabilities.column(n_acts + topic).to_vec();
        careful_threshold(&p, &truth(rows, n_acts, n_acts + topic)).map_or(1.0, |t| t as f32)
    };
    (0..n_topics).map(of).collect()
}

/// Reads all sentences: the table of all their stems, and what each shows.
fn read(rows: &[LabelledRow], taxonomy: &Taxonomy) -> (StemTable, Vec<Observed>) {
    let (stemmer, mut normal) = (Stemmer::default(), String::new());
    let mut stem_of: BTreeMap<&str, Box<str>> = BTreeMap::new();
    for text in rows.iter().flat_map(|r| std::iter::once(r.text.as_str()).chain(r.title.as_deref())) {
        for_each_raw_word(text, |raw| {
            stem_of.entry(raw).or_insert_with(|| {
                normalise(raw, &mut normal);
                stemmer.stem(&normal).as_ref().into()
            });
        });
    }
    let stems = StemTable::new(stem_of.into_values().collect());
    let observed = rows
        .par_chunks(1024)
        .flat_map_iter(|chunk| {
            let mut extractor = Extractor::new(taxonomy, &stems);
            let observe = move |row: &LabelledRow| {
                extractor.read(&Text { sentence: &row.text, title: row.title.as_deref(), lead: None });
                extractor.observed()
            };
            chunk.iter().map(observe)
        })
        .collect();
    (stems, observed)
}

/// What heads are learned from.
struct Task<'t> {
    rows: &'t [LabelledRow],
    /// The number of each row's document.
    documents: Vec<usize>,
    /// How much each row's loss weighs.
    weights: Vec<f32>,
    observed: Vec<Observed>,
    stems: StemTable,
    taxonomy: &'t Taxonomy,
    config: &'t CheckedConfig,
}

/// Features and both heads, learned from some rows; not calibrated yet.
struct Heads {
    space: FeatureSpace,
    acts: SparseSoftmax,
    topics: SparseLogistic,
    n_acts: usize,
}

impl<'t> Task<'t> {
    /// Reads the rows.
    fn new(rows: &'t [LabelledRow], weights: Vec<f32>, taxonomy: &'t Taxonomy, config: &'t CheckedConfig) -> Self {
        let (stems, observed) = read(rows, taxonomy);
        Self { rows, documents: labels::number_documents(rows), weights, observed, stems, taxonomy, config }
    }

    /// Calibrated probabilities (rows × outputs) of each fold by heads learned from those rows of the other folds that are
    /// `used`, and the lines that calibrate.
    fn out_of_fold(
        &self,
        used: impl Fn(usize) -> bool + Sync,
        step: &(dyn Fn() + Sync),
    ) -> Result<(Array2<f64>, Vec<Line>), TrainError> {
        let (rows, n_folds) = (self.rows, self.config.folds);
        let fold_of = labels::folds(rows, n_folds, self.config.seed);
        let (n_acts, n_topics) = (self.taxonomy.acts.len(), self.taxonomy.topics.len());
        let folds: Vec<(Vec<usize>, Array2<f64>)> = (0..n_folds)
            .into_par_iter()
            .map(|fold| {
                let part: Vec<usize> = (0..rows.len()).filter(|&r| fold_of[r] != fold && used(r)).collect();
                let heads = self.fit(&part)?;
                let held_out: Vec<usize> = (0..rows.len()).filter(|&r| fold_of[r] == fold).collect();
                let scores = self.scores(&heads, &held_out)?;
                step();
                Ok((held_out, scores))
            })
            .collect::<Result<_, TrainError>>()?;
        let mut logits = Array2::<f64>::zeros((rows.len(), n_acts + n_topics));
        for (held_out, scores) in folds {
            held_out.iter().zip(scores.rows()).for_each(|(&row, scores)| logits.row_mut(row).assign(&scores));
        }
        let acts: Vec<usize> = rows.iter().map(|r| r.labels.act).collect();
        let mut lines = scale_logits(logits.slice_axis(Axis(1), Slice::from(..n_acts)), &acts);
        for topic in 0..n_topics {
            let scores = logits.column(n_acts + topic).to_vec();
            lines.push(platt(&scores, &truth(rows, n_acts, n_acts + topic)).unwrap_or(Line::IDENTITY));
        }
        for mut row in logits.rows_mut() {
            row.iter_mut().zip(&lines).for_each(|(score, line)| *score = line.apply(*score));
            let (acts, topics) = row.as_slice_mut().map_or((&mut [][..], &mut [][..]), |r| r.split_at_mut(n_acts));
            softmax(acts);
            topics.iter_mut().for_each(|score| *score = sigmoid(*score));
        }
        Ok((logits, lines))
    }

    /// The topics' thresholds that out-of-fold probabilities ask for, the labels that follow, and how right they are.
    fn judge(&self, probabilities: &Array2<f64>, resamples: usize) -> (Vec<f32>, Vec<Labels>, Evaluation) {
        let n_acts = self.taxonomy.acts.len();
        let thresholds = thresholds(probabilities, self.rows, n_acts, self.taxonomy.topics.len());
        let of = |p: ndarray::ArrayView1<f64>| {
            let p = p.to_vec();
            decide(&p[..n_acts], &p[n_acts..], &thresholds, self.taxonomy.act_without_topics)
        };
        let predicted: Vec<Labels> = probabilities.rows().into_iter().map(of).collect();
        let pairs: Vec<_> = self.rows.iter().map(|r| r.labels).zip(predicted.iter().copied()).collect();
        let names: Vec<&str> = self.rows.iter().map(|r| r.document.as_str()).collect();
        let evaluation = evaluate(self.taxonomy, &pairs, &names, resamples, self.config.seed);
        (thresholds, predicted, evaluation)
    }

    fn fit(&self, part: &[usize]) -> Result<Heads, TrainError> {
        // Ids need not keep a document's rows together.
        let mut by_document = part.to_vec();
        by_document.sort_by_key(|&r| self.documents[r]);
        let observed = by_document.iter().map(|&r| (self.documents[r], &self.observed[r]));
        let space = FeatureSpace::fit(observed, &self.stems, &self.config.features);
        let records = self.records(&space, part, |_| true)?;
        // Marks of form tell acts apart; topics are no better for them out of fold.
        let unmarked = self.records(&space, part, |feature| !matches!(feature, Feature::Mark(_)))?;
        let acts = Array1::from_iter(part.iter().map(|&r| self.rows[r].labels.act));
        let topics = Array2::from_shape_fn((part.len(), self.taxonomy.topics.len()), |(i, topic)| {
            self.rows[part[i]].labels.topics.contains(topic)
        });
        let weights = || Array1::from_iter(part.iter().map(|&r| self.weights[r]));
        let acts = DatasetBase::new(records, acts).with_weights(weights());
        let topics = DatasetBase::new(unmarked, topics).with_weights(weights());
        let (acts, topics) =
            rayon::join(|| self.params(&self.config.acts).fit(&acts), || self.params(&self.config.topics).fit(&topics));
        Ok(Heads { space, acts: acts?, topics: topics?, n_acts: self.taxonomy.acts.len() })
    }

    fn params(&self, head: &HeadConfig) -> SparseLogisticParams {
        SparseLogistic::params()
            .c(head.c)
            .class_weight(ClassWeight::Positive(head.positive_weight))
            .seed(self.config.seed)
    }

    fn records(
        &self,
        space: &FeatureSpace,
        part: &[usize],
        keep: impl Fn(Feature) -> bool,
    ) -> Result<SparseRecords, SparseError> {
        let mut records = SparseRecords::new(space.n_columns());
        let mut row = SparseRow::default();
        for &r in part {
            space.weigh_observed(&self.observed[r], &self.stems, &mut row);
            records.push(row.iter().filter(|&(column, _)| keep(space.feature(column))))?;
        }
        Ok(records)
    }

    /// Scores of all acts, then of all topics, for some rows.
    fn scores(&self, heads: &Heads, part: &[usize]) -> Result<Array2<f64>, TrainError> {
        let records = self.records(&heads.space, part, |_| true)?;
        let mut scores = Array2::from_elem((part.len(), heads.n_acts + self.taxonomy.topics.len()), NEVER);
        let acts = heads.acts.decision(&records);
        scores.slice_axis_mut(Axis(1), Slice::from(..acts.ncols())).assign(&acts);
        scores.slice_axis_mut(Axis(1), Slice::from(heads.n_acts..)).assign(&heads.topics.decision(&records));
        Ok(scores)
    }
}

/// The logit of an act that no training row has.
const NEVER: f64 = -20.0;

impl Heads {
    /// Weights (columns × outputs) and intercepts with the calibration folded in.
    fn fold_in(&self, lines: &[Line]) -> (Vec<f32>, Vec<f32>) {
        let n_outputs = lines.len();
        let mut weights = vec![0f32; self.space.n_columns() * n_outputs];
        let mut intercepts = vec![0f32; n_outputs];
        for (output, line) in lines.iter().enumerate() {
            let column = match output.checked_sub(self.n_acts) {
                Some(topic) => Some((self.topics.weights().column(topic), self.topics.intercepts()[topic])),
                None if output < self.acts.intercepts().len() => {
                    Some((self.acts.weights().column(output), self.acts.intercepts()[output]))
                }
                None => None,
            };
            let Some((column, intercept)) = column else {
                intercepts[output] = NEVER as f32;
                continue;
            };
            for (feature, &w) in column.iter().enumerate() {
                weights[feature * n_outputs + output] = (line.slope * w) as f32;
            }
            intercepts[output] = line.apply(intercept) as f32;
        }
        (weights, intercepts)
    }
}
