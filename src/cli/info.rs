//! `petition info`: what a model file holds.

use super::{Exit, load_model};
use clap::Args;
use petition::model::Model;
use petition::model_file::FORMAT_VERSION;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Say what a model file holds: taxonomy, training data, figures, thresholds, top features.
#[derive(Args)]
pub struct Info {
    /// A model file, or a folder of `petition promote`; without it, the model built into this program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Features with the largest weights to show for each label
    #[arg(long, default_value_t = 0, value_name = "N")]
    top: usize,
}

impl Info {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let model = load_model(self.model.as_deref())?;
        let (taxonomy, training) = (model.taxonomy(), model.training());
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:16} {value}");
        };
        line("taxonomy", taxonomy.name.clone());
        line("acts", taxonomy.acts.iter().map(|a| a.id.as_str()).collect::<Vec<_>>().join(", "));
        line("topics", taxonomy.topics.iter().map(|t| t.id.as_str()).collect::<Vec<_>>().join(", "));
        line("seed terms", taxonomy.terms.len().to_string());
        line("features", model.space().n_columns().to_string());
        line("stems", model.space().stems().len().to_string());
        line("trained by", format!("petition {}", training.version));
        line("trained on", format!("{} rows of {} documents", training.n_rows, training.n_documents));
        line("data hash", training.data_hash.clone());
        if let Some(base) = &training.base {
            line("on top of", format!("{} rows, data hash {}", base.n_rows, base.data_hash));
            line("new rows weigh", base.weight.to_string());
        }
        line("format version", FORMAT_VERSION.to_string());
        text.push_str("\nout of fold, by document\n");
        for (name, value) in &training.figures {
            let _ = writeln!(text, "{name:28} {value:.3}");
        }
        text.push_str(&label_table(&model));
        for (place, label) in taxonomy.acts.iter().chain(&taxonomy.topics).enumerate().filter(|_| self.top > 0) {
            let _ = writeln!(text, "\n{}", label.id);
            for (feature, weight) in model.top_weights(place, self.top) {
                let _ = writeln!(text, "  {weight:>+8.4}  {feature}");
            }
        }
        write!(std::io::stdout(), "{text}")?;
        Ok(Exit::Done)
    }
}

/// What a model did out of fold, label by label, with the thresholds of its topics.
pub fn label_table(model: &Model) -> String {
    let mut text = format!(
        "\n{:28} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
        "label", "rows", "precision", "recall", "f1", "ece", "threshold"
    );
    for (place, l) in model.training().labels.iter().enumerate() {
        let topic = place.checked_sub(model.taxonomy().acts.len());
        let threshold = topic.and_then(|t| model.thresholds().get(t)).map_or(String::new(), |t| format!("{t:.3}"));
        let (p, r, f1, ece) = (l.precision, l.recall, l.f1, l.calibration_error);
        let _ = writeln!(text, "{:28} {:>6} {p:>9.3} {r:>9.3} {f1:>9.3} {ece:>9.3} {threshold:>9}", l.name, l.n_rows);
    }
    text
}
