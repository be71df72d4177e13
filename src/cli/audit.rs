//! `petition audit`: labelled rows → labels that are probably wrong.

use super::output::Output;
use super::progress::{Progress, Unit};
use super::taxonomy::read_or_built_in;
use super::train::read_config;
use super::{Exit, Form, RunArgs};
use anyhow::Context;
use clap::Args;
use petition::audit::{Audit as Found, Leaks, audit, in_words, leaks, write_suspects};
use petition::config::Config;
use petition::labels::{self, LabelledRow};
use petition::near_duplicates::{SHORT_WORDS, THRESHOLD};
use petition::taxonomy::Taxonomy;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Find labels that are probably wrong: CSV with columns id, text, act, topics, and optionally document and title.
#[derive(Args)]
pub struct Audit {
    /// Labels files, or folders of .csv files
    #[arg(required = true, value_name = "LABELS")]
    labels: Vec<PathBuf>,
    /// Where the suspects go, as CSV, the most suspicious first
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Labels files that a model is to be measured with; what they share with LABELS is told
    #[arg(long, value_name = "GOLD", num_args = 1..)]
    gold: Vec<PathBuf>,
    /// The taxonomy file; without it, the taxonomy of the built-in model
    #[arg(long, value_name = "FILE")]
    taxonomy: Option<PathBuf>,
    /// A config file of training; what it does not name keeps its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folds, by document; each row is judged by a model that was trained on the other folds
    #[arg(long, value_name = "N")]
    folds: Option<usize>,
    /// The seed of all that is drawn at random
    #[arg(long)]
    seed: Option<u64>,
    /// Rows to show of each list
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    #[command(flatten)]
    run: RunArgs,
}

impl Audit {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let config = self.read_config()?.check().context("the config")?;
        self.run.start()?;
        let taxonomy = read_or_built_in(self.taxonomy.as_deref())?;
        let rows = labels::read(&self.labels, &taxonomy)?;
        let gold = if self.gold.is_empty() { None } else { Some(labels::read(&self.gold, &taxonomy)?) };
        let output = self.output.as_deref().map(|path| Output::open(Some(path))).transpose()?;
        let progress = Progress::new(&self.run, Unit::Steps, 0);
        let found = audit(rows, &taxonomy, &config, &|done, total| progress.set(done as u64, total as u64))?;
        progress.finish();
        let shared = gold.as_ref().map(|gold| (gold.as_slice(), leaks(&found.out_of_fold.rows, gold, THRESHOLD)));
        if let Some(mut output) = output {
            write_suspects(&found.suspects, &found.out_of_fold.rows, &taxonomy, &mut output).context("the suspects")?;
            output.finish()?;
        }
        let text = match self.format {
            Form::Text => describe(&found, shared.as_ref(), &taxonomy, self.top),
            Form::Json => serde_json::to_string_pretty(&as_json(&found, shared.as_ref(), &taxonomy))? + "\n",
        };
        write!(std::io::stdout(), "{text}")?;
        let bad = shared.is_some_and(|(_, shared)| shared.matter());
        if bad {
            self.run.note("labels and gold share texts or documents; figures on gold would flatter");
        }
        Ok(if bad { Exit::Bad } else { Exit::Done })
    }

    fn read_config(&self) -> anyhow::Result<Config> {
        let mut config = read_config(self.config.as_deref())?.unwrap_or_default();
        config.folds = self.folds.unwrap_or(config.folds);
        config.seed = self.seed.unwrap_or(config.seed);
        Ok(config)
    }
}

/// Act and topics of a row, as in `demand: transparency|training`.
fn written(row: &LabelledRow, taxonomy: &Taxonomy) -> String {
    let (act, topics) = (&taxonomy.acts[row.labels.act].id, taxonomy.join_topics(row.labels.topics));
    if topics.is_empty() { act.clone() } else { format!("{act}: {topics}") }
}

