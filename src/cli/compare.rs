//! `petition compare`: a new model against an old one, on the same labelled rows.

use super::evaluate::said_by;
use super::output::Output;
use super::{Exit, Form, RunArgs, load_model, say};
use anyhow::{Context, ensure};
use clap::Args;
use petition::compare::{Comparison, DECISIVE, Difference, Discordant, Judged, Outcome, SharedLabels, compare};
use petition::evaluate::{Counts, Labels};
use petition::labels::{self, LabelledRow};
use petition::taxonomy::Taxonomy;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The word for the model that is built into this program.
const BUILT_IN: &str = "built-in";

/// Say whether a new model is better than an old one, on the same labelled rows: CSV with columns id, text, act, topics, and
/// optionally document and title.
#[derive(Args)]
pub struct Compare {
    /// The old model: a model file, a folder of `petition promote`, or `built-in` for the one built into this program
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new model, named likewise
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Labels files, or folders of .csv files
    #[arg(long, required = true, num_args = 1.., value_name = "GOLD")]
    gold: Vec<PathBuf>,
    /// Exit with 1 when the new model is worse beyond noise: when the 95 % interval of the difference of act.macro_f1 or of
    /// topics.micro_f1 lies wholly below 0
    #[arg(long)]
    gate: bool,
    /// Where the rows go on which the models say different things, as CSV
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Won and lost rows to show, of each so many
    #[arg(long, default_value_t = 5, value_name = "N")]
    show: usize,
    /// Resamples of documents for the 95 % intervals
    #[arg(long, visible_alias = "bootstrap", default_value_t = 1000)]
    resamples: usize,
    /// The seed of the resamples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The form of the answer
    #[arg(long, visible_alias = "form", value_enum, default_value_t = Form::Text)]
    format: Form,
    #[command(flatten)]
    run: RunArgs,
}

/// A row that counts, with what the models say in their own labels.
pub struct Row<'r> {
    pub row: &'r LabelledRow,
    pub judged: Judged,
    pub old: Labels,
    pub new: Labels,
}

/// The rows that count, each with what either model says of it.
pub fn judge<'r>(
    shared: &SharedLabels,
    gold: &'r [LabelledRow],
    old: impl IntoIterator<Item = Labels>,
    new: impl IntoIterator<Item = Labels>,
) -> Vec<Row<'r>> {
    let said = gold.iter().zip(old.into_iter().zip(new));
    said.filter_map(|(row, (old, new))| Some(Row { row, judged: shared.judge(row.labels, old, new)?, old, new }))
        .collect()
}

/// Both models on the rows that count.
pub fn compared(
    shared: &SharedLabels,
    rows: &[Row],
    resamples: usize,
    seed: u64,
) -> Result<Comparison, petition::compare::CompareError> {
    let judged: Vec<Judged> = rows.iter().map(|r| r.judged).collect();
    let documents: Vec<&str> = rows.iter().map(|r| r.row.document.as_str()).collect();
    compare(&shared.taxonomy, &judged, &documents, resamples, seed)
}

