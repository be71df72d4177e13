//! Text → sentences, as byte ranges, in order. Line breaks, headings, bullets and numbered items are handled here; within a
//! paragraph the crate `sentencex` finds the boundaries; and semicolon lists of measures are cut into their items.
//!
//! Ranges increase, do not overlap, lie on character boundaries, begin and end with something visible and hold at least one
//! letter or digit. What lies between them is white space, bullets, heading marks and lines of ornament; so the
//! ranges and their gaps give the text back.

use crate::features::{list_number, without_conjunction};
use sentencex::languages::{English, Language};

/// One sentence, or one item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence<'d> {
    /// The sentence's text.
    pub text: &'d str,
    /// Where it begins in the document's text, in bytes.
    pub start: usize,
    /// Its place among the document's sentences, from 0.
    pub index: usize,
    /// For an item of a list, the words that lead the list in.
    pub lead: Option<&'d str>,
}

impl Sentence<'_> {
    /// Where the sentence ends in the document's text, in bytes.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Cuts a text into sentences.
///
/// ```
/// let text = "We ask the city to:\n\n- Ban chokeholds\n- Train officers";
/// let sentences = petition::sentence::split(text);
/// let texts: Vec<_> = sentences.iter().map(|s| s.text).collect();
/// assert_eq!(texts, ["We ask the city to:", "Ban chokeholds", "Train officers"]);
/// assert_eq!(sentences[1].lead, Some("We ask the city to:"));
/// assert_eq!(&text[sentences[2].start..sentences[2].end()], "Train officers");
/// ```
pub fn split(text: &str) -> Vec<Sentence<'_>> {
    let mut sentences = Vec::new();
    // The last sentence of the last block that was no item, if it ends in a colon; and that of the last item that did, with
    // the item's style: its own list goes on until an item of that style comes.
    let (mut lead, mut nested): (Option<&str>, Option<(Style, &str)>) = (None, None);
    for block in blocks(text) {
        nested = nested.filter(|&(style, _)| block.style.is_some_and(|s| s != style));
        let of_list = block.style.and(nested.map(|(_, lead)| lead).or(lead));
        // A paragraph that begins with a mark such as `(a)` is no single sentence for that.
        let marked = list_number(block.text).filter(|&at| block.text[at..].contains(char::is_alphanumeric));
        let mut number = marked.map(|_| offset(text, block.text));
        for piece in (English {}).segment(&block.text[marked.unwrap_or(0)..]) {
            let mut whole = trimmed(text, piece);
            if whole.is_empty() {
                continue;
            }
            let end = offset(text, whole) + whole.len();
            if let Some(start) = number.take() {
                whole = &text[start..end];
            } else if is_list_number(whole) && end < offset(text, block.text) + block.text.len() {
                // The point behind a list number ends no sentence.
                number = Some(offset(text, whole));
                continue;
            } else if let Some((before, last)) = whole.rsplit_once(' ')
                && before.ends_with(':')
                && before.contains(char::is_alphanumeric)
                && is_list_number(last)
            {
                number = Some(offset(text, last));
                whole = before;
            }
            let items = list_items(whole);
            for (at, item) in items.iter().enumerate() {
                let start = offset(text, item);
                let index = sentences.len();
                let lead = if at > 0 { Some(items[0]) } else { of_list };
                sentences.push(Sentence { text: item, start, index, lead });
            }
            let leads = whole.ends_with(':').then_some(whole);
            match block.style {
                Some(style) => nested = leads.map(|l| (style, l)).or(nested),
                None => lead = leads,
            }
        }
    }
    sentences
}

/// The piece is a list number and nothing else.
fn is_list_number(piece: &str) -> bool {
    piece.len() <= 7 && list_number(&format!("{piece} ")) == Some(piece.len())
}

/// Where a part of a text begins in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// A piece without the white space and the bars of a table's cells around it, and empty if it holds no letter or digit.
fn trimmed<'t>(text: &'t str, piece: &'t str) -> &'t str {
    let piece = piece.trim_matches(|c: char| c.is_whitespace() || matches!(c, '|' | '\u{feff}'));
    if piece.contains(char::is_alphanumeric) { piece } else { &text[..0] }
}

/// A paragraph, heading or item.
struct Block<'t> {
    text: &'t str,
    /// How an item is marked; `None` for what is no item.
    style: Option<Style>,
}

/// The mark of an item: its bullet, or the kind of its number and what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bullet(char, usize),
    Digits(char),
    Capital(char),
    Small(char),
}

/// Lines shorter than this are not taken for the full lines of a wrapped paragraph.
const SHORT_LINE: usize = 45;