fn describe(found: &Found, shared: Option<&(&[LabelledRow], Leaks)>, taxonomy: &Taxonomy, top: usize) -> String {
    let rows = &found.out_of_fold.rows;
    let suspected: BTreeSet<usize> = found.suspects.iter().map(|s| s.row).collect();
    let mut text = format!(
        "{} rows of {} documents; {} labels of {} rows are probably wrong\n\n",
        rows.len(),
        found.out_of_fold.evaluation.n_documents,
        found.suspects.len(),
        suspected.len(),
    );
    let _ = writeln!(text, "{:28} {:>6} {:>9} {:>9} {:>9}", "label", "rows", "threshold", "doubted", "suggested");
    for label in &found.labels {
        let threshold = label.threshold.map_or_else(|| "-".to_owned(), |t| format!("{t:.3}"));
        let (n, doubted, suggested) = (label.n_rows, label.n_doubted, label.n_suggested);
        let _ = writeln!(text, "{:28} {n:>6} {threshold:>9} {doubted:>9} {suggested:>9}", label.name);
    }
    if !found.suspects.is_empty() {
        let _ = writeln!(text, "\nthe most suspicious, with the probabilities of what is suggested and what was given");
    }
    for suspect in found.suspects.iter().take(top) {
        let row = &rows[suspect.row];
        let [doubted, given, suggested] = in_words(suspect, row, taxonomy);
        let (probability, own) = (suspect.probability, suspect.self_confidence);
        let _ = writeln!(text, "{probability:.3} {own:.3}  {}: {doubted} {given}, rather {suggested}", row.id);
        let _ = writeln!(text, "{:13}{}", "", row.text);
    }
    let _ = writeln!(text, "\npairs of near-duplicates with different labels: {}", found.conflicts.len());
    for conflict in found.conflicts.iter().take(top) {
        let _ = writeln!(text, "{:.3}", conflict.resemblance);
        for (number, n) in [(conflict.first, conflict.n_first), (conflict.second, conflict.n_second)] {
            let (row, labels) = (&rows[number], written(&rows[number], taxonomy));
            let more = if n > 1 { format!(" and {} more", n - 1) } else { String::new() };
            let _ = writeln!(text, "       {}{more}: {labels}\n{:13}{}", row.id, "", row.text);
        }
    }
    if let Some((gold, leaks)) = shared {
        let same = leaks.rows.iter().filter(|leak| leak.same_text).count();
        let short = leaks.rows.iter().filter(|leak| leak.short).count();
        let _ = writeln!(
            text,
            "\nof {} gold rows {same} stand among the labels word by word and {} nearly so; {short} of these have fewer than \
             {SHORT_WORDS} words",
            gold.len(),
            leaks.rows.len() - same,
        );
        // Long texts first: they are no chance.
        let mut order: Vec<_> = leaks.rows.iter().collect();
        order.sort_by_key(|leak| leak.short);
        for leak in order.iter().take(top) {
            let (gold, row) = (&gold[leak.gold], &rows[leak.row]);
            let _ = writeln!(
                text,
                "{:.3}  {} in gold, {} in the labels\n{:13}{}",
                leak.resemblance, gold.id, row.id, "", gold.text
            );
        }
        let _ = writeln!(text, "\ndocuments in both: {}", leaks.documents.len());
        for shared in leaks.documents.iter().take(top) {
            let _ = writeln!(text, "       {}: {} rows, {} in gold", shared.document, shared.n_rows, shared.n_gold);
        }
    }
    text
}

fn as_json(found: &Found, shared: Option<&(&[LabelledRow], Leaks)>, taxonomy: &Taxonomy) -> serde_json::Value {
    let rows = &found.out_of_fold.rows;
    let suspect = |s: &petition::audit::Suspect| {
        let row = &rows[s.row];
        let [suspect, given, suggested] = in_words(s, row, taxonomy);
        json!({
            "id": row.id, "document": row.document, "text": row.text, "suspect": suspect, "given": given,
            "suggested": suggested, "probability": s.probability, "self_confidence": s.self_confidence,
        })
    };
    let label = |l: &petition::audit::LabelAudit| {
        json!({
            "label": l.name, "rows": l.n_rows, "threshold": l.threshold, "doubted": l.n_doubted, "suggested": l.n_suggested,
        })
    };
    let side = |number: usize, n: usize| {
        let row = &rows[number];
        let topics: Vec<&str> = row.labels.topics.iter().map(|t| taxonomy.topics[t].id.as_str()).collect();
        json!({ "id": row.id, "text": row.text, "act": taxonomy.acts[row.labels.act].id, "topics": topics, "rows": n })
    };
    let conflict = |c: &petition::audit::Conflict| {
        let sides = [side(c.first, c.n_first), side(c.second, c.n_second)];
        json!({ "resemblance": c.resemblance, "rows": sides })
    };
    let mut object = json!({
        "rows": rows.len(),
        "documents": found.out_of_fold.evaluation.n_documents,
        "labels": found.labels.iter().map(label).collect::<Vec<_>>(),
        "suspects": found.suspects.iter().map(suspect).collect::<Vec<_>>(),
        "conflicts": found.conflicts.iter().map(conflict).collect::<Vec<_>>(),
    });
    if let Some((gold, leaks)) = shared {
        let leak = |l: &petition::audit::Leak| {
            json!({
                "gold_id": gold[l.gold].id, "id": rows[l.row].id, "text": gold[l.gold].text, "resemblance": l.resemblance,
                "same_text": l.same_text, "short": l.short,
            })
        };
        let document = |d: &petition::audit::SharedDocument| json!({ "document": d.document, "rows": d.n_rows, "gold_rows": d.n_gold });
        object["gold"] = json!({
            "rows": gold.len(),
            "shared_rows": leaks.rows.iter().map(leak).collect::<Vec<_>>(),
            "shared_documents": leaks.documents.iter().map(document).collect::<Vec<_>>(),
        });
    }
    object
}
