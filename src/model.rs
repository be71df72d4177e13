//! A model: everything that was fitted, together. Every command that labels a sentence goes through [`Model`].

use crate::config::CheckedConfig;
use crate::evaluate::Labels;
use crate::features::{Extractor, FeatureSpace, Text};
use crate::math::{sigmoid, softmax};
use crate::scorer::Scorer;
use crate::softmax::argmax;
use crate::sparse::SparseRow;
use crate::taxonomy::{Taxonomy, TopicSet};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use thiserror::Error;

/// A trained model. Immutable; share it between threads.
///
/// Its scores are linear: the log-odds of a topic, and the logit of an act, are an intercept plus the sum of
/// value × weight over the columns of the sentence's row. Calibration is folded into the weights.
#[derive(Debug, Clone)]
pub struct Model {
    pub(crate) taxonomy: Taxonomy,
    pub(crate) space: FeatureSpace,
    /// Columns × outputs, row by row; outputs are the acts, then the topics.
    pub(crate) weights: Cow<'static, [f32]>,
    /// One an output.
    pub(crate) intercepts: Vec<f32>,
    /// One a topic: the probability from which it is said.
    pub(crate) thresholds: Vec<f32>,
    pub(crate) config: CheckedConfig,
    pub(crate) training: TrainingInfo,
}

/// What the model was trained on and how well it did out of fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingInfo {
    /// The version of petition that trained it.
    pub version: String,
    /// The SHA-256 of the training rows, see [`crate::labels::hash`].
    pub data_hash: String,
    /// Rows of training.
    pub n_rows: usize,
    /// Documents they come from.
    pub n_documents: usize,
    /// Out-of-fold figures, by name, in the order of [`crate::evaluate::Tally::figures`].
    pub figures: Vec<(String, f64)>,
    /// Rows and out-of-fold precision, recall and F1 of each label.
    pub labels: Vec<LabelInfo>,
    /// What new rows were put on top of, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseInfo>,
}

/// The rows that new ones were put on top of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaseInfo {
    /// Their SHA-256, as that of a model trained on them alone.
    pub data_hash: String,
    /// How many there were.
    pub n_rows: usize,
    /// How much more a new row weighs.
    pub weight: f32,
}

/// One label's part of [`TrainingInfo`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelInfo {
    /// `act.ID` or `topic.ID`.
    pub name: String,
    /// Training rows with the label.
    pub n_rows: usize,
    /// Out-of-fold precision, 0 to 1.
    pub precision: f64,
    /// Out-of-fold recall, 0 to 1.
    pub recall: f64,
    /// Out-of-fold F1, 0 to 1.
    pub f1: f64,
    /// Out-of-fold expected calibration error, 0 to 1.
    pub calibration_error: f64,
}

/// What a model says of one sentence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prediction {
    /// The act's number: the most probable one.
    pub act: usize,
    /// The topics: those at or above their threshold; none when the act carries none.
    pub topics: TopicSet,
    /// The probability of each act (adding up to 1), then of each topic.
    pub probabilities: Vec<f64>,
    /// How many of the sentence's words the model knows.
    pub known_stems: usize,
    /// How many words the sentence has.
    pub n_words: usize,
}

impl Prediction {
    /// The labels alone.
    pub fn labels(&self) -> Labels {
        Labels { act: self.act, topics: self.topics }
    }

    /// The probability of the act that was said.
    pub fn act_score(&self) -> f64 {
        self.probabilities.get(self.act).copied().unwrap_or(0.0)
    }
}

/// What moved each label of one sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What was said.
    pub prediction: Prediction,
    /// One an output: the acts, then the topics.
    pub outputs: Vec<OutputExplanation>,
}

/// What moved one label.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputExplanation {
    /// The act's or topic's name.
    pub label: String,
    /// What the label starts from.
    pub intercept: f64,
    /// The log-odds (topics) or logit (acts): the intercept plus all contributions.
    pub score: f64,
    /// The probability.
    pub probability: f64,
    /// The probability from which it is said; `None` for acts.
    pub threshold: Option<f64>,
    /// What each column adds, largest amount first.
    pub contributions: Vec<Contribution>,
}

