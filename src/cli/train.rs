//! `petition train`: labelled rows → a model file and a report.

use super::output::Output;
use super::progress::{Progress, Unit};
use super::{Exit, RunArgs};
use anyhow::Context;
use clap::Args;
use petition::config::Config;
use petition::evaluate::{Evaluation, Tally};
use petition::labels;
use petition::model::Model;
use petition::taxonomy::Taxonomy;
use petition::train::{SCARCE, Trained, train};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Learn a model from labelled rows: CSV with columns id, text, act, topics, and optionally document and title.
#[derive(Args)]
pub struct Train {
    /// Labels files, or folders of .csv files
    #[arg(required_unless_present = "print_config", value_name = "LABELS")]
    labels: Vec<PathBuf>,
    /// Where the model goes
    #[arg(short, long, required_unless_present = "print_config", value_name = "FILE")]
    output: Option<PathBuf>,
    /// The taxonomy file; without it, the taxonomy of the built-in model
    #[arg(long, value_name = "FILE")]
    taxonomy: Option<PathBuf>,
    /// A config file; what it does not name keeps its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The seed of all that is drawn at random
    #[arg(long)]
    seed: Option<u64>,
    /// Print the config that would be used, as a config file, and stop
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    run: RunArgs,
}

impl Train {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let config = self.read_config()?;
        if self.print_config {
            write!(std::io::stdout(), "{}", config.write())?;
            return Ok(Exit::Done);
        }
        let config = config.check().context("the config")?;
        self.run.start()?;
        let taxonomy = match &self.taxonomy {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
                Taxonomy::read(&text).with_context(|| path.display().to_string())?
            }
            None => Model::shipped().context("the built-in model; give a --taxonomy instead")?.taxonomy().clone(),
        };
        let rows = labels::read(&self.labels, &taxonomy)?;
        let mut output = Output::open(self.output.as_deref())?;
        let progress = Progress::new(&self.run, Unit::Steps, 0);
        let started = std::time::Instant::now();
        let Trained { model, out_of_fold } =
            train(rows, taxonomy, config, &|done, total| progress.set(done as u64, total as u64))?;
        progress.finish();
        let bytes = model.to_bytes()?;
        output.write_all(&bytes).context("the model")?;
        output.finish()?;
        let training = model.training();
        for label in training.labels.iter().filter(|l| l.n_rows < SCARCE) {
            let (name, n) = (&label.name, label.n_rows);
            self.run.note(&format!("warning: {name} has {n} rows, fewer than {SCARCE}; its figures mean little"));
        }
        self.run.note(&format!(
            "{} rows of {} documents, {} columns, {} bytes, {:.1} s",
            training.n_rows,
            training.n_documents,
            model.space().n_columns(),
            bytes.len(),
            started.elapsed().as_secs_f64(),
        ));
        write!(std::io::stdout(), "{}", describe(&model, &out_of_fold.evaluation))?;
        Ok(Exit::Done)
    }

    fn read_config(&self) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
                Config::read(&text).with_context(|| path.display().to_string())?
            }
            None => Config::default(),
        };
        if let Some(seed) = self.seed {
            config.seed = seed;
        }
        Ok(config)
    }
}

/// The report as text.
fn describe(model: &Model, evaluation: &Evaluation) -> String {
    let figures = super::evaluate::figures(evaluation);
    let acts = act_table(&evaluation.tally, model.taxonomy());
    format!("out of fold, by document\n{figures}{}{acts}", super::info::label_table(model))
}

/// Gold acts × predicted acts.
pub fn act_table(tally: &Tally, taxonomy: &Taxonomy) -> String {
    let mut text = format!("\n{:28}", "act: gold \\ predicted");
    for act in &taxonomy.acts {
        let _ = write!(text, " {:>10}", act.id);
    }
    for (act, row) in taxonomy.acts.iter().zip(&tally.acts) {
        let _ = write!(text, "\n{:28}", act.id);
        for n in row {
            let _ = write!(text, " {n:>10}");
        }
    }
    text.push('\n');
    text
}
