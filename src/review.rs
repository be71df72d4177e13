//! A prediction → why a person should look at it, or nothing.
//!
//! The reasons are rules over what the model says, each a constant below, so that a reader of the table can follow them.
//! How often flagged and other rows are right is in the report of `petition train`.

use crate::model::{Model, Prediction};

/// Acts are unsure when the most probable one leads the next by less than this.
pub const ACT_MARGIN: f64 = 0.2;
/// A topic is unsure when its log-odds are nearer to those of its threshold than this.
pub const TOPIC_MARGIN: f64 = 0.5;
/// Log-odds differ by less than [`TOPIC_MARGIN`] where odds differ by less than this factor, e to its power.
const ODDS_FACTOR: f64 = 1.648_721_270_700_128;
/// Few words are known when their share is below this.
pub const KNOWN_SHARE: f64 = 0.5;
/// A sentence is very short up to this many words.
pub const VERY_SHORT: usize = 2;
/// A sentence is very long from this many words.
pub const VERY_LONG: usize = 80;

/// Why a person should look at a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Two acts are nearly as probable.
    UnsureAct,
    /// A topic's probability is near its threshold.
    UnsureTopic(usize),
    /// The act takes no topics, and yet a topic is at or above its threshold.
    HeadsDisagree,
    /// The model knows less than half of the words.
    FewKnownWords,
    /// The sentence is hardly one.
    VeryShort,
    /// The sentence is more than one.
    VeryLong,
}

/// The reasons to look at a row, in a fixed order.
///
/// ```
/// let model = petition::model::Model::shipped()?;
/// let sure = model.classify("We demand that the council ban chokeholds and other neck restraints.");
/// assert_eq!(petition::review::join(&model, &sure), "");
/// let unsure = model.classify("Qwx zvv.");
/// assert!(petition::review::join(&model, &unsure).ends_with("few-known-words|very-short"));
/// # Ok::<(), petition::model_file::ModelError>(())
/// ```
pub fn reasons<'p>(model: &'p Model, prediction: &'p Prediction) -> impl Iterator<Item = Reason> + 'p {
    let taxonomy = model.taxonomy();
    let (acts, topics) = prediction.probabilities.split_at(taxonomy.acts.len().min(prediction.probabilities.len()));
    let others = acts.iter().enumerate().filter(|&(act, _)| act != prediction.act);
    let next = others.map(|(_, &p)| p).fold(0.0, f64::max);
    let carries_topics = taxonomy.act_without_topics != Some(prediction.act);
    let thresholds = || model.thresholds().iter().map(|&t| f64::from(t));
    let unsure = topics.iter().zip(thresholds()).enumerate().filter(move |&(_, (&p, threshold))| {
        let (odds, bound) = (p * (1.0 - threshold), threshold * (1.0 - p));
        carries_topics && threshold < 1.0 && odds < ODDS_FACTOR * bound && bound < ODDS_FACTOR * odds
    });
    let disagree = !carries_topics && topics.iter().zip(thresholds()).any(|(&p, threshold)| p >= threshold);
    let n_words = prediction.n_words;
    let when = |holds: bool, reason| holds.then_some(reason);
    when(prediction.act_score() - next < ACT_MARGIN, Reason::UnsureAct)
        .into_iter()
        .chain(unsure.map(|(topic, _)| Reason::UnsureTopic(topic)))
        .chain(when(disagree, Reason::HeadsDisagree))
        .chain(when((prediction.known_stems as f64) < KNOWN_SHARE * n_words as f64, Reason::FewKnownWords))
        .chain(when(n_words <= VERY_SHORT, Reason::VeryShort))
        .chain(when(n_words >= VERY_LONG, Reason::VeryLong))
}

/// The reasons as they stand in the column `review`, joined by `|`: `unsure-act`, `unsure-TOPIC`, `heads-disagree`,
/// `few-known-words`, `very-short`, `very-long`.
pub fn join(model: &Model, prediction: &Prediction) -> String {
    let mut out = Vec::new();
    write(model, prediction, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends the reasons as [`join`] joins them.
pub fn write(model: &Model, prediction: &Prediction, out: &mut Vec<u8>) {
    for (at, reason) in reasons(model, prediction).enumerate() {
        if at > 0 {
            out.push(b'|');
        }
        let name = match reason {
            Reason::UnsureAct => "unsure-act",
            Reason::UnsureTopic(topic) => {
                out.extend_from_slice(b"unsure-");
                &model.taxonomy().topics[topic].id
            }
            Reason::HeadsDisagree => "heads-disagree",
            Reason::FewKnownWords => "few-known-words",
            Reason::VeryShort => "very-short",
            Reason::VeryLong => "very-long",
        };
        out.extend_from_slice(name.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::TopicSet;

    /// The shipped model's acts are demand, commitment, policy and none.
    fn prediction(model: &Model, acts: [f64; 4], topic: (usize, f64)) -> Prediction {
        let mut probabilities = acts.to_vec();
        probabilities.extend(vec![0.001; model.taxonomy().topics.len()]);
        probabilities[4 + topic.0] = topic.1;
        let act = (0..4).fold(0, |best, act| if acts[act] > acts[best] { act } else { best });
        Prediction { act, topics: TopicSet::default(), probabilities, known_stems: 9, n_words: 10 }
    }

    #[test]
    fn the_factor_is_the_margin_in_odds() {
        assert!((ODDS_FACTOR / TOPIC_MARGIN.exp() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn every_reason_has_its_case() {
        let model = Model::shipped().expect("the shipped model loads");
        let threshold = f64::from(model.thresholds()[1]);
        let sure = [0.9, 0.05, 0.03, 0.02];
        let none = [0.02, 0.03, 0.05, 0.9];
        let base = |acts, topic| prediction(&model, acts, topic);
        for (prediction, expected) in [
            (base(sure, (1, 0.001)), ""),
            (base([0.45, 0.3, 0.2, 0.05], (1, 0.001)), "unsure-act"),
            (base(sure, (1, threshold + 0.01)), "unsure-use-of-force"),
            (base(sure, (1, threshold - 0.01)), "unsure-use-of-force"),
            (base(sure, (1, 0.999)), ""),
            (base(none, (1, 0.999)), "heads-disagree"),
            (base(none, (1, threshold - 0.01)), ""),
            (Prediction { known_stems: 4, ..base(sure, (1, 0.001)) }, "few-known-words"),
            (Prediction { n_words: 2, known_stems: 2, ..base(sure, (1, 0.001)) }, "very-short"),
            (Prediction { n_words: 80, known_stems: 70, ..base(sure, (1, 0.001)) }, "very-long"),
        ] {
            assert_eq!(join(&model, &prediction), expected, "{prediction:?}");
        }
    }
}
