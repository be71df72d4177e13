//! What is known of a freshly trained model, as one JSON object or as Markdown: figures with intervals, calibration,
//! confusions, the learning curve, what weighs most, which rows surprise.

use crate::calibrate::Bins;
use crate::features::Text;
use crate::math::ln;
use crate::model::Model;
use crate::review;
use crate::taxonomy::Taxonomy;
use crate::train::{CurvePoint, OutOfFold, Trained};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything that the report says; all figures are out of fold, by document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The taxonomy's name.
    pub taxonomy: String,
    /// The version of petition that trained the model.
    pub version: String,
    /// The SHA-256 of the training rows.
    pub data_hash: String,
    /// Rows of training.
    pub n_rows: usize,
    /// Documents that they come from.
    pub n_documents: usize,
    /// Columns of the model.
    pub n_columns: usize,
    /// Overall figures with their 95 % intervals.
    pub figures: Vec<Figure>,
    /// Every label's figures.
    pub labels: Vec<LabelFigures>,
    /// Rows of given act × columns of predicted act.
    pub act_confusion: Vec<Vec<usize>>,
    /// Topics that were said in rows whose given topic was missed, most frequent first.
    pub topic_confusion: Vec<TopicConfusion>,
    /// Probability against share, of both heads.
    pub reliability: Vec<Reliability>,
    /// How often rows with and without reasons for review are right.
    pub review: ReviewFigures,
    /// Figures with fewer documents; empty if it was not asked for.
    pub learning_curve: Vec<CurvePoint>,
    /// What weighs most for each label.
    pub top_weights: Vec<LabelWeights>,
    /// Rows whose given labels are least probable: perhaps labelled wrongly, or else what the model cannot do.
    pub surprising_rows: Vec<SurprisingRow>,
}

/// One figure and its 95 % interval (a bootstrap by document; equal ends without resamples).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// One label's figures, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LabelFigures {
    pub name: String,
    pub n_rows: usize,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub f1_low: f64,
    pub f1_high: f64,
    pub calibration_error: f64,
    /// The probability from which it is said; none for acts.
    pub threshold: Option<f64>,
}

/// A topic that was given and missed, and one that was said wrongly in the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TopicConfusion {
    pub given: String,
    pub said: String,
    pub n_rows: usize,
}

/// One head's probabilities in ten bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// `acts` or `topics`.
    pub head: String,
    /// The expected calibration error over all labels of the head, 0 to 1.
    pub calibration_error: f64,
    /// The bins that are not empty, by probability.
    pub bins: Vec<ReliabilityBin>,
}

/// One bin of a reliability table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// How many probabilities fall into it.
    pub n: usize,
    /// Their mean.
    pub probability: f64,
    /// The share of them whose label was given.
    pub share: f64,
}

/// Rows with and without reasons for review; a row is right when its act and all its topics are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ReviewFigures {
    pub n_flagged: usize,
    pub n_flagged_right: usize,
    pub n_other: usize,
    pub n_other_right: usize,
}

/// What weighs most for one label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LabelWeights {
    pub label: String,
    /// Feature and weight, largest first.
    pub features: Vec<(String, f32)>,
}

/// A row whose given labels are improbable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SurprisingRow {
    pub id: String,
    pub text: String,
    pub given_act: String,
    pub given_topics: String,
    pub said_act: String,
    pub said_topics: String,
    /// The probability of the given labels together, as if labels were independent.
    pub probability: f64,
}

/// How much a report shows.
#[derive(Debug, Clone, Copy)]
pub struct ReportSize {
    /// Features a label.
    pub n_weights: usize,
    /// Surprising rows.
    pub n_rows: usize,
    /// Confusions of topics.
    pub n_confusions: usize,
}

impl Default for ReportSize {
    fn default() -> Self {
        Self { n_weights: 15, n_rows: 50, n_confusions: 20 }
    }
}