impl Compare {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let load = |path: &PathBuf| load_model((path != Path::new(BUILT_IN)).then_some(path));
        let (old, new) = (load(&self.old)?, load(&self.new)?);
        let shared = SharedLabels::new(old.taxonomy(), new.taxonomy())?;
        let gold = labels::read(&self.gold, &shared.all)?;
        let output = self.rows.as_deref().map(|path| Output::open(Some(path))).transpose()?;
        let data_hash = labels::hash(&gold, &shared.all);
        for (name, model) in [("OLD", &old), ("NEW", &new)] {
            if model.training().data_hash == data_hash {
                self.run.note(&format!("warning: {name} was trained on these very rows; its figures are flattered"));
            }
        }
        let rows = judge(&shared, &gold, said_by(&old, &gold), said_by(&new, &gold));
        let comparison = compared(&shared, &rows, self.resamples, self.seed)?;
        let worse = comparison.is_worse();
        ensure!(
            !self.gate || worse.is_some(),
            "--gate: without intervals nobody can tell noise from more; give rows of at least two documents, and --resamples above 0"
        );
        let words = Words { gold: &shared.all, old: old.taxonomy(), new: new.taxonomy() };
        if let Some(output) = output {
            words.write_rows(output, &rows)?;
        }
        let n_left_out = gold.len() - rows.len();
        let mut out = std::io::stdout().lock();
        match self.format {
            Form::Json => {
                let object = self.json(&comparison, &shared, n_left_out);
                writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
            }
            Form::Text => {
                let head = self.head(&comparison, &shared, n_left_out);
                let lists = words.lists(&rows, &comparison, self.show);
                write!(out, "{head}{}{lists}\n{}\n", tables(&comparison), comparison.verdict())?;
            }
        }
        out.flush().context("stdout")?;
        let missed = self.gate && worse == Some(true);
        if missed {
            say(&format!("gate missed: {}", comparison.verdict()));
        }
        Ok(if missed { Exit::Bad } else { Exit::Done })
    }

    fn head(&self, comparison: &Comparison, shared: &SharedLabels, n_left_out: usize) -> String {
        let (old, new) = (self.old.display(), self.new.display());
        let (rows, documents) = (comparison.n_rows, comparison.n_documents);
        let mut text = format!("OLD {old}\nNEW {new}\n{rows} rows of {documents} documents\n");
        for (who, only) in [("OLD", &shared.only_old), ("NEW", &shared.only_new)] {
            if !only.is_empty() {
                let _ = writeln!(text, "left out, since only {who} knows them: {}", only.join(", "));
            }
        }
        if n_left_out > 0 {
            let _ = writeln!(text, "{n_left_out} more rows are left out, since only one model knows their act");
        }
        text
    }

    fn json(&self, comparison: &Comparison, shared: &SharedLabels, n_left_out: usize) -> Value {
        let names = |is: fn(&Difference) -> bool| {
            comparison.decisive().filter(|f| is(f)).map(|f| f.name.clone()).collect::<Vec<_>>()
        };
        let interval = |f: &Difference| f.interval.map(|(low, high)| [low, high]);
        let figure = |f: &Difference| {
            let value = json!({"old": f.old, "new": f.new, "difference": f.change(), "interval": interval(f)});
            (f.name.clone(), value)
        };
        let counts = |c: Counts| json!({"precision": c.precision(), "recall": c.recall(), "f1": c.f1()});
        let labels = comparison.labels.iter().map(|l| {
            let value = json!({
                "rows": l.old.n_gold(), "old": counts(l.old), "new": counts(l.new),
                "difference": l.f1.change(), "interval": interval(&l.f1),
            });
            (l.name.clone(), value)
        });
        let tests = tests(comparison)
            .map(|(name, d)| (name, json!({"only_old": d.only_old, "only_new": d.only_new, "p": d.p()})));
        let [won, lost, both_differ] = comparison.outcomes;
        json!({
            "old": self.old.display().to_string(),
            "new": self.new.display().to_string(),
            "rows": comparison.n_rows,
            "documents": comparison.n_documents,
            "left_out": {"only_old": shared.only_old, "only_new": shared.only_new, "rows": n_left_out},
            "figures": comparison.figures.iter().map(figure).collect::<Map<_, _>>(),
            "labels": labels.collect::<Map<_, _>>(),
            "mcnemar": tests.collect::<Map<_, _>>(),
            "outcomes": {"won": won, "lost": lost, "both differ": both_differ},
            "gate": {"figures": DECISIVE, "worse": names(Difference::is_worse), "better": names(Difference::is_better)},
            "verdict": comparison.verdict(),
        })
    }
}

/// The head `act` and each topic, with the rows that just one model gets right.
fn tests(comparison: &Comparison) -> impl Iterator<Item = (String, Discordant)> {
    let topics = comparison.labels.iter().filter(|l| l.name.starts_with("topic."));
    let topics = topics.zip(&comparison.topics).map(|(label, &discordant)| (label.name.clone(), discordant));
    std::iter::once(("act".to_owned(), comparison.acts)).chain(topics)
}

