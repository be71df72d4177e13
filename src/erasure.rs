//! Which words moved a label? Those without which the model would be less sure of it.
//!
//! Each word is left out in turn and the rest is read again; what a label's log-odds lose is the word's effect. It holds whatever a word
//! takes part in: stems, pairs, seed terms, marks. Source: Li, Monroe and Jurafsky 2016, "Understanding neural networks through
//! representation erasure".

use crate::features::Text;
use crate::model::{Prediction, Reader};
use crate::stem::for_each_range;

/// What leaving out one word does.
#[derive(Debug, Clone, PartialEq)]
pub struct WordEffect {
    /// Where the word begins in the sentence, in bytes.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// What each output's log-odds lose without the word; below 0 where the word spoke against the label.
    pub losses: Vec<f64>,
}

/// Probabilities are kept this far from 0 and 1, where log-odds have no end.
const EDGE: f64 = 1e-6;

/// The effects of all words of a sentence, in order; one a word, outputs as in [`Prediction::probabilities`].
///
/// ```
/// use petition::{erasure::effects, features::Text, model::Model};
/// let model = Model::shipped()?;
/// let sentence = "The council must ban chokeholds.";
/// let effects = effects(&mut model.reader(), &Text { sentence, ..Text::default() });
/// let topic = model.taxonomy().acts.len() + model.taxonomy().topic("use-of-force").expect("a topic");
/// let strongest = effects.iter().max_by(|a, b| a.losses[topic].total_cmp(&b.losses[topic])).expect("a word");
/// assert_eq!(&sentence[strongest.start..strongest.end], "chokeholds");
/// # Ok::<(), petition::model_file::ModelError>(())
/// ```
pub fn effects(reader: &mut Reader, text: &Text) -> Vec<WordEffect> {
    let log_odds = |p: &f64| {
        let p = p.clamp(EDGE, 1.0 - EDGE);
        crate::math::ln(p / (1.0 - p))
    };
    let whole: Vec<f64> = reader.classify(text).probabilities.iter().map(log_odds).collect();
    let mut words = Vec::new();
    for_each_range(text.sentence, |start, end| words.push((start, end)));
    let (mut rest, mut prediction) = (String::new(), Prediction::default());
    let mut effects = Vec::with_capacity(words.len());
    for (start, end) in words {
        rest.clear();
        rest.push_str(&text.sentence[..start]);
        rest.push_str(&text.sentence[end..]);
        reader.classify_into(&Text { sentence: &rest, ..*text }, &mut prediction);
        let losses = whole.iter().zip(&prediction.probabilities).map(|(whole, p)| whole - log_odds(p)).collect();
        effects.push(WordEffect { start, end, losses });
    }
    effects
}