impl Report {
    /// Puts together what is known of a model.
    pub fn new(trained: &Trained, learning_curve: Vec<CurvePoint>, size: ReportSize) -> Self {
        let (model, known) = (&trained.model, &trained.out_of_fold);
        let (taxonomy, training, evaluation) = (model.taxonomy(), model.training(), &known.evaluation);
        let n_acts = taxonomy.acts.len();
        let figures = evaluation.tally.figures().into_iter().enumerate().map(|(place, (name, value))| {
            let (low, high) = evaluation.interval(place, value);
            Figure { name: name.to_owned(), value, low, high }
        });
        let labels = training.labels.iter().enumerate().map(|(place, l)| {
            let (f1_low, f1_high) = evaluation.label_interval(place, l.f1);
            LabelFigures {
                name: l.name.clone(),
                n_rows: l.n_rows,
                precision: l.precision,
                recall: l.recall,
                f1: l.f1,
                f1_low,
                f1_high,
                calibration_error: l.calibration_error,
                threshold: place.checked_sub(n_acts).map(|topic| f64::from(model.thresholds()[topic])),
            }
        });
        let names = taxonomy.acts.iter().chain(&taxonomy.topics).enumerate();
        let top_weights = names.map(|(output, label)| LabelWeights {
            label: label.id.clone(),
            features: model.top_weights(output, size.n_weights),
        });
        Self {
            taxonomy: taxonomy.name.clone(),
            version: training.version.clone(),
            data_hash: training.data_hash.clone(),
            n_rows: training.n_rows,
            n_documents: training.n_documents,
            n_columns: model.space().n_columns(),
            figures: figures.collect(),
            labels: labels.collect(),
            act_confusion: evaluation.tally.acts.clone(),
            topic_confusion: topic_confusion(taxonomy, known, size.n_confusions),
            reliability: vec![reliability(known, 0..n_acts, "acts"), reliability(known, n_acts..usize::MAX, "topics")],
            review: review_figures(model, known),
            learning_curve,
            top_weights: top_weights.collect(),
            surprising_rows: surprising_rows(taxonomy, known, size.n_rows),
        }
    }

    /// The report as JSON, with a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The report as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Training report: {}\n\n{} rows of {} documents, {} columns, petition {}, data `{}`.\n\nAll figures are out of fold: a row is \
             predicted by a model that has seen no row of its document. Intervals are 95 %, from resamples of documents.\n\n",
            self.taxonomy, self.n_rows, self.n_documents, self.n_columns, self.version, self.data_hash,
        );
        text.push_str(&self.figure_table());
        text.push('\n');
        text.push_str(&self.label_table());
        let acts: Vec<&str> = self.labels.iter().filter_map(|l| l.name.strip_prefix("act.")).collect();
        let _ = writeln!(text, "\n## Acts: given by predicted\n\n| | {} |", acts.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(acts.len()));
        for (act, row) in acts.iter().zip(&self.act_confusion) {
            let cells: Vec<String> = row.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "| {act} | {} |", cells.join(" | "));
        }
        text.push_str("\n## Topics said in place of others\n\n| given, but missed | said wrongly in the same rows | rows |\n|---|---|---:|\n");
        for c in &self.topic_confusion {
            let _ = writeln!(text, "| {} | {} | {} |", c.given, c.said, c.n_rows);
        }
        text.push_str("\n## Reliability\n\n");
        for head in &self.reliability {
            let _ = writeln!(text, "{}: expected calibration error {:.4}\n", head.head, head.calibration_error);
            text.push_str("| mean probability | share that has the label | probabilities |\n|---:|---:|---:|\n");
            for bin in &head.bins {
                let _ = writeln!(text, "| {:.3} | {:.3} | {} |", bin.probability, bin.share, bin.n);
            }
            text.push('\n');
        }
        let r = &self.review;
        let share = |right: usize, n: usize| if n == 0 { 0.0 } else { 100.0 * right as f64 / n as f64 };
        let _ = writeln!(
            text,
            "## Review\n\n{:.1} % of the rows are flagged for review. Act and all topics are right in {:.1} % of the flagged and in {:.1} % of \
             the other rows.",
            share(r.n_flagged, r.n_flagged + r.n_other),
            share(r.n_flagged_right, r.n_flagged),
            share(r.n_other_right, r.n_other),
        );
        text.push_str(&self.curve_table());
        text.push_str("\n## What weighs most\n");
        for label in &self.top_weights {
            let _ = writeln!(text, "\n**{}**\n", label.label);
            for (feature, weight) in &label.features {
                let _ = writeln!(text, "- {weight:+.3} {feature}");
            }
        }
        text.push_str(
            "\n## Rows whose labels surprise\n\nPerhaps labelled wrongly, or else what the model cannot do.\n\n",
        );
        text.push_str("| row | given | said | probability of the given | text |\n|---|---|---|---:|---|\n");
        for row in &self.surprising_rows {
            let labels = |act: &str, topics: &str| format!("{act} {topics}").trim().replace('|', ", ");
            let (given, said) = (labels(&row.given_act, &row.given_topics), labels(&row.said_act, &row.said_topics));
            let words = row.text.replace('|', "\\|");
            let _ = writeln!(text, "| {} | {given} | {said} | {:.1e} | {words} |", row.id, row.probability);
        }
        text
    }

    /// The overall figures as a Markdown table.
    pub fn figure_table(&self) -> String {
        let mut text = "| figure | value | 95 % interval |\n|---|---:|---:|\n".to_owned();
        for f in &self.figures {
            let _ = writeln!(text, "| {} | {:.3} | {:.3} to {:.3} |", f.name, f.value, f.low, f.high);
        }
        text
    }

    /// Every label's figures as a Markdown table.
    pub fn label_table(&self) -> String {
        let mut text = "| label | rows | precision | recall | F1 | 95 % interval | calibration error | threshold |\n\
                        |---|---:|---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
        for l in &self.labels {
            let threshold = l.threshold.map_or(String::new(), |t| format!("{t:.3}"));
            let _ = writeln!(
                text,
                "| {} | {} | {:.3} | {:.3} | {:.3} | {:.3} to {:.3} | {:.3} | {threshold} |",
                l.name, l.n_rows, l.precision, l.recall, l.f1, l.f1_low, l.f1_high, l.calibration_error
            );
        }
        text
    }

    /// The learning curve as a section with a table; empty when there is none.
    pub fn curve_table(&self) -> String {
        let Some(first) = self.learning_curve.first() else { return String::new() };
        let names: Vec<&str> = first.figures.iter().map(|(name, _)| name.as_str()).collect();
        let mut text = format!(
            "\n## Learning curve\n\n| documents | rows | {} |\n|---:|---:|{}\n",
            names.join(" | "),
            "---:|".repeat(names.len())
        );
        for point in &self.learning_curve {
            let values: Vec<String> = point.figures.iter().map(|(_, value)| format!("{value:.3}")).collect();
            let _ = writeln!(text, "| {} | {} | {} |", point.n_documents, point.n_rows, values.join(" | "));
        }
        text
    }
}