/// Joins lines to blocks: an item, heading or blank line ends the block before it; a line goes on in the next one when the
/// text was wrapped there.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let widest = text.lines().map(str::len).max().unwrap_or(0);
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if content.is_empty() {
            open = false;
            continue;
        }
        let (rest, mark) = without_mark(content, offset(line, content));
        if rest.is_empty() {
            open = false;
            continue;
        }
        let begin = offset(text, rest);
        let end = begin + rest.len();
        match blocks.last_mut() {
            Some(last) if open && mark == Mark::None && goes_on(last.text, content, widest) => {
                last.text = &text[offset(text, last.text)..end];
            }
            _ => blocks.push(Block { text: &text[begin..end], style: mark.style() }),
        }
        open = mark != Mark::Heading;
    }
    blocks
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Item(Style),
    Heading,
}

impl Mark {
    fn style(self) -> Option<Style> {
        match self {
            Self::Item(style) => Some(style),
            Self::None | Self::Heading => None,
        }
    }
}

/// A line without its bullet or heading mark. A list number stays with its item, since it is often cited.
fn without_mark(line: &str, indent: usize) -> (&str, Mark) {
    let hashes = line.bytes().take_while(|&b| b == b'#').count();
    if (1..=6).contains(&hashes) && line[hashes..].starts_with(' ') {
        return (line[hashes..].trim().trim_end_matches('#').trim_end(), Mark::Heading);
    }
    let mut chars = line.chars();
    if let Some(c) = chars.next()
        && "•‣◦▪■●∙·–—*-+>✓✔➤→".contains(c)
    {
        let rest = chars.as_str();
        if rest.is_empty() || rest.starts_with(char::is_whitespace) || "•‣◦▪■●✓✔➤".contains(c) {
            let mark = if c == '>' { Mark::None } else { Mark::Item(Style::Bullet(c, indent)) };
            return (rest.trim_start(), mark);
        }
    }
    let Some(length) = list_number(line) else { return (line, Mark::None) };
    let number = &line[..length];
    let around = if number.starts_with('(') { '(' } else { number.chars().last().unwrap_or('.') };
    let style = match number.chars().find(|c| c.is_ascii_alphanumeric()) {
        Some(c) if c.is_ascii_digit() => Style::Digits(around),
        Some(c) if c.is_ascii_uppercase() => Style::Capital(around),
        _ => Style::Small(around),
    };
    (line, Mark::Item(style))
}

/// The paragraph so far was wrapped before this line, rather than ended.
fn goes_on(before: &str, line: &str, widest: usize) -> bool {
    let last_line = before.rsplit('\n').next().unwrap_or(before).trim();
    if last_line.ends_with([':', ';']) {
        return false;
    }
    let full = last_line.len() >= SHORT_LINE && 10 * last_line.len() >= 7 * widest;
    let finished = last_line.ends_with(['.', '!', '?', '”', '"']);
    if finished {
        // Whether the line was wrapped or the paragraph ended, a sentence ended here; joined, quotations stay whole.
        return full && widest <= 120;
    }
    line.starts_with(char::is_lowercase) || full
}

/// Verbs that a measure opens with, one a line, sorted.
const MEASURE_VERBS: &str = include_str!("measure_verbs.txt");

fn opens_with_measure(item: &str) -> bool {
    let item = without_conjunction(item);
    let word = item.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    MEASURE_VERBS.lines().any(|verb| verb == word)
}