/// What one column adds to one label.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// What the column stands for, in words.
    pub feature: String,
    /// Its value in the sentence's row.
    pub value: f64,
    /// Its weight for the label.
    pub weight: f64,
    /// Value × weight.
    pub contribution: f64,
}

/// A threshold for a topic that does not exist, or out of range.
#[derive(Debug, Clone, PartialEq, Error)]
#[allow(missing_docs)]
pub enum ThresholdError {
    #[error("`{topic}` is no topic of the model; it has {}", known.join(", "))]
    UnknownTopic { topic: String, known: Vec<String> },
    #[error("the threshold of `{topic}` must be 0 to 1, not {value}")]
    OutOfRange { topic: String, value: f64 },
}

impl Model {
    /// The model that is built into the crate: policing reform, in English.
    ///
    /// # Errors
    /// Never with the file that is shipped; a test loads it.
    ///
    /// ```
    /// let model = petition::model::Model::shipped()?;
    /// let prediction = model.classify("The council must ban chokeholds.");
    /// assert_eq!(model.taxonomy().acts[prediction.act].id, "demand");
    /// assert_eq!(model.taxonomy().join_topics(prediction.topics), "use-of-force");
    /// # Ok::<(), petition::model_file::ModelError>(())
    /// ```
    pub fn shipped() -> Result<Self, crate::model_file::ModelError> {
        Self::from_static(Self::shipped_file())
    }

