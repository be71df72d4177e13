//! `petition agree`: how far annotators agree who labelled the same rows, with intervals and gates, and the rows on which they differ.

use super::evaluate::{missed_gates, tell};
use super::output::Output;
use super::taxonomy::read_or_built_in;
use super::train::act_counts;
use super::{Exit, Form, name_and_value, say};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use petition::agreement::{Agreement, Figure, PairAgreement, TopicRows, agreement};
use petition::annotations::Annotations;
use petition::taxonomy::Taxonomy;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Say how far annotators agree who labelled the same rows, paired by id: a labels file each, or a column `annotator`.
#[derive(Args)]
pub struct Agree {
    /// Labels files, or folders of .csv files; a file is one annotator's, unless it has a column `annotator`
    #[arg(required = true, value_name = "LABELS")]
    labels: Vec<PathBuf>,
    /// The taxonomy file; without it, the taxonomy of the built-in model
    #[arg(long, value_name = "FILE")]
    taxonomy: Option<PathBuf>,
    /// The rows in which an annotator's topics count
    #[arg(long, value_enum, default_value_t = Rows::All, value_name = "ROWS")]
    topic_rows: Rows,
    /// Where the rows go on which annotators differ, as CSV to be decided by somebody
    #[arg(long, value_name = "FILE")]
    disagreements: Option<PathBuf>,
    /// Exit with 1 when a figure is below this, as in `act.alpha=0.8`; `alpha=0.7` means that of acts and that of topics; may be given
    /// several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    min: Vec<(String, f64)>,
    /// Resamples of documents for the 95 % intervals
    #[arg(long, visible_alias = "bootstrap", default_value_t = 1000)]
    resamples: usize,
    /// The seed of the resamples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The form of the answer
    #[arg(long, visible_alias = "form", value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Say nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// In which rows topics are compared.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// In all; an act that carries no topics says that no topic is there
    All,
    /// Only where the annotator chose an act that carries topics
    Carrying,
}

impl Agree {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let taxonomy = read_or_built_in(self.taxonomy.as_deref())?;
        let annotations = Annotations::read(&self.labels, &taxonomy)?;
        let disagreements = match &self.disagreements {
            Some(path) if path.as_os_str() == "-" => {
                bail!("--disagreements: name a file; figures go to standard output")
            }
            Some(path) => Some((Output::open(Some(path))?, path.display())),
            None => None,
        };
        let topic_rows = match self.topic_rows {
            Rows::All => TopicRows::All,
            Rows::Carrying => TopicRows::Carrying,
        };
        let found = agreement(&taxonomy, &annotations, topic_rows, self.resamples, self.seed);
        let missed = self.missed(&found)?;
        let alike = annotations.alone_alike();
        if let Some((row, _)) = alike.first().filter(|_| !self.quiet) {
            let (n, id) = (alike.len(), &row.id);
            say(&format!("warning: {n} rows of one annotator have the words of another's under another id, as `{id}`"));
        }
        if let Some((mut file, path)) = disagreements {
            let n = annotations.write_disagreements(&taxonomy, &mut file).context("the disagreements")?;
            file.finish()?;
            if !self.quiet {
                say(&format!("{n} rows differ; fill in the columns act and topics of {path}"));
            }
        }
        let mut out = std::io::stdout().lock();
        match self.format {
            Form::Json => {
                writeln!(out, "{}", serde_json::to_string_pretty(&to_json(&annotations, &found, &taxonomy))?)?;
            }
            Form::Text => write!(out, "{}", describe(&annotations, &found, &taxonomy))?,
        }
        out.flush().context("stdout")?;
        Ok(tell(&missed))
    }

    /// The gates that are missed; a name without its head stands for all overall figures that end in it.
    fn missed(&self, found: &Agreement) -> anyhow::Result<Vec<String>> {
        let overall = || found.figures.iter().map(|f| f.name.as_str());
        let mut min = Vec::new();
        for (name, least) in &self.min {
            let ends: Vec<&str> = overall().filter(|n| n.split_once('.').is_some_and(|(_, end)| end == name)).collect();
            let names = if ends.is_empty() { vec![name.as_str()] } else { ends };
            min.extend(names.into_iter().map(|name| (name.to_owned(), *least)));
        }
        let figures: Vec<_> = all(found).map(|f| (f.name.clone(), f.value)).collect();
        let known = overall().collect::<Vec<_>>().join(", ");
        let known =
            format!("{known}, and for each label act.NAME.alpha, topic.NAME.kappa, topic.NAME.agreement and so on");
        missed_gates(&min, &figures, &known)
    }
}

/// The overall figures, then each label's.
fn all(found: &Agreement) -> impl Iterator<Item = &Figure> {
    found.figures.iter().chain(found.labels.iter().flat_map(|l| [&l.agreement, &l.kappa, &l.alpha]))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |v| format!("{v:.3}"))
}

fn interval(figure: &Figure) -> String {
    figure.interval.map_or(String::new(), |(low, high)| format!("  [{low:.3}, {high:.3}]"))
}

