//! `petition taxonomy`: what a taxonomy file holds, and how its terms do on labelled rows.

use super::output::Output;
use super::{Exit, RunArgs};
use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use petition::coverage::{Coverage, Hits, coverage};
use petition::labels;
use petition::model::Model;
use petition::taxonomy::Taxonomy as TaxonomyFile;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Work on a taxonomy file.
#[derive(Args)]
pub struct Taxonomy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a new taxonomy file, to be filled in
    Init(Init),
    /// Check a taxonomy file, and with --labels what its terms hit and how often they are right
    Check(Check),
}

#[derive(Args)]
struct Init {
    /// The taxonomy's name
    name: String,
    /// The acts, in order of precedence; the last is for sentences that carry no topics
    #[arg(long, value_delimiter = ',', required = true, value_name = "ID,…")]
    acts: Vec<String>,
    /// The topics
    #[arg(long, value_delimiter = ',', required = true, value_name = "ID,…")]
    topics: Vec<String>,
    /// Where the file goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Init {
    fn run(self) -> anyhow::Result<Exit> {
        if let Some(path) = self.output.as_ref().filter(|path| path.exists()) {
            anyhow::bail!("{}: is there already; name a new file", path.display());
        }
        let text = petition::taxonomy::template(&self.name, &self.acts, &self.topics);
        TaxonomyFile::read(&text).context("the names given make no taxonomy")?;
        let mut output = Output::open(self.output.as_deref())?;
        output.write_all(text.as_bytes())?;
        output.finish()?;
        Ok(Exit::Done)
    }
}

#[derive(Args)]
struct Check {
    /// The taxonomy file
    #[arg(value_name = "TAXONOMY")]
    taxonomy: PathBuf,
    /// Labels files, or folders of .csv files; may be given several times
    #[arg(long, value_name = "LABELS")]
    labels: Vec<PathBuf>,
    /// `text` shows groups, and the terms that a person should look at; `csv` shows every term
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Terms to show of each kind, the least precise and those that hit nothing
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Tables for people
    Text,
    /// A row a term
    Csv,
}

/// A term needs this many hits to be called imprecise.
const ENOUGH: usize = 10;

impl Taxonomy {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let check = match self.command {
            Command::Init(init) => return init.run(),
            Command::Check(check) => check,
        };
        check.run.start()?;
        let taxonomy = read_taxonomy(&check.taxonomy)?;
        let rows = if check.labels.is_empty() { Vec::new() } else { labels::read(&check.labels, &taxonomy)? };
        let coverage = coverage(&taxonomy, &rows);
        let out = match check.format {
            Form::Text => describe(&taxonomy, &coverage, rows.len(), check.top),
            Form::Csv => table(&taxonomy, &coverage)?,
        };
        std::io::stdout().write_all(out.as_bytes())?;
        Ok(Exit::Done)
    }
}

/// Reads a taxonomy file.
pub fn read_taxonomy(path: &Path) -> anyhow::Result<TaxonomyFile> {
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(name)?;
    TaxonomyFile::read(&text).with_context(name)
}

/// Reads a taxonomy file; without one, the taxonomy of the built-in model.
pub fn read_or_built_in(path: Option<&Path>) -> anyhow::Result<TaxonomyFile> {
    match path {
        Some(path) => read_taxonomy(path),
        None => Ok(Model::shipped().context("the built-in model; give a --taxonomy instead")?.taxonomy().clone()),
    }
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.3}"))
}

fn describe(taxonomy: &TaxonomyFile, coverage: &Coverage, n_rows: usize, top: usize) -> String {
    let (acts, topics, terms) = (taxonomy.acts.len(), taxonomy.topics.len(), taxonomy.terms.len());
    let mut text = format!("{}: {acts} acts, {topics} topics, {terms} terms and cues\n\n", taxonomy.name);
    let sizes = taxonomy.group_sizes();
    if n_rows == 0 {
        for (group, size) in taxonomy.groups.iter().zip(sizes) {
            let _ = writeln!(text, "{:28} {size:>6}", group.name);
        }
        return text;
    }
    let silent: Vec<usize> = (0..terms).filter(|&t| coverage.terms[t].n_rows == 0).collect();
    let _ = writeln!(text, "on {n_rows} rows; coverage is the share of the label's rows that are hit");
    let _ = writeln!(
        text,
        "{:28} {:>6} {:>7} {:>7} {:>9} {:>9}",
        "group", "terms", "silent", "rows", "coverage", "precision"
    );
    for (number, (group, size)) in taxonomy.groups.iter().zip(sizes).enumerate() {
        let hits = coverage.groups[number];
        let n_silent = silent.iter().filter(|&&t| taxonomy.terms[t].group as usize == number).count();
        let (covers, precise) = (share(hits.coverage()), share(hits.precision()));
        let _ = writeln!(text, "{:28} {size:>6} {n_silent:>7} {:>7} {covers:>9} {precise:>9}", group.name, hits.n_rows);
    }
    let label = |t: usize| &taxonomy.groups[taxonomy.terms[t].group as usize].name;
    let mut imprecise: Vec<usize> = (0..terms).filter(|&t| coverage.terms[t].n_rows >= ENOUGH).collect();
    let precision = |t: usize| coverage.terms[t].precision().unwrap_or(1.0);
    imprecise.sort_by(|&a, &b| precision(a).total_cmp(&precision(b)));
    let _ = writeln!(text, "\nleast precise of the terms with {ENOUGH} hits or more\n{:>9} {:>7}", "precision", "rows");
    for &t in imprecise.iter().take(top) {
        let Hits { n_rows, .. } = coverage.terms[t];
        let _ = writeln!(
            text,
            "{:>9} {n_rows:>7}  {}: `{}`",
            share(Some(precision(t))),
            label(t),
            taxonomy.terms[t].pattern
        );
    }
    let _ = writeln!(text, "\n{} of {terms} terms hit nothing", silent.len());
    for &t in silent.iter().take(top) {
        let _ = writeln!(text, "{:17}  {}: `{}`", "", label(t), taxonomy.terms[t].pattern);
    }
    text
}

fn table(taxonomy: &TaxonomyFile, coverage: &Coverage) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["group", "term", "rows", "documents", "right", "coverage", "precision"])?;
    for (term, hits) in taxonomy.terms.iter().zip(&coverage.terms) {
        let counts = [hits.n_rows, hits.n_documents, hits.n_right].map(|n| n.to_string());
        let shares = [hits.coverage(), hits.precision()].map(|v| v.map_or_else(String::new, |v| format!("{v:.4}")));
        let [rows, documents, right] = &counts;
        let group = taxonomy.groups[term.group as usize].name.as_str();
        writer.write_record([group, &*term.pattern, rows, documents, right, &shares[0], &shares[1]])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
