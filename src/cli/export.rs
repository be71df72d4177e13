//! `petition export`: our rows → the form that another tool reads.

use super::exchange::{ColumnArgs, TaxonomyArgs, Tool, sum_up};
use super::output::Output;
use super::{Exit, say};
use anyhow::Context;
use clap::{Args, ValueEnum};
use petition::exchange::{self, ExportOptions, LabelsBy, Source, config};
use std::io::Write as _;
use std::path::PathBuf;

/// Write rows in the form that another tool reads, with a model's labels filled in where there are some.
#[derive(Args)]
pub struct Export {
    /// A labels file, a table by `classify` or a queue of rows to label (CSV), or `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The form of the tool's file
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Tool,
    /// Where the rows go [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where Label Studio's labelling interface for the taxonomy goes
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    taxonomy: TaxonomyArgs,
    /// Whose labels the columns act and topics hold [default: a model's if there is a column act_score and no predicted_act]
    #[arg(long, value_enum, value_name = "WHO")]
    labels_by: Option<By>,
    /// Leave a model's labels out
    #[arg(long)]
    without_predictions: bool,
    /// The model's name in Label Studio [default: the taxonomy's name and the beginning of the hash of the model's training rows]
    #[arg(long, value_name = "TEXT")]
    model_version: Option<String>,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    columns: ColumnArgs,
}

/// Who labelled.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// A person
    Person,
    /// A model
    Model,
}

impl Export {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let to_studio = self.to == Tool::LabelStudio;
        anyhow::ensure!(to_studio || self.config.is_none(), "--config goes with --to label-studio");
        anyhow::ensure!(to_studio || self.model_version.is_none(), "--model-version goes with --to label-studio");
        let columns = self.columns.names(self.to)?;
        let (taxonomy, version) = self.taxonomy.load()?;
        let labels_by = match self.labels_by {
            Some(By::Person) => LabelsBy::Person,
            Some(By::Model) => LabelsBy::Model,
            None => LabelsBy::Columns,
        };
        let model_version = self.model_version.unwrap_or(version);
        let without_predictions = self.without_predictions;
        let options = ExportOptions { columns, labels_by, without_predictions, model_version };
        let source = Source::open(&self.file)?;
        let mut output = Output::open(self.output.as_deref())?;
        let mut interface = self.config.as_deref().map(|path| Output::open(Some(path))).transpose()?;
        let done = exchange::export(source, self.to.into(), &taxonomy, &options, &mut output)?;
        output.finish()?;
        if let Some(mut file) = interface.take() {
            file.write_all(config(&taxonomy, &options.columns, &done.fields).as_bytes()).context("--config")?;
            file.finish()?;
        }
        let others = [
            (done.n_predicted, "with a model's labels"),
            (done.n_unlabelled, "without labels"),
            (done.n_changed, "with line breaks or words in `__label__` that fastText cannot hold, changed"),
        ];
        sum_up(self.quiet, done.n_rows, &others);
        let can_tell = to_studio || self.to == Tool::Prodigy;
        if done.n_predicted > 0 && !can_tell && !self.quiet {
            let tool = self.to.name();
            say(&format!(
                "warning: {tool} cannot tell a model's labels from a person's; --without-predictions leaves them out"
            ));
        }
        Ok(Exit::Done)
    }
}
