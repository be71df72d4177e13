//! What do the pages look like? HTML, rendered here, that works without scripts and without anything from elsewhere.

use super::desk::{Keys, Visit};
use super::items::Item;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use petition::context::InContext;
use petition::erasure::{WordEffect, effects};
use petition::label_store::SavedLabel;
use petition::model::Prediction;

/// The style sheet and the script, served from the page's own address.
pub const STYLE: &str = include_str!("style.css");
pub const SCRIPT: &str = include_str!("page.js");

/// A word is marked if it takes this much of what the strongest word takes, and at least [`WEAKEST`].
const MARKED: f64 = 0.25;
/// Log-odds that a word must move to be marked.
const WEAKEST: f64 = 0.3;

/// Whether a page changes by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// It stands as it is.
    Stands,
    /// Its script fetches what changes; without scripts it is loaded anew.
    Reloads,
}

/// A page around its content.
pub fn frame(visit: &Visit, title: &str, live: Live, content: &Markup) -> Markup {
    let (done, total) = (visit.n_labelled(), visit.items.len());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – petition" }
                link rel="stylesheet" href=(visit.shared_link("style.css"));
                script src=(visit.shared_link("page.js")) defer {}
                @if live == Live::Reloads { noscript { meta http-equiv="refresh" content="2"; } }
            }
            body {
                a.jump href="#main" { "To the content" }
                header {
                    nav aria-label="Pages" {
                        a href=(visit.link("")) { "Label" }
                        a href=(visit.link("dashboard")) { "Dashboard" }
                    }
                    p.progress {
                        label for="progress" { (done) " of " (total) " labelled by " (visit.annotator) }
                        progress id="progress" max=(total) value=(done) {}
                    }
                    details.who {
                        summary { "Change name" }
                        form method="post" action=(visit.link("name")) {
                            label { "Your name " input type="text" name="annotator" required autocomplete="off" value=(visit.annotator); }
                            button type="submit" { "Change" }
                        }
                    }
                }
                main id="main" { (content) }
            }
        }
    }
}

/// The page of one sentence.
pub fn sentence(visit: &Visit, number: usize, item: &Item, saved: Option<&SavedLabel>) -> Markup {
    let InContext { title, lead, before, text, after, .. } = &item.sentence;
    let used = visit.model();
    let mut reader = used.model.reader();
    let prediction = reader.classify(&item.sentence.as_text());
    // A random sentence is labelled as if there were no model, so that it can tell how good the model is.
    let hides_model = item.chosen_for == "random" && saved.is_none();
    let moved = if hides_model { Vec::new() } else { effects(&mut reader, &item.sentence.as_text()) };
    let content = html! {
        @if let Some(title) = title { p.title { (title) } }
        div.sentence {
            @if let Some(lead) = lead { p.context { (lead) } }
            @if !before.is_empty() && lead.as_ref() != Some(before) { p.context { (before) } }
            h1 { (marked(visit, text, &prediction, &moved)) }
            @if !after.is_empty() { p.context { (after) } }
        }
        @if hides_model {
            p.model { "Drawn at random: what the model says is shown when you have said what you say." }
        } @else {
            (model_says(visit, &prediction))
        }
        (form(visit, number, item, saved))
        p.place {
            @if number > 0 { a rel="prev" href=(visit.item_link(number - 1)) { "Previous" } " " }
            "Sentence " (number + 1) " of " (visit.items.len()) " "
            @if number + 1 < visit.items.len() { a rel="next" href=(visit.item_link(number + 1)) { "Next" } " " }
            a href=(visit.document_link(number)) { "Whole document" }
        }
        (help(&visit.keys))
    };
    frame(visit, "Label", Live::Stands, &content)
}

/// The sentence with the words marked that moved the predicted labels.
fn marked(visit: &Visit, text: &str, prediction: &Prediction, moved: &[WordEffect]) -> Markup {
    let n_acts = visit.taxonomy.acts.len();
    let outputs: Vec<usize> =
        std::iter::once(prediction.act).chain(prediction.topics.iter().map(|topic| n_acts + topic)).collect();
    let loss = |word: &WordEffect| outputs.iter().map(|&output| word.losses[output]).fold(0.0, f64::max);
    let strongest = moved.iter().map(loss).fold(0.0, f64::max);
    let mut at = 0;
    html! {
        @for word in moved.iter().filter(|word| loss(word) >= WEAKEST.max(MARKED * strongest)) {
            (text[at..word.start])
            mark title={ "moves the log-odds by " (format!("{:.1}", loss(word))) } { (text[word.start..word.end]) }
            ({ at = word.end; PreEscaped("") })
        }
        (text[at..])
    }
}

/// What the model says, in one line.
fn model_says(visit: &Visit, prediction: &Prediction) -> Markup {
    let taxonomy = &visit.taxonomy;
    let percent = |p: f64| format!("{:.0} %", 100.0 * p);
    html! {
        p.model id="model" data-act=(taxonomy.acts[prediction.act].id) data-topics=(taxonomy.join_topics(prediction.topics)) {
            "The model says "
            span.act { (taxonomy.acts[prediction.act].id) } " (" (percent(prediction.act_score())) ")"
            @for topic in prediction.topics.iter() {
                " " span.topic { (taxonomy.topics[topic].id) } " ("
                (percent(prediction.probabilities[taxonomy.acts.len() + topic])) ")"
            }
            ", because of the words that are marked."
        }
    }
}