    /// The file of the model that is built into this program.
    pub fn shipped_file() -> &'static [u8] {
        /// Laid out so that weights can be used where they stand.
        #[repr(align(16))]
        struct Aligned<B: ?Sized>(B);
        static FILE: &Aligned<[u8]> = &Aligned(*include_bytes!("../models/policing-reform.safetensors"));
        &FILE.0
    }

    /// Labels one sentence by itself. For many, [`Model::reader`] is faster.
    pub fn classify(&self, sentence: &str) -> Prediction {
        self.reader().classify(&Text { sentence, ..Text::default() })
    }

    /// A reader of sentences, which remembers words; make one a thread.
    pub fn reader(&self) -> Reader<'_> {
        let extractor = Extractor::new(&self.taxonomy, self.space.stems());
        let scores = || vec![0.0; self.n_outputs()];
        Reader {
            model: self,
            extractor,
            scorer: Scorer::new(&self.space),
            scores: scores(),
            lead: None,
            lead_scores: scores(),
        }
    }

    /// Says what moved each label.
    pub fn explain(&self, text: &Text) -> Explanation {
        let mut reader = self.reader();
        let prediction = reader.classify(text);
        let (mut row, mut lead_row) = (SparseRow::default(), SparseRow::default());
        self.space.weigh(&reader.extractor, &mut row);
        if let Some(sentence) = text.lead {
            reader.extractor.read(&Text { sentence, ..*text });
            self.space.weigh(&reader.extractor, &mut lead_row);
        }
        let n_acts = self.taxonomy.acts.len();
        let labels = self.taxonomy.acts.iter().chain(&self.taxonomy.topics);
        let outputs = labels.enumerate().map(|(output, label)| {
            let own = row.iter().map(|cell| (cell, ""));
            let of_lead = lead_row.iter().filter(|_| output < n_acts).map(|cell| (cell, "lead: "));
            let mut contributions: Vec<Contribution> = own
                .chain(of_lead)
                .map(|((column, value), whose)| {
                    let weight = f64::from(self.weights[column as usize * self.n_outputs() + output]);
                    let value = f64::from(value);
                    let feature = format!("{whose}{}", self.space.describe(column, &self.taxonomy));
                    Contribution { feature, value, weight, contribution: value * weight }
                })
                .collect();
            let intercept = f64::from(self.intercepts[output]);
            // Added up in the row's order, as in classification.
            let score = contributions.iter().fold(intercept, |sum, c| sum + c.contribution);
            contributions.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
            OutputExplanation {
                label: label.id.clone(),
                intercept,
                score,
                probability: prediction.probabilities[output],
                threshold: output.checked_sub(n_acts).map(|topic| f64::from(self.thresholds[topic])),
                contributions,
            }
        });
        Explanation { outputs: outputs.collect(), prediction }
    }

    /// The taxonomy that the model labels by.
    pub fn taxonomy(&self) -> &Taxonomy {
        &self.taxonomy
    }

    /// The columns that the model knows.
    pub fn space(&self) -> &FeatureSpace {
        &self.space
    }

    /// How the model was trained.
    pub fn config(&self) -> &CheckedConfig {
        &self.config
    }

    /// What the model was trained on, and how well it did out of fold.
    pub fn training(&self) -> &TrainingInfo {
        &self.training
    }

    /// The probability from which each topic is said.
    pub fn thresholds(&self) -> &[f32] {
        &self.thresholds
    }

    /// Changes the threshold of one topic.
    ///
    /// # Errors
    /// No such topic, or a value outside 0 to 1.
    pub fn set_threshold(&mut self, topic: &str, value: f64) -> Result<(), ThresholdError> {
        let place = self.taxonomy.topic(topic).ok_or_else(|| ThresholdError::UnknownTopic {
            topic: topic.to_owned(),
            known: self.taxonomy.topics.iter().map(|t| t.id.clone()).collect(),
        })?;
        if !(0.0..=1.0).contains(&value) {
            return Err(ThresholdError::OutOfRange { topic: topic.to_owned(), value });
        }
        self.thresholds[place] = value as f32;
        Ok(())
    }

    /// Acts and topics together.
    pub fn n_outputs(&self) -> usize {
        self.taxonomy.acts.len() + self.taxonomy.topics.len()
    }

    /// The largest weights of an output, best first, in words.
    pub fn top_weights(&self, output: usize, n: usize) -> Vec<(String, f32)> {
        let weight = |column: u32| self.weights[column as usize * self.n_outputs() + output];
        let mut columns: Vec<u32> = (0..self.space.n_columns() as u32).collect();
        columns.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        columns.iter().take(n).map(|&c| (self.space.describe(c, &self.taxonomy), weight(c))).collect()
    }
}

/// Reads sentences with a model.
pub struct Reader<'m> {
    model: &'m Model,
    extractor: Extractor<'m>,
    scorer: Scorer,
    scores: Vec<f32>,
    /// The lead read last, and what it adds to the scores (zeros without a lead).
    lead: Option<Box<str>>,
    lead_scores: Vec<f32>,
}

impl Reader<'_> {
    /// One of so many readers: the words that they remember take the room of three readers at most.
    pub(crate) fn one_of(mut self, n_readers: usize) -> Self {
        self.extractor.limit_words(n_readers.div_ceil(3));
        self
    }

    /// Labels one sentence.
    pub fn classify(&mut self, text: &Text) -> Prediction {
        let mut prediction = Prediction::default();
        self.classify_into(text, &mut prediction);
        prediction
    }

    /// Labels one sentence into a prediction that is used again.
    ///
    /// An item of a list is judged on its words and, as to the act, on those of the lead: "We ask the city to:" makes a
    /// demand of "a board with the power to discipline". The evidence of both is added up.
    pub fn classify_into(&mut self, text: &Text, prediction: &mut Prediction) {
        let model = self.model;
        let Self { extractor, scorer, scores: sums, lead, lead_scores, .. } = self;
        if lead.as_deref() != text.lead {
            *lead = text.lead.map(Into::into);
            lead_scores.fill(0.0);
            if let Some(sentence) = text.lead {
                extractor.read(&Text { sentence, ..*text });
                scorer.score(&model.space, &model.weights, extractor, lead_scores);
            }
        }
        extractor.read(text);
        scorer.score(&model.space, &model.weights, extractor, sums);
        let scores = &mut prediction.probabilities;
        scores.clear();
        scores
            .extend(sums.iter().zip(&model.intercepts).map(|(&sum, &intercept)| f64::from(sum) + f64::from(intercept)));
        let n_acts = model.taxonomy.acts.len();
        scores.iter_mut().zip(lead_scores.iter()).take(n_acts).for_each(|(score, &sum)| *score += f64::from(sum));
        let (acts, topics) = scores.split_at_mut(n_acts);
        softmax(acts);
        topics.iter_mut().for_each(|score| *score = sigmoid(*score));
        let labels = decide(acts, topics, &model.thresholds, model.taxonomy.act_without_topics);
        (prediction.act, prediction.topics) = (labels.act, labels.topics);
        prediction.known_stems = self.extractor.n_known();
        prediction.n_words = self.extractor.n_words();
    }
}

