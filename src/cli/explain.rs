//! `petition explain`: what moved each label of one sentence, in exact arithmetic.

use super::{Exit, Form, ModelArgs};
use anyhow::ensure;
use clap::Args;
use petition::features::Text;
use petition::model::{Explanation, Model};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;

/// Say what moved each label of one sentence: an intercept plus value × weight for each feature gives the score.
#[derive(Args)]
pub struct Explain {
    /// The sentence
    text: String,
    /// The title of its document
    #[arg(long)]
    title: Option<String>,
    /// Labels to explain [default: the act and topics that were said, and any topic over 0.1]
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// Features to show for each label; 0 shows all
    #[arg(short = 'n', long, default_value_t = 8)]
    top: usize,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    #[command(flatten)]
    model: ModelArgs,
}

impl Explain {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        ensure!(!self.text.trim().is_empty(), "there is no text to explain");
        let model = self.model.load()?;
        let explanation = model.explain(&Text { sentence: &self.text, title: self.title.as_deref(), lead: None });
        for label in &self.label {
            let known: Vec<&str> = explanation.outputs.iter().map(|o| o.label.as_str()).collect();
            ensure!(
                known.contains(&label.as_str()),
                "--label: `{label}` is no label of the model; it has {}",
                known.join(", ")
            );
        }
        let answer = match self.format {
            Form::Text => self.tables(&model, &explanation),
            Form::Json => serde_json::to_string_pretty(&object(&model, &explanation))? + "\n",
        };
        write!(std::io::stdout(), "{answer}")?;
        Ok(Exit::Done)
    }

    fn tables(&self, model: &Model, explanation: &Explanation) -> String {
        let taxonomy = model.taxonomy();
        let prediction = &explanation.prediction;
        let topics = taxonomy.join_topics(prediction.topics);
        let act = &taxonomy.acts[prediction.act].id;
        let mut text = format!(
            "act {act} ({:.4})   topics {}\n",
            prediction.act_score(),
            if topics.is_empty() { "none" } else { &topics }
        );
        for (place, output) in explanation.outputs.iter().enumerate() {
            let wanted = if self.label.is_empty() {
                match output.threshold {
                    None => place == prediction.act,
                    Some(threshold) => output.probability >= threshold.min(0.1),
                }
            } else {
                self.label.contains(&output.label)
            };
            if !wanted {
                continue;
            }
            let kind = if output.threshold.is_some() { "log-odds" } else { "logit" };
            let threshold = output.threshold.map_or(String::new(), |t| format!(", said from {t:.4}"));
            let _ = writeln!(
                text,
                "\n{}: probability {:.4}{threshold}; {kind} {:+.4}",
                output.label, output.probability, output.score
            );
            let _ = writeln!(text, "  {:>9}  {:>7}  {:>8}  feature", "adds", "value", "weight");
            let _ = writeln!(text, "  {:>+9.4}  {:>7}  {:>8}  (where the label starts from)", output.intercept, "", "");
            let shown = if self.top == 0 { output.contributions.len() } else { self.top };
            for c in output.contributions.iter().take(shown) {
                let _ =
                    writeln!(text, "  {:>+9.4}  {:>7.4}  {:>+8.4}  {}", c.contribution, c.value, c.weight, c.feature);
            }
            if let Some(rest) = output.contributions.get(shown..).filter(|rest| !rest.is_empty()) {
                let sum: f64 = rest.iter().map(|c| c.contribution).sum();
                let _ = writeln!(text, "  {sum:>+9.4}  {:>7}  {:>8}  {} more features together", "", "", rest.len());
            }
        }
        text
    }
}

fn object(model: &Model, explanation: &Explanation) -> serde_json::Value {
    let taxonomy = model.taxonomy();
    let topics: Vec<&str> = explanation.prediction.topics.iter().map(|t| taxonomy.topics[t].id.as_str()).collect();
    let outputs: Vec<_> = explanation
        .outputs
        .iter()
        .map(|o| {
            let features: Vec<_> = o
                .contributions
                .iter()
                .map(|c| json!({"feature": c.feature, "value": c.value, "weight": c.weight, "adds": c.contribution}))
                .collect();
            json!({
                "label": o.label, "probability": o.probability, "threshold": o.threshold, "score": o.score,
                "intercept": o.intercept, "features": features,
            })
        })
        .collect();
    json!({"act": taxonomy.acts[explanation.prediction.act].id, "topics": topics, "labels": outputs})
}
