//! The command line's arguments, and what all commands share: exit codes, errors, the model, progress.

mod agree;
mod audit;
mod bootstrap;
mod card;
mod classify;
mod compare;
mod evaluate;
mod exchange;
mod explain;
mod export;
mod import;
mod info;
mod input;
mod meta;
mod models;
mod output;
mod progress;
mod promote;
mod queue;
mod reading;
mod review;
mod rollback;
mod split;
mod table;
mod taxonomy;
mod train;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use petition::model::Model;
use petition::shelf::Shelf;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Reads documents, cuts them into sentences and labels each one: demand, commitment, policy or none, and the topics it
/// touches.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Label every sentence of files and folders; CSV on stdout or in a file
    Classify(classify::Classify),
    /// Cut files and folders into sentences, without labels
    Split(split::Split),
    /// Say what moved each label of one sentence
    Explain(explain::Explain),
    /// Learn a model from labelled rows
    Train(train::Train),
    /// Make a first, weak model from a taxonomy's terms and documents without labels
    Bootstrap(bootstrap::Bootstrap),
    /// Compare a model's labels with labelled rows
    Evaluate(evaluate::Evaluate),
    /// Choose the sentences that a person should label next
    Queue(queue::Queue),
    /// Find labels that are probably wrong
    Audit(audit::Audit),
    /// Say how far annotators agree who labelled the same rows
    Agree(agree::Agree),
    /// Say whether a new model is better than an old one, on the same labelled rows
    Compare(compare::Compare),
    /// Keep a model in a folder and make it the current one there
    Promote(promote::Promote),
    /// Make the model current again that was so before
    Rollback(rollback::Rollback),
    /// List the models that a folder keeps
    Models(models::Models),
    /// Label sentences on a local web page
    Review(review::Review),
    /// Say what a model file holds
    Info(info::Info),
    /// Write a model card: Markdown under a Hugging Face `model-index`
    Card(card::Card),
    /// Read the labels of another tool (doccano, Label Studio, Prodigy, fastText, CSV) into a labels file
    Import(import::Import),
    /// Write rows in the form that another tool reads, with a model's labels filled in where there are some
    Export(export::Export),
    /// Check a taxonomy, and how its terms do on labelled rows
    Taxonomy(taxonomy::Taxonomy),
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Done.
    Done = 0,
    /// Done, but the answer is bad: a gate missed, some inputs unreadable.
    Bad = 1,
    /// It could not be done.
    Failed = 2,
}

/// Parses the arguments, runs the command, says what went wrong.
pub fn main() -> ExitCode {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // What a reader of documents does with a broken one is told as an error of that document.
        if !petition::document::fence::is_fenced() {
            report(panic);
        }
    }));
    let result = match Cli::parse().command {
        Command::Classify(command) => command.run(),
        Command::Split(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Bootstrap(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Queue(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Agree(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Promote(command) => command.run(),
        Command::Rollback(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Review(command) => command.run(),
        Command::Info(command) => command.run(),
        Command::Card(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Taxonomy(command) => command.run(),
    };
    let exit = result.unwrap_or_else(|error| {
        if is_broken_pipe(&error) {
            return Exit::Done;
        }
        say(&format!("error: {}", in_one_line(&error)));
        Exit::Failed
    });
    ExitCode::from(exit as u8)
}

/// An error and its causes; a cause that the error before it has told already is left out.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(&cause);
        }
        told = cause;
    }
    line
}

/// Whoever read the output has gone; that is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(is_pipe)
            || cause
                .downcast_ref::<csv::Error>()
                .is_some_and(|e| matches!(e.kind(), csv::ErrorKind::Io(e) if is_pipe(e)))
    })
}

/// Writes a line to stderr; a closed stderr is no reason to stop.
fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Which model.
#[derive(Args)]
struct ModelArgs {
    /// A model file, or a folder of `petition promote`; without it, the model built into this program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Say a topic from this probability on, as in `training=0.4`; may be given several times
    #[arg(long, value_name = "TOPIC=P", value_parser = name_and_value)]
    threshold: Vec<(String, f64)>,
}

impl ModelArgs {
    fn load(&self) -> anyhow::Result<Model> {
        let mut model = load_model(self.model.as_deref())?;
        for (topic, value) in &self.threshold {
            model.set_threshold(topic, *value).context("--threshold")?;
        }
        Ok(model)
    }
}

fn load_model(path: Option<&Path>) -> anyhow::Result<Model> {
    match path {
        Some(path) => {
            let path = model_file(path)?;
            Model::load(&path).with_context(|| path.display().to_string())
        }
        None => Model::shipped().context("the built-in model"),
    }
}

/// The file itself; of a folder, its current model.
fn model_file(path: &Path) -> anyhow::Result<PathBuf> {
    if path.is_dir() { Ok(Shelf::at(path).current_model()?) } else { Ok(path.to_owned()) }
}

/// The form of the answer.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Tables for people
    Text,
    /// One JSON object
    Json,
}

/// `NAME=NUMBER`.
fn name_and_value(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=NUMBER, as in training=0.4")?;
    let value = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    Ok((name.to_owned(), value))
}

/// Threads and messages.
#[derive(Args)]
struct RunArgs {
    /// Threads to work with [default: one a core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
    /// When to show progress on stderr
    #[arg(long, value_enum, default_value_t = When::Auto)]
    progress: When,
}

/// When to show progress.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    /// On a terminal
    Auto,
    /// On a terminal as a bar, elsewhere as lines
    Always,
    /// Not at all
    Never,
}

impl RunArgs {
    /// Sets the number of threads for the whole program; call it once.
    fn start(&self) -> anyhow::Result<()> {
        let threads = self.jobs.map_or(0, usize::from);
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")
    }

    /// A message on stderr, unless quiet.
    fn note(&self, message: &str) {
        if !self.quiet {
            say(message);
        }
    }
}