/// Probabilities → labels: the most probable act, and the topics at or above their threshold if the act carries any.
pub(crate) fn decide(acts: &[f64], topics: &[f64], thresholds: &[f32], without_topics: Option<usize>) -> Labels {
    let act = argmax(acts.iter().copied());
    let mut set = TopicSet::default();
    if without_topics != Some(act) {
        let said = topics.iter().zip(thresholds).enumerate().filter(|(_, (p, t))| **p >= f64::from(**t));
        said.for_each(|(topic, _)| set.insert(topic));
    }
    Labels { act, topics: set }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_can_be_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Model>();
    }

    #[test]
    fn a_lead_tells_the_act_of_its_items() {
        let model = Model::shipped().expect("the shipped model loads");
        let mut reader = model.reader();
        let mut act = |lead| {
            let prediction = reader.classify(&Text {
                sentence: "a board with the power to discipline officers;",
                title: None,
                lead,
            });
            (model.taxonomy.acts[prediction.act].id.as_str(), model.taxonomy.join_topics(prediction.topics))
        };
        let alone = act(None);
        assert_eq!(act(Some("We demand that the city create:")), ("demand", alone.1.clone()));
        assert_eq!(act(None), alone);
    }

    #[test]
    fn decides_by_threshold_and_act() {
        let topics = |l: Labels| l.topics.iter().collect::<Vec<_>>();
        let labels = decide(&[0.2, 0.5, 0.3], &[0.4, 0.6, 0.5], &[0.5, 0.5, 0.5], Some(2));
        assert_eq!((labels.act, topics(labels)), (1, vec![1, 2]));
        let labels = decide(&[0.2, 0.3, 0.5], &[0.9, 0.9, 0.9], &[0.5, 0.5, 0.5], Some(2));
        assert_eq!((labels.act, topics(labels)), (2, vec![]));
    }

    #[test]
    fn explanations_add_up_to_the_score() {
        let model = Model::shipped().expect("the shipped model loads");
        for sentence in [
            "The parents ask the county to open an ombudsman’s office for the police.",
            "He was shot on Tuesday.",
            "",
            "zzzz qqqq",
        ] {
            let explanation = model.explain(&Text { sentence, title: Some("Police reform"), lead: Some("We demand:") });
            let n_acts = model.taxonomy.acts.len();
            let mut acts: Vec<f64> = explanation.outputs[..n_acts].iter().map(|o| o.score).collect();
            softmax(&mut acts);
            for (output, of) in explanation.outputs.iter().enumerate() {
                let sum: f64 = of.intercept + of.contributions.iter().map(|c| c.contribution).sum::<f64>();
                assert!((sum - of.score).abs() < 1e-6, "{}: {sum} is not {}", of.label, of.score);
                let probability = acts.get(output).copied().unwrap_or_else(|| sigmoid(of.score));
                assert!((probability - of.probability).abs() < 1e-5, "{}", of.label);
            }
        }
    }
}
