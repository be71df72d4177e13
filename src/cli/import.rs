//! `petition import`: the labels of another tool → a labels file.

use super::Exit;
use super::exchange::{ColumnArgs, TaxonomyArgs, Tool, sum_up};
use super::output::Output;
use anyhow::bail;
use clap::{Args, ValueEnum};
use petition::exchange::{self, ImportOptions, Source, Unlabelled};
use std::path::PathBuf;

/// Read the labels of another tool into a labels file, as `train` and `evaluate` read it.
#[derive(Args)]
pub struct Import {
    /// The tool's file, or `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The form of the tool's file
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Tool,
    /// Where the labels go [default: standard output]
    #[arg(short, long, value_name = "LABELS")]
    output: Option<PathBuf>,
    #[command(flatten)]
    taxonomy: TaxonomyArgs,
    /// What becomes of rows without any label
    #[arg(long, value_enum, default_value_t = WithoutLabels::Skip)]
    unlabelled: WithoutLabels,
    /// The act of rows that have topics and no act
    #[arg(long, value_name = "ACT")]
    default_act: Option<String>,
    /// Take the rows of this annotator alone
    #[arg(long, value_name = "WHO")]
    annotator: Option<String>,
    /// What a label of the tool stands for, as in `"Use of force=use-of-force"`; may be given several times
    #[arg(long, value_name = "THEIRS=OURS", value_parser = pair)]
    rename: Vec<(String, String)>,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    columns: ColumnArgs,
}

/// What becomes of rows without any label.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WithoutLabels {
    /// Left out
    Skip,
    /// Kept with act and topics empty, to be labelled before training
    Keep,
}

impl Import {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let columns = self.columns.names(self.from)?;
        let (taxonomy, _) = self.taxonomy.load()?;
        let default_act = match &self.default_act {
            Some(id) => match taxonomy.act(id) {
                None => {
                    let known: Vec<&str> = taxonomy.acts.iter().map(|a| a.id.as_str()).collect();
                    bail!("--default-act: `{id}` is no act of the taxonomy; it has {}", known.join(", "));
                }
                act => act,
            },
            None => None,
        };
        let unlabelled = match self.unlabelled {
            WithoutLabels::Skip => Unlabelled::Skip,
            WithoutLabels::Keep => Unlabelled::Keep,
        };
        let (annotator, rename) = (self.annotator, self.rename);
        let options = ImportOptions { columns, unlabelled, default_act, annotator, rename };
        let source = Source::open(&self.file)?;
        let mut output = Output::open(self.output.as_deref())?;
        let done = exchange::import(source, self.from.into(), &taxonomy, &options, &mut output)?;
        output.finish()?;
        let without = match unlabelled {
            Unlabelled::Skip => "without labels left out",
            Unlabelled::Keep => "of them without labels",
        };
        let others = [
            (done.n_unlabelled, without),
            (done.n_refused, "rejected, ignored or cancelled left out"),
            (done.n_by_others, "by other annotators left out"),
        ];
        sum_up(self.quiet, done.n_rows, &others);
        Ok(Exit::Done)
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (theirs, ours) = text.rsplit_once('=').ok_or("write THEIRS=OURS, as in \"Use of force=use-of-force\"")?;
    Ok((theirs.trim().to_owned(), ours.trim().to_owned()))
}