/// Figures, labels and tests as tables for people.
fn tables(comparison: &Comparison) -> String {
    let interval = |f: &Difference| f.interval.map_or(String::new(), |(a, b)| format!("  [{a:+.3}, {b:+.3}]"));
    let mut text = format!("\n{:28} {:>7} {:>7} {:>10}  95 % interval\n", "figure", "OLD", "NEW", "difference");
    for f in &comparison.figures {
        let (change, interval) = (f.change(), interval(f));
        let _ = writeln!(text, "{:28} {:>7.3} {:>7.3} {change:>+10.3}{interval}", f.name, f.old, f.new);
    }
    let of_each = "  precision recall    f1";
    let _ = writeln!(text, "\n{:28} {:>6} {:>23} {:>23} difference", "", "", "OLD", "NEW");
    let _ = writeln!(text, "{:28} {:>6}{of_each}{of_each}      of f1  95 % interval", "label", "rows");
    for l in &comparison.labels {
        let _ = write!(text, "{:28} {:>6}", l.name, l.old.n_gold());
        for c in [l.old, l.new] {
            let _ = write!(text, "  {:>9.3} {:>6.3} {:>5.3}", c.precision(), c.recall(), c.f1());
        }
        let _ = writeln!(text, " {:>+10.3}{}", l.f1.change(), interval(&l.f1));
    }
    let _ = writeln!(text, "\n{:28} {:>9} {:>9} {:>10}", "right by one alone", "OLD", "NEW", "McNemar p");
    for (name, d) in tests(comparison) {
        let p = if d.p() < 0.0001 { "< 0.0001".to_owned() } else { format!("{:.4}", d.p()) };
        let _ = writeln!(text, "{name:28} {:>9} {:>9} {p:>10}", d.only_old, d.only_new);
    }
    text
}

/// Labels as people read them, each in the taxonomy it comes from.
pub struct Words<'t> {
    pub gold: &'t Taxonomy,
    pub old: &'t Taxonomy,
    pub new: &'t Taxonomy,
}

impl Words<'_> {
    /// Act and topics of gold, the old and the new model.
    pub fn of(&self, row: &Row) -> [[String; 2]; 3] {
        [(self.gold, row.row.labels), (self.old, row.old), (self.new, row.new)]
            .map(|(taxonomy, labels)| [taxonomy.acts[labels.act].id.clone(), taxonomy.join_topics(labels.topics)])
    }

    fn write_rows(&self, output: Output, rows: &[Row]) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(output);
        let header = ["id", "document", "text", "outcome"];
        let labels = ["act", "topics", "old_act", "old_topics", "new_act", "new_topics"];
        writer.write_record(header.iter().chain(&labels))?;
        for (row, outcome) in rows.iter().filter_map(|row| Some((row, row.judged.outcome()?))) {
            let fields = [&row.row.id, &row.row.document, &row.row.text].map(String::as_str);
            let labels = self.of(row);
            let labels = labels.iter().flatten().map(String::as_str);
            writer.write_record(fields.into_iter().chain([outcome.name()]).chain(labels))?;
        }
        let output = writer.into_inner().map_err(|e| anyhow::anyhow!("the rows: {}", e.error()))?;
        output.finish()
    }

    /// The first won and the first lost rows.
    fn lists(&self, rows: &[Row], comparison: &Comparison, n_shown: usize) -> String {
        let [won, lost, both_differ] = comparison.outcomes;
        let mut text = format!(
            "\nrows right as a whole: {won} won, {lost} lost; {both_differ} where both differ from gold and from each other\n"
        );
        for outcome in [Outcome::Won, Outcome::Lost] {
            for row in rows.iter().filter(|r| r.judged.outcome() == Some(outcome)).take(n_shown) {
                let [gold, old, new] =
                    self.of(row).map(|[act, topics]| if topics.is_empty() { act } else { format!("{act} {topics}") });
                let sentence = row.row.text.split_whitespace().collect::<Vec<_>>().join(" ");
                let _ = writeln!(
                    text,
                    "{} {}: {sentence}\n    gold {gold}; OLD {old}; NEW {new}",
                    outcome.name(),
                    row.row.id
                );
            }
        }
        text
    }
}
