//! `petition bootstrap`: a taxonomy's terms and documents without labels → weak labels and a first model.

use super::input::{InputArgs, documents};
use super::output::Output;
use super::progress::{Progress, Unit};
use super::table::complain;
use super::taxonomy::read_taxonomy;
use super::{Exit, RunArgs};
use anyhow::Context;
use clap::Args;
use petition::bootstrap::{TermUse, WeakLabels};
use petition::config::Config;
use petition::labels;
use petition::taxonomy::Taxonomy;
use petition::train::train;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Make a first, weak model from a taxonomy's terms and your documents, without a single label.
#[derive(Args)]
pub struct Bootstrap {
    #[command(flatten)]
    input: InputArgs,
    /// The taxonomy file
    #[arg(long, value_name = "FILE")]
    taxonomy: PathBuf,
    /// Where the model goes; without it, the terms are only tried
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where the weak labels go, to be corrected by people; a CSV file that `train` reads
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Where a table of all terms goes, as CSV
    #[arg(long, value_name = "FILE")]
    terms: Option<PathBuf>,
    /// Terms to show of each kind
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    #[command(flatten)]
    run: RunArgs,
}

impl Bootstrap {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let taxonomy = read_taxonomy(&self.taxonomy)?;
        let options = self.input.options();
        let listed = self.input.list(&options, &self.run)?;
        let open = |path: &Option<PathBuf>| path.as_deref().map(|path| Output::open(Some(path))).transpose();
        let (model_file, labels_file, terms_file) = (open(&self.output)?, open(&self.labels)?, open(&self.terms)?);

        let mut bootstrap = petition::bootstrap::Bootstrap::new(&taxonomy);
        let (mut n_documents, mut n_failed) = (0, listed.errors.len());
        for document in documents(&listed, &options) {
            match document {
                Ok(document) => {
                    bootstrap.read(&document, !self.input.no_split);
                    n_documents += 1;
                }
                Err(error) => {
                    complain(error);
                    n_failed += 1;
                }
            }
        }
        anyhow::ensure!(n_documents > 0, "no document could be read");
        let weak = bootstrap.finish();
        if let Some(mut file) = labels_file {
            labels::write(&weak.rows, &taxonomy, &mut file).context("the weak labels")?;
            file.finish()?;
        }
        if let Some(mut file) = terms_file {
            file.write_all(table(&taxonomy, &weak)?.as_bytes()).context("the terms")?;
            file.finish()?;
        }
        write!(std::io::stdout(), "{}", describe(&taxonomy, &weak, self.top))?;
        if let Some(mut file) = model_file {
            let progress = Progress::new(&self.run, Unit::Steps, 0);
            let step = |done: usize, total: usize| progress.set(done as u64, total as u64);
            let trained = train(weak.rows, taxonomy, Config::default().check()?, &step)?;
            progress.finish();
            file.write_all(&trained.model.to_bytes()?).context("the model")?;
            file.finish()?;
            self.run.note(
                "a weak model: its figures out of fold say how well it repeats the terms, not how often it is right",
            );
        }
        Ok(if n_failed > 0 { Exit::Bad } else { Exit::Done })
    }
}

/// What the terms made of the documents, for people.
fn describe(taxonomy: &Taxonomy, weak: &WeakLabels, top: usize) -> String {
    let n = weak.rows.len();
    let share = |part: usize| 100.0 * part as f64 / n.max(1) as f64;
    let mut text =
        format!("{n} sentences, {} of them ({:.0} %) without any term\n\n", weak.n_silent, share(weak.n_silent));
    let _ = writeln!(text, "{:28} {:>7} {:>7}", "weak label", "rows", "%");
    for (act, label) in taxonomy.acts.iter().enumerate() {
        let rows = weak.rows.iter().filter(|r| r.labels.act == act).count();
        let _ = writeln!(text, "{:28} {rows:>7} {:>7.1}", format!("act.{}", label.id), share(rows));
    }
    for (topic, label) in taxonomy.topics.iter().enumerate() {
        let rows = weak.rows.iter().filter(|r| r.labels.topics.contains(topic)).count();
        let _ = writeln!(text, "{:28} {rows:>7} {:>7.1}", format!("topic.{}", label.id), share(rows));
    }
    let mut list = |title: &str, of: fn(&TermUse) -> usize| {
        let mut terms: Vec<usize> = (0..weak.terms.len()).filter(|&t| of(&weak.terms[t]) > 0).collect();
        // Stable, so that terms alike stay in the taxonomy's order.
        terms.sort_by_key(|&t| std::cmp::Reverse(of(&weak.terms[t])));
        if terms.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{title}\n{:>7} {:>7}", "rows", "of them");
        for &t in terms.iter().take(top) {
            let term = &taxonomy.terms[t];
            let (group, used) = (&taxonomy.groups[term.group as usize].name, weak.terms[t]);
            let _ = writeln!(text, "{:>7} {:>7}  {group}: `{}`", used.n_rows, of(&used), term.pattern);
        }
    };
    list("terms that alone point to their label most often", |used| used.n_alone);
    list("terms beside those of another topic", |used| used.n_overlap);
    list("terms whose label was not given, since another act came first or takes no topics", |used| used.n_conflict);
    let silent = weak.terms.iter().filter(|used| used.n_rows == 0).count();
    let _ = writeln!(text, "\n{silent} of {} terms hit nothing", weak.terms.len());
    text
}

/// All terms and what they did, as CSV.
fn table(taxonomy: &Taxonomy, weak: &WeakLabels) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["group", "term", "rows", "alone", "overlap", "conflict"])?;
    for (term, used) in taxonomy.terms.iter().zip(&weak.terms) {
        let counts = [used.n_rows, used.n_alone, used.n_overlap, used.n_conflict].map(|n| n.to_string());
        let [rows, alone, overlap, conflict] = &counts;
        let group = taxonomy.groups[term.group as usize].name.as_str();
        writer.write_record([group, &*term.pattern, rows, alone, overlap, conflict])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
