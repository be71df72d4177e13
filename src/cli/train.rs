//! `petition train`: labelled rows → a model file and a report.

use super::output::Output;
use super::progress::{Progress, Unit};
use super::taxonomy::read_taxonomy;
use super::{Exit, RunArgs, load_model};
use anyhow::Context;
use clap::Args;
use petition::config::Config;
use petition::evaluate::{Evaluation, Tally};
use petition::labels;
use petition::model::Model;
use petition::report::{Report, ReportSize};
use petition::taxonomy::Taxonomy;
use petition::train::{SCARCE, Trained, learning_curve, train_on_top};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Learn a model from labelled rows: CSV with columns id, text, act, topics, and optionally document and title.
#[derive(Args)]
pub struct Train {
    /// Labels files, or folders of .csv files
    #[arg(required_unless_present = "print_config", value_name = "LABELS")]
    labels: Vec<PathBuf>,
    /// Where the model goes
    #[arg(short, long, required_unless_present = "print_config", value_name = "FILE")]
    output: Option<PathBuf>,
    /// The taxonomy file; without it, the taxonomy of the base, which is the built-in model unless told otherwise
    #[arg(long, value_name = "FILE")]
    taxonomy: Option<PathBuf>,
    /// A model to go on from: its taxonomy and its config are taken
    #[arg(long, value_name = "MODEL")]
    base: Option<PathBuf>,
    #[command(flatten)]
    base_rows: BaseRows,
    /// A config file; what it does not name keeps its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where a report goes, as Markdown or JSON by the name's ending (.md, .json); may be given several times
    #[arg(long, value_name = "FILE", value_parser = report_path)]
    report: Vec<PathBuf>,
    /// Shares of documents for the report's learning curve; each takes as long as training
    #[arg(long, value_name = "SHARE", value_delimiter = ',', default_values_t = [0.1, 0.25, 0.5, 0.75, 1.0], value_parser = share)]
    curve: Vec<f64>,
    /// The seed of all that is drawn at random
    #[arg(long)]
    seed: Option<u64>,
    /// Print the config that would be used, as a config file, and stop
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    run: RunArgs,
}

/// The rows that new ones are put on top of.
#[derive(Args, Clone)]
pub struct BaseRows {
    /// Labels files or folders that the base was trained on; the new labels are put on top of them
    #[arg(long, value_name = "LABELS")]
    pub base_labels: Vec<PathBuf>,
    /// How much more a new row weighs than one of the base
    #[arg(long, default_value_t = 1.0, requires = "base_labels", value_name = "TIMES", value_parser = weight)]
    pub weight: f32,
}

impl Train {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        // The base is read only if something of it is needed.
        let needs_base = self.base.is_some() || !self.base_rows.base_labels.is_empty() || self.taxonomy.is_none();
        let base = if needs_base { Some(load_model(self.base.as_deref())?) } else { None };
        let config = self.read_config(base.as_ref())?;
        if self.print_config {
            write!(std::io::stdout(), "{}", config.write())?;
            return Ok(Exit::Done);
        }
        let config = config.check().context("the config")?;
        self.run.start()?;
        let taxonomy = match (&self.taxonomy, &base) {
            (Some(path), _) => read_taxonomy(path)?,
            (None, Some(base)) => base.taxonomy().clone(),
            (None, None) => anyhow::bail!("there is no taxonomy; give a --taxonomy or a --base"),
        };
        let rows = labels::read(&self.labels, &taxonomy)?;
        let base_rows = labels::read(&self.base_rows.base_labels, &taxonomy)?;
        if let Some(base) = base.as_ref().filter(|_| !base_rows.is_empty()) {
            let (here, there) = (labels::hash(&base_rows, &taxonomy), &base.training().data_hash);
            if here != *there {
                self.run.note(&format!(
                    "warning: the base was trained on other rows than those of --base-labels (data hash {there:.12}…, not {here:.12}…)"
                ));
            }
        }
        let mut output = Output::open(self.output.as_deref())?;
        let mut reports = Vec::new();
        for path in &self.report {
            reports.push((Output::open(Some(path))?, path.extension().is_some_and(|e| e == "json")));
        }
        let for_curve = (!reports.is_empty())
            .then(|| ([base_rows.clone(), rows.clone()].concat(), taxonomy.clone(), config.clone()));
        let progress = Progress::new(&self.run, Unit::Steps, 0);
        let started = std::time::Instant::now();
        let step = |done: usize, total: usize| progress.set(done as u64, total as u64);
        let trained = train_on_top(base_rows, rows, self.base_rows.weight, taxonomy, config, &step)?;
        let seconds = started.elapsed().as_secs_f64();
        if let Some((rows, taxonomy, config)) = for_curve {
            let curve = learning_curve(rows, &taxonomy, &config, &self.curve, &step)?;
            let report = Report::new(&trained, curve, ReportSize::default());
            for (mut file, is_json) in reports {
                let text = if is_json { report.to_json() } else { report.to_markdown() };
                file.write_all(text.as_bytes()).context("the report")?;
                file.finish()?;
            }
        }
        progress.finish();
        let Trained { model, out_of_fold } = trained;
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
            seconds,
        ));
        write!(std::io::stdout(), "{}", describe(&model, &out_of_fold.evaluation))?;
        Ok(Exit::Done)
    }

    fn read_config(&self, base: Option<&Model>) -> anyhow::Result<Config> {
        let of_base = || base.filter(|_| self.base.is_some()).map(|base| (**base.config()).clone());
        let mut config = read_config(self.config.as_deref())?.or_else(of_base).unwrap_or_default();
        if let Some(seed) = self.seed {
            config.seed = seed;
        }
        Ok(config)
    }
}

/// Reads a config file, if there is one.
pub fn read_config(path: Option<&Path>) -> anyhow::Result<Option<Config>> {
    let Some(path) = path else { return Ok(None) };
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(name)?;
    Ok(Some(Config::read(&text).with_context(name)?))
}

fn report_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|e| e.to_str()) {
        Some("md" | "json") => Ok(path),
        _ => Err("end the name in .md or .json".to_owned()),
    }
}

fn weight(text: &str) -> Result<f32, String> {
    let weight: f32 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if weight.is_finite() && weight > 0.0 { Ok(weight) } else { Err("a weight is above 0".to_owned()) }
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("a share is above 0 and at most 1".to_owned()) }
}

/// The report as text.
fn describe(model: &Model, evaluation: &Evaluation) -> String {
    let figures = super::evaluate::figures(evaluation);
    let acts = act_table(&evaluation.tally, model.taxonomy());
    format!("out of fold, by document\n{figures}{}{acts}", super::info::label_table(model))
}

/// Gold acts × predicted acts.
pub fn act_table(tally: &Tally, taxonomy: &Taxonomy) -> String {
    act_counts("act: gold \\ predicted", &tally.acts, taxonomy)
}

/// Acts × acts, under a heading.
pub fn act_counts(heading: &str, counts: &[Vec<usize>], taxonomy: &Taxonomy) -> String {
    let mut text = format!("\n{heading:28}");
    for act in &taxonomy.acts {
        let _ = write!(text, " {:>10}", act.id);
    }
    for (act, row) in taxonomy.acts.iter().zip(counts) {
        let _ = write!(text, "\n{:28}", act.id);
        for n in row {
            let _ = write!(text, " {n:>10}");
        }
    }
    text.push('\n');
    text
}