fn form(visit: &Visit, number: usize, item: &Item, saved: Option<&SavedLabel>) -> Markup {
    let taxonomy = &visit.taxonomy;
    let act = saved.map_or("", |s| &s.act);
    let topics: Vec<&str> = saved.map_or("", |s| &s.topics).split('|').collect();
    html! {
        form id="labels" method="post" action=(visit.item_link(number)) {
            input type="hidden" name="id" value=(item.sentence.id);
            fieldset {
                legend { "Act" }
                @for (place, label) in taxonomy.acts.iter().enumerate() {
                    label title=(label.definition) {
                        input type="radio" name="act" required value=(label.id) checked[label.id == act]
                            data-key=[visit.keys.acts[place]] aria-keyshortcuts=[visit.keys.acts[place]] data-carries-topics=(taxonomy.act_without_topics != Some(place));
                        span { (label.id) }
                        @if let Some(key) = visit.keys.acts[place] { kbd aria-hidden="true" { (key) } }
                    }
                }
            }
            fieldset {
                legend { "Topics" }
                @for (place, label) in taxonomy.topics.iter().enumerate() {
                    label title=(label.definition) {
                        input type="checkbox" name="topic" value=(label.id) checked[topics.contains(&label.id.as_str())]
                            data-key=[Keys::topic(place)] aria-keyshortcuts=[Keys::topic(place).map(|key| key.replace('⇧', "Shift+"))];
                        span { (label.id) }
                        @if let Some(key) = Keys::topic(place) { kbd aria-hidden="true" { (key) } }
                    }
                }
            }
            label.note { "Note " input type="text" name="note" autocomplete="off" value=(saved.map_or("", |s| &s.note)); }
            p.actions {
                button type="submit" name="do" value="save" aria-keyshortcuts="Enter" { "Save" kbd aria-hidden="true" { "Enter" } }
                button type="submit" name="do" value="skip" formnovalidate aria-keyshortcuts="s" { "Skip" kbd aria-hidden="true" { "s" } }
                button type="submit" name="do" value="undo" formnovalidate aria-keyshortcuts="u" { "Undo" kbd aria-hidden="true" { "u" } }
            }
            p.status role="status" {
                @if let Some(saved) = saved { "Saved " (saved.saved) "." } @else { "Not labelled yet." }
            }
        }
    }
}

fn help(keys: &Keys) -> Markup {
    html! {
        details id="help" {
            summary aria-keyshortcuts="?" { "Keys " kbd aria-hidden="true" { "?" } }
            dl {
                dt { @for key in keys.acts.iter().flatten() { kbd { (key) } " " } } dd { "the act" }
                dt { kbd { "1" } " … " kbd { "0" } ", " kbd { "⇧1" } " …" } dd { "a topic, on or off" }
                dt { kbd { "m" } } dd { "take over what the model says" }
                dt { kbd { "Enter" } } dd { "save, and on to the next sentence without a label" }
                dt { kbd { "s" } } dd { "skip" }
                dt { kbd { "u" } } dd { "take back the last label and return to it" }
                dt { kbd { "?" } } dd { "open or close this list" }
            }
        }
    }
}

/// A document's sentences, one after the other, with their acts and topics.
pub fn document(visit: &Visit, number: usize) -> Markup {
    let taxonomy = &visit.taxonomy;
    let of = &visit.items[number].sentence;
    let used = visit.model();
    let mut reader = used.model.reader();
    let content = html! {
        h1 { (of.title.as_ref().unwrap_or(&of.document)) }
        p.legend {
            @for (place, act) in taxonomy.acts.iter().enumerate() { span class={ "mark-" (place % 6) } { (act.id) } " " }
            "a label of yours has a frame, the others are the model’s"
        }
        @for (place, sentence) in visit.items.iter().map(|i| &i.sentence).enumerate().filter(|(_, s)| s.document == of.document) {
            @let prediction = reader.classify(&sentence.as_text());
            @let label = visit.label_of(&sentence.id);
            @let act = label.as_ref().and_then(|l| taxonomy.act(&l.act)).unwrap_or(prediction.act);
            @let topics = label.as_ref().map_or_else(|| taxonomy.join_topics(prediction.topics), |l| l.topics.clone());
            p class={ "row mark-" (act % 6) @if label.is_some() { " mine" } @if place == number { " here" } } {
                a href=(visit.item_link(place)) { (sentence.text) }
                " " span.act { (taxonomy.acts[act].id) }
                @for topic in topics.split('|').filter(|t| !t.is_empty()) { " " span.topic { (topic) } }
            }
        }
    };
    frame(visit, "Document", Live::Stands, &content)
}

/// A page that says what went wrong.
pub fn problem(visit: &Visit, message: &str) -> Markup {
    frame(visit, "Problem", Live::Stands, &html! { h1 { "That did not work" } p role="alert" { (message) } })
}
