//! How far is the work, do people agree, and is the new model better? The page that says so.

use super::desk::Visit;
use super::page::{Live, frame};
use super::retraining::{Candidate, ComparedRow, Running, State};
use maud::{Markup, html};
use petition::agreement::{Agreement, TopicRows, agreement};
use petition::annotations::Annotations;
use petition::compare::{Comparison, Difference};
use petition::label_store::SavedLabel;
use petition::shelf::Shelf;
use std::collections::{BTreeMap, HashMap};

/// Rows to show on which annotators differ.
const SHOWN: usize = 20;

/// All of it.
pub fn dashboard(visit: &Visit) -> Markup {
    let standing = visit.standing();
    let content = html! {
        h1 { "Dashboard" }
        (retraining(visit))
        (counts(visit, &standing))
        (agreed(visit, &standing))
        (in_use(visit))
    };
    let live = if matches!(visit.retraining.state(), State::Running(_)) { Live::Reloads } else { Live::Stands };
    frame(visit, "Dashboard", live, &content)
}

fn table(caption: &str, head: &[&str], rows: Vec<Vec<String>>) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr { @for (at, field) in row.iter().enumerate() { @if at == 0 { th scope="row" { (field) } } @else { td { (field) } } } }
                    }
                }
            }
        }
    }
}