fn topic_confusion(taxonomy: &Taxonomy, known: &OutOfFold, n: usize) -> Vec<TopicConfusion> {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (row, said) in known.rows.iter().zip(&known.predicted) {
        let missed = row.labels.topics.iter().filter(|&t| !said.topics.contains(t));
        for given in missed {
            let wrong = said.topics.iter().filter(|&t| !row.labels.topics.contains(t));
            wrong.for_each(|wrong| *counts.entry((given, wrong)).or_default() += 1);
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    let name = |topic: usize| taxonomy.topics[topic].id.clone();
    let confusion = |((given, said), n_rows): ((usize, usize), usize)| TopicConfusion {
        given: name(given),
        said: name(said),
        n_rows,
    };
    counts.into_iter().take(n).map(confusion).collect()
}

fn reliability(known: &OutOfFold, outputs: std::ops::Range<usize>, head: &str) -> Reliability {
    let n_acts = known.evaluation.tally.acts.len();
    let mut bins = Bins::default();
    for (row, p) in known.rows.iter().zip(known.probabilities.rows()) {
        let of_head = p.iter().enumerate().filter(|(output, _)| outputs.contains(output));
        of_head.for_each(|(output, &p)| bins.add(p, row.labels.has(output, n_acts)));
    }
    let filled = bins.filled().map(|bin| ReliabilityBin {
        n: bin.n,
        probability: bin.sum / bin.n as f64,
        share: bin.n_true as f64 / bin.n as f64,
    });
    Reliability { head: head.to_owned(), calibration_error: bins.calibration_error(), bins: filled.collect() }
}

fn review_figures(model: &Model, known: &OutOfFold) -> ReviewFigures {
    let mut figures = ReviewFigures { n_flagged: 0, n_flagged_right: 0, n_other: 0, n_other_right: 0 };
    let mut reader = model.reader();
    for ((row, said), p) in known.rows.iter().zip(&known.predicted).zip(known.probabilities.rows()) {
        let text = Text { sentence: &row.text, title: row.title.as_deref(), lead: None };
        // Words are counted by the model, labels and probabilities are out of fold.
        let mut prediction = reader.classify(&text);
        (prediction.act, prediction.topics, prediction.probabilities) = (said.act, said.topics, p.to_vec());
        let right = usize::from(row.labels == *said);
        if review::reasons(model, &prediction).next().is_some() {
            figures.n_flagged += 1;
            figures.n_flagged_right += right;
        } else {
            figures.n_other += 1;
            figures.n_other_right += right;
        }
    }
    figures
}

fn surprising_rows(taxonomy: &Taxonomy, known: &OutOfFold, n: usize) -> Vec<SurprisingRow> {
    let n_acts = taxonomy.acts.len();
    let log_probability = |row: usize| {
        let labels = &known.rows[row].labels;
        let of = known.probabilities.row(row);
        let topics = (n_acts..of.len()).map(|o| if labels.has(o, n_acts) { of[o] } else { 1.0 - of[o] });
        topics.chain([of[labels.act]]).map(|p| ln(p.max(1e-12))).sum::<f64>()
    };
    let mut order: Vec<(usize, f64)> = (0..known.rows.len()).map(|row| (row, log_probability(row))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let surprising = |&(place, log): &(usize, f64)| {
        let (row, said) = (&known.rows[place], &known.predicted[place]);
        SurprisingRow {
            id: row.id.clone(),
            text: row.text.clone(),
            given_act: taxonomy.acts[row.labels.act].id.clone(),
            given_topics: taxonomy.join_topics(row.labels.topics),
            said_act: taxonomy.acts[said.act].id.clone(),
            said_topics: taxonomy.join_topics(said.topics),
            probability: log.exp(),
        }
    };
    order.iter().take(n).map(surprising).collect()
}