/// Cuts a sentence at the semicolons of a list of measures; a sentence without such a list is its only item.
///
/// It is a list when the parts behind the semicolons open in lower case or with a list number, have three words or more,
/// and there are two or more of them, or the one opens with the verb of a measure.
fn list_items(sentence: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut begin) = (0i32, 0);
    for (at, c) in sentence.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ';' if depth <= 0 && sentence[at + 1..].starts_with(char::is_whitespace) => {
                items.push(&sentence[begin..=at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    let last = sentence[begin..].trim();
    if items.is_empty() || last.is_empty() {
        return vec![sentence];
    }
    items.push(last);
    let items: Vec<&str> = items.into_iter().map(str::trim).collect();
    let is_item = |item: &&str| {
        let opening = without_conjunction(item);
        (opening.starts_with(char::is_lowercase) || list_number(opening).is_some())
            && item.split_whitespace().count() >= 3
    };
    let behind = &items[1..];
    let is_list = items[0].split_whitespace().count() >= 3
        && items[0].contains(char::is_alphanumeric)
        && behind.iter().all(is_item)
        && (behind.len() >= 2 || behind.iter().all(|item| opens_with_measure(item)));
    if is_list { items } else { vec![sentence] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        split(text).iter().map(|s| s.text).collect()
    }

    #[test]
    fn sentences_of_hard_cases() {
        for (text, expected) in [
            ("Gov. Jo B. Fenn (D) spoke. She left.", vec!["Gov. Jo B. Fenn (D) spoke.", "She left."]),
            ("It began on Nov. 15 in St. Paul. It went on.", vec!["It began on Nov. 15 in St. Paul.", "It went on."]),
            ("The U.S. Conference of Clerks met.", vec!["The U.S. Conference of Clerks met."]),
            ("“We must act,” she said. “Now.”", vec!["“We must act,” she said.", "“Now.”"]),
            ("# Our plan\nWe ask for little.", vec!["Our plan", "We ask for little."]),
            ("Our plan\n\nWe ask for little.\n", vec!["Our plan", "We ask for little."]),
            ("OUR PLAN\nWe ask for little.\n", vec!["OUR PLAN", "We ask for little."]),
            ("• Ban it\n• Fund that", vec!["Ban it", "Fund that"]),
            ("•Ban it", vec!["Ban it"]),
            ("1. Ban chokeholds.\n2. Fund clinics.", vec!["1. Ban chokeholds.", "2. Fund clinics."]),
            (
                "(a) the date;\n(b) the place; and\n(c) the name.",
                vec!["(a) the date;", "(b) the place; and", "(c) the name."],
            ),
            (
                "(c) The board publishes it in thirty days. It may not wait.",
                vec!["(c) The board publishes it in thirty days.", "It may not wait."],
            ),
            ("1. Ban it. It kills.\n\n2.", vec!["1. Ban it.", "It kills.", "2."]),
            ("We ask: 1. Ban it. 2. Fund that.", vec!["We ask:", "1. Ban it.", "2. Fund that."]),
            ("Cost | It is free. | None", vec!["Cost | It is free.", "None"]),
            ("***\n\nText.\n\n---", vec!["Text."]),
            ("-5 degrees", vec!["-5 degrees"]),
            ("", vec![]),
            (" \n\t\n", vec![]),
        ] {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn wrapped_lines_are_joined_and_headings_are_not() {
        let text = "A heading\nThe council of the town of Elm Hollow met on Monday to talk about\nits police, and it went on until midnight. Nobody\nwas pleased.";
        assert_eq!(
            texts(text),
            [
                "A heading",
                "The council of the town of Elm Hollow met on Monday to talk about\nits police, and it went on until midnight.",
                "Nobody\nwas pleased.",
            ]
        );
    }

    #[test]
    fn a_semicolon_list_of_demands_becomes_its_items() {
        let text = "The parents ask the county to hire two school counselors; open an ombudsman’s office; limit night raids to emergencies.";
        let sentences = split(text);
        let found: Vec<_> = sentences.iter().map(|s| s.text).collect();
        assert_eq!(
            found,
            [
                "The parents ask the county to hire two school counselors;",
                "open an ombudsman’s office;",
                "limit night raids to emergencies.",
            ]
        );
        assert_eq!(sentences[2].lead, Some(found[0]));
        assert_eq!(&text[sentences[1].start..sentences[1].end()], found[1]);
    }

    #[test]
    fn other_semicolons_are_left_alone() {
        for text in [
            "He said no; she said yes.",
            "Members are Ann Lund, mayor of Elm; Bo Rask, chief of Ash; and Cy Holt of Oak.",
            "Studies (one in 2010; another in 2012; and a third) agree.",
            "It was late; nobody minded much.",
            ": - * ; end of it",
        ] {
            assert_eq!(texts(text), [text]);
        }
        assert_eq!(texts("We want you to fire the chief; and publish the full report.").len(), 2);
    }

    #[test]
    fn leads_reach_the_items_of_their_list_only() {
        let text = "We demand that you:\n1. Ban it\n2. Fund that\n\nThanks.\n- more";
        let leads: Vec<_> = split(text).iter().map(|s| s.lead).collect();
        let lead = Some("We demand that you:");
        assert_eq!(leads, [None, lead, lead, None, None]);
        let text = "Rules\n\nA. Members shall not:\n1. Run.\n2. Shout.\nB. Members walk.";
        let leads: Vec<_> = split(text).iter().map(|s| s.lead).collect();
        let lead = Some("A. Members shall not:");
        assert_eq!(leads, [None, None, lead, lead, None]);
    }

    proptest! {
        #[test]
        fn ranges_increase_and_give_the_text_back(text in "(\\PC|[a-z]{1,9} |[.;:!?] |\\n|\\n\\n|\\r\\n|• |[0-9]\\. |“|”|é|\\(|\\)|# ){0,80}") {
            let mut rebuilt = String::new();
            let mut at = 0;
            for (index, sentence) in split(&text).into_iter().enumerate() {
                prop_assert_eq!(sentence.index, index);
                prop_assert!(sentence.start >= at);
                prop_assert!(text.is_char_boundary(sentence.start) && text.is_char_boundary(sentence.end()));
                prop_assert!(sentence.text.contains(char::is_alphanumeric));
                prop_assert_eq!(sentence.text.trim(), sentence.text);
                rebuilt.push_str(&text[at..sentence.start]);
                rebuilt.push_str(sentence.text);
                at = sentence.end();
            }
            rebuilt.push_str(&text[at..]);
            prop_assert_eq!(rebuilt, text);
        }

        #[test]
        fn no_letter_is_lost(text in "([a-zA-Z]{1,9} |[.;:!?] |\\n\\n|\\n){0,60}") {
            let letters = |s: &str| s.chars().filter(char::is_ascii_alphabetic).collect::<String>();
            let kept: String = split(&text).iter().map(|s| letters(s.text)).collect();
            prop_assert_eq!(kept, letters(&text));
        }
    }
}