fn describe(annotations: &Annotations, found: &Agreement, taxonomy: &Taxonomy) -> String {
    let mut text = format!("{:28} {:>6} {:>6}\n", "annotator", "rows", "alone");
    let alone = rows_alone(annotations);
    for (number, name) in annotations.annotators.iter().enumerate() {
        let _ = writeln!(text, "{name:28} {:>6} {:>6}", annotations.n_rows_of(number), alone[number]);
    }
    let (n_alone, n_unlabelled) = (annotations.alone().count(), annotations.n_unlabelled);
    let _ = writeln!(
        text,
        "\n{} rows of {} documents by two annotators or more; left out: {n_alone} by one, {n_unlabelled} not labelled yet",
        found.n_rows, found.n_documents
    );
    for figure in &found.figures {
        let _ = writeln!(text, "{:28} {:>9}{}", figure.name, number(figure.value), interval(figure));
    }
    let _ = writeln!(
        text,
        "\n{:28} {:>6} {:>6} {:>9} {:>9} {:>9}",
        "label", "rows", "by all", "agreement", "kappa", "alpha"
    );
    for l in &found.labels {
        let [agreement, kappa, alpha] = [&l.agreement, &l.kappa, &l.alpha].map(|f| number(f.value));
        let _ = writeln!(
            text,
            "{:28} {:>6} {:>6} {agreement:>9} {kappa:>9} {alpha:>9}{}",
            l.name,
            l.n_rows,
            l.n_rows_by_all,
            interval(&l.alpha)
        );
    }
    if let [pair] = found.pairs.as_slice() {
        let [first, second] = names(annotations, pair);
        text.push_str(&act_counts(&format!("act: {first} \\ {second}"), &pair.acts, taxonomy));
        return text;
    }
    let _ = write!(text, "\n{:28} {:>6}", "pair", "rows");
    let heads = found.pairs.first().map_or(&[][..], |pair| &pair.figures);
    heads.iter().for_each(|f| {
        let _ = write!(text, " {:>18}", f.name);
    });
    for pair in &found.pairs {
        let _ = write!(text, "\n{:28} {:>6}", names(annotations, pair).join(", "), pair.n_rows);
        pair.figures.iter().for_each(|f| {
            let _ = write!(text, " {:>18}", number(f.value));
        });
    }
    text.push('\n');
    text
}

fn names<'a>(annotations: &'a Annotations, pair: &PairAgreement) -> [&'a str; 2] {
    pair.annotators.map(|number| annotations.annotators[number].as_str())
}

/// How many rows each annotator alone has labelled.
fn rows_alone(annotations: &Annotations) -> Vec<usize> {
    let mut n_rows = vec![0; annotations.annotators.len()];
    annotations.alone().for_each(|(_, annotator)| n_rows[annotator] += 1);
    n_rows
}

fn values<'a>(figures: impl Iterator<Item = &'a Figure>) -> Map<String, Value> {
    figures.map(|f| (f.name.clone(), f.value.into())).collect()
}

fn intervals<'a>(figures: impl Iterator<Item = &'a Figure>) -> Map<String, Value> {
    figures.filter_map(|f| f.interval.map(|(low, high)| (f.name.clone(), json!([low, high])))).collect()
}

fn to_json(annotations: &Annotations, found: &Agreement, taxonomy: &Taxonomy) -> Value {
    let mut object = values(all(found));
    object.insert("rows".into(), found.n_rows.into());
    object.insert("documents".into(), found.n_documents.into());
    let n_differing = annotations.shared().filter(|row| !row.differences(taxonomy).is_empty()).count();
    object.insert("rows_that_differ".into(), n_differing.into());
    object.insert("rows_by_one".into(), annotations.alone().count().into());
    object.insert("rows_unlabelled".into(), annotations.n_unlabelled.into());
    let alone = rows_alone(annotations);
    let annotator = |(number, name): (usize, &String)| json!({"name": name, "rows": annotations.n_rows_of(number), "rows_alone": alone[number]});
    object.insert("annotators".into(), annotations.annotators.iter().enumerate().map(annotator).collect());
    let label = |l: &petition::agreement::LabelAgreement| {
        (l.name.clone(), json!({"rows": l.n_rows, "rows_by_all": l.n_rows_by_all}))
    };
    object.insert("labels".into(), found.labels.iter().map(label).collect::<Map<_, _>>().into());
    let pair = |p: &PairAgreement| {
        let mut object = values(p.figures.iter());
        object.insert("annotators".into(), json!(names(annotations, p)));
        object.insert("rows".into(), p.n_rows.into());
        object.insert("acts".into(), json!(p.acts));
        object.insert("intervals".into(), intervals(p.figures.iter()).into());
        Value::from(object)
    };
    object.insert("pairs".into(), found.pairs.iter().map(pair).collect());
    object.insert("intervals".into(), intervals(all(found)).into());
    object.into()
}