/// How many labels there are, by act, topic and annotator.
fn counts(visit: &Visit, standing: &[SavedLabel]) -> Markup {
    let of = |is: &dyn Fn(&SavedLabel) -> bool| standing.iter().filter(|l| is(l)).count().to_string();
    let acts = visit.taxonomy.acts.iter().map(|a| vec![a.id.clone(), of(&|l| l.act == a.id)]).collect();
    let topics = visit.taxonomy.topics.iter();
    let topics = topics.map(|t| vec![t.id.clone(), of(&|l| l.topics.split('|').any(|id| id == t.id))]).collect();
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    standing.iter().for_each(|l| *by.entry(&l.annotator).or_default() += 1);
    let by = by.into_iter().map(|(name, n)| vec![name.to_owned(), n.to_string()]).collect();
    html! {
        section aria-labelledby="labels" {
            h2 id="labels" { "Labels" }
            p { (standing.len()) " labels stand in " code { (visit.labels.display()) } ", by all annotators." }
            div.tables {
                (table("Acts", &["act", "labels"], acts))
                (table("Topics", &["topic", "labels"], topics))
                (table("Annotators", &["annotator", "labels"], by))
            }
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |v| format!("{v:.3}"))
}

fn interval(interval: Option<(f64, f64)>) -> String {
    interval.map_or_else(String::new, |(low, high)| format!("{low:.3} to {high:.3}"))
}

/// How far annotators agree, as `petition agree` says it, if two of them labelled the same sentences.
fn agreed(visit: &Visit, standing: &[SavedLabel]) -> Markup {
    let mut annotators: HashMap<&str, usize> = HashMap::new();
    standing.iter().for_each(|l| *annotators.entry(&l.id).or_default() += 1);
    let is_shared = annotators.values().any(|&n| n > 1);
    html! {
        section aria-labelledby="agreement" {
            h2 id="agreement" { "Agreement" }
            @if is_shared {
                @match visit.read_labels(|files| Annotations::read(files, &visit.taxonomy)) {
                    Ok(annotations) => {
                        (figures(&agreement(&visit.taxonomy, &annotations, TopicRows::All, 1000, 1)))
                        (differing(visit, &annotations))
                    }
                    Err(error) => p role="alert" { (error) }
                }
            } @else {
                p { "No sentence has labels of two annotators yet. Change the name above, and label some of the same ones without looking." }
            }
        }
    }
}

fn figures(found: &Agreement) -> Markup {
    let rows = found.figures.iter().map(|f| vec![f.name.clone(), number(f.value), interval(f.interval)]);
    html! {
        p { (found.n_rows) " sentences of " (found.n_documents) " documents have labels of two annotators or more." }
        (table("Agreement of all annotators", &["figure", "value", "95 % interval"], rows.collect()))
    }
}

fn differing(visit: &Visit, annotations: &Annotations) -> Markup {
    let rows: Vec<_> = annotations
        .shared()
        .map(|row| (row, row.differences(&visit.taxonomy)))
        .filter(|(_, d)| !d.is_empty())
        .collect();
    html! {
        @if !rows.is_empty() {
            details {
                summary { (rows.len()) " sentences on which they differ" }
                @if rows.len() > SHOWN { p { "The first " (SHOWN) "; " code { "petition agree --disagreements FILE" } " writes them all." } }
                ul {
                    @for (row, differences) in rows.iter().take(SHOWN) {
                        li {
                            (linked(visit, &row.id, &row.text)) ": " (differences.join(", "))
                        }
                    }
                }
            }
        }
    }
}

/// A sentence, as the way to its page if it is one of those to label.
fn linked(visit: &Visit, id: &str, text: &str) -> Markup {
    match visit.items.place(id) {
        Some(at) => html! { a href=(visit.item_link(at)) { (text) } },
        None => html! { (text) },
    }
}

/// The model in use, and those that are kept.
fn in_use(visit: &Visit) -> Markup {
    let used = visit.model();
    let training = used.model.training();
    let rows = training.figures.iter().map(|(name, value)| vec![name.clone(), format!("{value:.3}")]).collect();
    html! {
        section aria-labelledby="in-use" {
            h2 id="in-use" { "Model in use" }
            p { (used.name) ", trained on " (training.n_rows) " rows of " (training.n_documents) " documents." }
            (table("Out of fold, on its own training rows", &["figure", "value"], rows))
            @if let Some(to) = &visit.retraining.args().to { (kept(&Shelf::at(to), to)) }
        }
    }
}

fn kept(shelf: &Shelf, folder: &std::path::Path) -> Markup {
    let current = shelf.current().unwrap_or_default();
    let row = |kept: petition::shelf::Kept| {
        let (rows, note) = kept.promotion.map_or_else(
            |error| (String::new(), error.to_string()),
            |p| (p.n_rows.to_string(), p.note.unwrap_or_default()),
        );
        let is_current = if kept.name == current { "current" } else { "" };
        vec![kept.name, is_current.to_owned(), rows, note]
    };
    // A folder that is not there yet keeps nothing.
    let rows: Vec<_> = shelf.list().unwrap_or_default().into_iter().map(row).collect();
    html! {
        @if rows.is_empty() { p { code { (folder.display()) } " keeps no model yet." } }
        @else {
            (table("Models kept", &["model", "", "rows", "note"], rows))
            p { code { "petition rollback --to " (folder.display()) } " goes back to the one before." }
        }
    }
}

/// Retraining: the button, how far it is, what came of it. It is fetched anew while it runs.
pub fn retraining(visit: &Visit) -> Markup {
    let state = visit.retraining.state();
    let name = match &state {
        State::Idle => "idle",
        State::Running(_) => "running",
        State::Done(_) => "done",
        State::Failed(_) => "failed",
    };
    html! {
        section id="retraining" aria-labelledby="retrain" data-state=(name) data-from=(visit.link("retraining")) {
            h2 id="retrain" { "Retraining" }
            @match &state {
                State::Running(running) => (progress(running)),
                State::Idle => (button(visit, "Retrain")),
                State::Failed(message) => { p role="alert" { "That did not work: " (message) } (button(visit, "Retrain")) },
                State::Done(candidate) => { (outcome(visit, candidate)) (button(visit, "Retrain again")) },
            }
        }
    }
}

fn progress(running: &Running) -> Markup {
    let (done, total) = running.steps();
    html! {
        p role="status" { "Training has begun; you can go on labelling." }
        p.progress {
            label for="steps" { "Step " (done) " of " (total) ", " (running.seconds()) " s" }
            progress id="steps" max=(total) value=(done) {}
        }
    }
}

fn button(visit: &Visit, name: &str) -> Markup {
    let args = visit.retraining.args();
    let standing = visit.standing().len();
    html! {
        p {
            "Learns from the " (standing) " labels here"
            @if args.base_rows.base_labels.is_empty() {
                " alone, since no --base-labels are given: with few labels that makes a weak model."
            } @else {
                " on top of " (paths(&args.base_rows.base_labels))
                @if args.base_rows.weight == 1.0 { "." } @else { ", each weighing as much as " (args.base_rows.weight) " of those." }
            }
            " Then compares "
            @if args.card.gold.is_empty() { "on these labels, out of fold." } @else { "on " (paths(&args.card.gold)) "." }
            " Where several annotators labelled a sentence, the last label counts."
        }
        form method="post" action=(visit.link("retraining")) {
            p.actions { button type="submit" disabled[standing == 0] { (name) } }
        }
        @if standing == 0 { p { "Label some sentences first." } }
    }
}

fn paths(paths: &[std::path::PathBuf]) -> Markup {
    html! { @for (at, path) in paths.iter().enumerate() { @if at > 0 { ", " } code { (path.display()) } } }
}

fn outcome(visit: &Visit, candidate: &Candidate) -> Markup {
    let Candidate { comparison, n_rows: [new, base], .. } = candidate;
    let [won, lost, _] = comparison.outcomes;
    let promoted = candidate.promoted();
    html! {
        p role="status" { strong { (sentence_of(comparison)) } }
        p {
            "Trained in " (format!("{:.1}", candidate.seconds)) " s from " (new) " labelled sentences"
            @if *base > 0 { " on top of " (base) " others" }
            ". OLD is " (candidate.old) ", compared on " (comparison.n_rows) " "
            @if candidate.on_gold { "gold rows" } @else { "labelled sentences" }
            " of " (comparison.n_documents) " documents"
            @if !candidate.on_gold { ", NEW by what it says of them out of fold" }
            "."
        }
        @for warning in &candidate.warnings { p role="alert" { "Warning: " (warning) "." } }
        (differences("Before and after", &comparison.figures))
        details {
            summary { "Each label" }
            @let labels: Vec<_> = comparison.labels.iter().map(|l| l.f1.clone()).collect();
            (differences("F1 of each label", &labels))
        }
        details {
            summary { (won) " sentences won, " (lost) " lost" }
            ul { @for row in &candidate.rows { (row_of(visit, row)) } }
        }
        @match promoted {
            Some(name) => p role="status" { (name) " is current now, and is used on these pages." }
            None => (offer(visit, candidate))
        }
    }
}

fn sentence_of(comparison: &Comparison) -> String {
    let verdict = comparison.verdict();
    let mut letters = verdict.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}

fn differences(caption: &str, figures: &[Difference]) -> Markup {
    let row = |f: &Difference| {
        let interval = f.interval.map_or_else(String::new, |(low, high)| format!("{low:+.3} to {high:+.3}"));
        vec![f.name.clone(), format!("{:.3}", f.old), format!("{:.3}", f.new), format!("{:+.3}", f.change()), interval]
    };
    table(caption, &["figure", "OLD", "NEW", "difference", "95 % interval"], figures.iter().map(row).collect())
}

fn row_of(visit: &Visit, row: &ComparedRow) -> Markup {
    let [gold, old, new] = row.labels.each_ref().map(|[act, topics]| format!("{act} {}", topics.replace('|', ", ")));
    html! { li { (row.outcome.name()) ": " (linked(visit, &row.id, &row.text)) " " span.context { "gold " (gold.trim()) "; OLD " (old.trim()) "; NEW " (new.trim()) } } }
}

/// The form that promotes, where that is wise and there is a place.
fn offer(visit: &Visit, candidate: &Candidate) -> Markup {
    let n = candidate.n_rows[0];
    let note = format!("{n} labelled sentences, by {}", candidate.annotators.join(", "));
    html! {
        @if candidate.comparison.is_worse() == Some(true) {
            p { "It is worse beyond noise, so it is not offered for promotion." }
        } @else if let Some(to) = &visit.retraining.args().to {
            form method="post" action=(visit.link("promotion")) {
                input type="hidden" name="model" value=(candidate.data_hash);
                label.note { "Note " input type="text" name="note" autocomplete="off" value=(note); }
                p.actions { button type="submit" { "Promote to " (to.display()) } }
            }
        } @else {
            p { "Start with " code { "--to FOLDER" } " to promote it from here." }
        }
    }
}
