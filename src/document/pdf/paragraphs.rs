//! Lines → paragraphs, headings, items and rows of tables, over columns and pages.

use super::columns::Line;
use std::collections::{HashMap, HashSet};

/// How the document is set.
pub(super) struct Measures {
    /// The size of most of its letters.
    pub(super) body: f32,
    /// From line to line, in sizes.
    pub(super) leading: f32,
    /// The words that stand within lines, in lower case, with their hyphens.
    pub(super) words: HashSet<String>,
}

impl Measures {
    pub(super) fn of(lines: &[Line]) -> Self {
        let mut letters: HashMap<u32, usize> = HashMap::new();
        for line in lines {
            *letters.entry((4.0 * line.size).min(1e6) as u32).or_default() += line.text.len();
        }
        let body = letters.into_iter().max_by_key(|&(size, n)| (n, size)).map_or(10.0, |(size, _)| size as f32 / 4.0);
        let same = |a: &Line, b: &Line| a.flow == b.flow && (a.size - b.size).abs() < 0.1 * a.size;
        let distances = lines.windows(2).filter(|p| same(&p[0], &p[1])).map(|p| (p[0].y - p[1].y) / p[1].size.max(0.1));
        let mut distances: Vec<f32> = distances.filter(|d| (0.8..3.0).contains(d)).collect();
        distances.sort_by(f32::total_cmp);
        // The lower third is within paragraphs, even where most of them have one line.
        let leading = distances.get(distances.len() / 3).copied().unwrap_or(1.2);
        let mut words = HashSet::new();
        for line in lines {
            let mut of_line = line.text.split_whitespace().peekable();
            while let Some(word) = of_line.next() {
                if of_line.peek().is_some() {
                    words.insert(word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase());
                }
            }
        }
        Self { body, leading, words }
    }
}

/// A paragraph, heading, item or row of a table.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) page: u32,
    pub(super) x0: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) n_lines: usize,
    /// Where the longest of its lines ends.
    pub(super) right: f32,
    /// The mark of an item; empty for a bullet.
    pub(super) mark: Option<String>,
    pub(super) text: String,
    pub(super) cells: Option<Vec<String>>,
    /// Its last line.
    pub(super) last: Line,
}

impl Block {
    pub(super) fn is_heading(&self, measures: &Measures) -> bool {
        let length = self.text.chars().count();
        let larger = self.size > 1.12 * measures.body && length <= 200;
        let bold = self.bold
            && self.size > 0.95 * measures.body
            && length <= 120
            && !self.text.ends_with(['.', ',', ';', '!', '?']);
        let is_entry = self.text.contains("....") || self.text.contains(". . . .") || self.text.contains("……");
        self.mark.is_none()
            && self.cells.is_none()
            && (larger || bold)
            && !is_entry
            && self.text.contains(char::is_alphabetic)
    }

    fn is_finished(&self) -> bool {
        let text = self.text.trim_end_matches(['”', '"', '’', ')', ']']);
        text.ends_with(['.', '!', '?', ':', ';'])
    }
}

pub(super) fn blocks(lines: Vec<Line>, measures: &Measures) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in lines {
        // Footnotes stand between the end of a page and what goes on on the next.
        let before = blocks.iter().rev().take(20).position(|b| b.size > 0.93 * line.size);
        let before = before.map(|back| blocks.len() - 1 - back);
        let going = match (before, blocks.last()) {
            (Some(at), _) if at + 1 < blocks.len() && blocks[at].last.flow != line.flow => {
                Some(at).filter(|&at| goes_over(&blocks[at], &line, measures))
            }
            (_, Some(last)) if last.last.flow == line.flow => {
                Some(blocks.len() - 1).filter(|_| goes_on(last, &line, measures))
            }
            (_, Some(last)) => Some(blocks.len() - 1).filter(|_| goes_over(last, &line, measures)),
            (_, None) => None,
        };
        match going {
            Some(at) => {
                let block = &mut blocks[at];
                join(&mut block.text, &line.text, &measures.words);
                block.bold &= line.bold;
                block.n_lines += 1;
                block.right = block.right.max(line.x1);
                block.last = line;
            }
            None => {
                let unmarked = is_unmarked_item(blocks.last(), &line);
                let (mark, rest) = match mark(&line.text, false) {
                    Some((mark, rest)) if line.cells.is_none() => (Some(mark.to_owned()), rest.to_owned()),
                    _ if unmarked => (Some(String::new()), line.text.clone()),
                    _ => (None, line.text.clone()),
                };
                blocks.push(Block {
                    page: line.page,
                    x0: line.x0,
                    size: line.size,
                    bold: line.bold,
                    n_lines: 1,
                    right: line.x1,
                    mark,
                    text: rest,
                    cells: line.cells.clone(),
                    last: line,
                });
            }
        }
    }
    blocks
}

/// A line stands further in than the words that lead a list in, or as far in as such an item: its bullet was drawn, not written.
fn is_unmarked_item(before: Option<&Block>, line: &Line) -> bool {
    let Some(before) = before.filter(|b| line.cells.is_none() && b.cells.is_none()) else { return false };
    let further = line.x0 - before.x0;
    let leads = before.text.ends_with(':') && (1.0..6.0).contains(&(further / line.size));
    leads
        || before.mark.as_deref() == Some("")
            && further > -0.2 * line.size
            && !before.last.text.starts_with(['•', '-', '–'])
}

/// The first word of a line would have fitted at the end of the line before: what was set there ended there. Gives by how much.
fn room(before: &Line, line: &Line, block: &Block) -> f32 {
    let letters = line.text.chars().count().max(1) as f32;
    let first = line.text.split(' ').next().unwrap_or_default().chars().count() as f32;
    // Text that stands further in on the right, as beside a picture, has an edge of its own, known from its third line on.
    let right = if block.n_lines > 2 { block.right.max(line.x1) } else { before.right };
    right - before.x1 - (first * (line.x1 - line.x0) / letters + 0.4 * line.size)
}

/// The block goes on in the line below it.
fn goes_on(block: &Block, line: &Line, measures: &Measures) -> bool {
    let before = &block.last;
    let distance = (before.y - line.y) / line.size.max(0.1);
    if line.cells.is_some() || block.cells.is_some() || (line.size - before.size).abs() > 0.12 * before.size {
        return false;
    }
    if !(0.0..1.3 * measures.leading).contains(&distance) {
        return false;
    }
    let small = line.text.starts_with(char::is_lowercase);
    let finished = block.is_finished();
    if before.bold != line.bold && (finished || !small) && (before.bold && block.bold || line.bold) {
        return false;
    }
    if mark(&line.text, false).is_some() {
        let last_word = block.text.rsplit(' ').next().unwrap_or_default();
        let stands_out = line.x0 < before.x0 - 0.5 * line.size;
        if finished
            || block.mark.is_some()
            || stands_out
            || matches!(last_word, "and" | "or")
            || block.text.ends_with(',')
        {
            return false;
        }
    }
    // The first line of a paragraph stands in, but so does the second of an item.
    let stands_in = line.x0 > before.x0 + 0.8 * line.size && !(block.mark.is_some() && block.n_lines == 1);
    if stands_in && finished {
        return false;
    }
    let middle = |l: &Line| 0.5 * (l.x0 + l.x1);
    if small && (middle(before) - middle(line)).abs() < 3.0 && (before.x0 - line.x0).abs() > 3.0 {
        return true;
    }
    if small && !stands_in && !finished && block.mark.as_deref() != Some("") {
        return true;
    }
    let (width, room) = (before.right - before.left, room(before, line, block));
    // Where the text did not end as sentences do, only a line much too short is an end.
    let enough = match (finished, small) {
        (true, true) | (false, false) => 0.15,
        (true, false) => 0.0,
        (false, true) if stands_in => 0.1,
        (false, true) => 0.3,
    };
    room <= enough * width
}

/// The block goes on at the head of another column or page.
fn goes_over(block: &Block, line: &Line, measures: &Measures) -> bool {
    let other =
        block.cells.is_some() || line.cells.is_some() || block.is_heading(measures) && block.last.bold != line.bold;
    let resized = (line.size - block.size).abs() > 0.08 * block.size;
    if other || resized || block.is_finished() || mark(&line.text, false).is_some() {
        return false;
    }
    let (before, room) = (&block.last, room(&block.last, line, block));
    // Items whose bullets were drawn may begin in lower case.
    let ended = block.mark.as_deref() == Some("") && room > 0.3 * (before.right - before.left);
    !ended && line.text.starts_with(char::is_lowercase) || room <= 0.0 && line.bold == before.bold
}

/// Words that are written with a hyphen before another, and numbers that are behind one.
const COMPOUND: [&str; 7] = ["self", "well", "non", "ex", "half", "cross", "follow"];
const NUMBERS: [&str; 18] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "first", "second", "third", "fourth",
    "fifth", "sixth", "seventh", "eighth", "ninth",
];

/// Adds a line to a paragraph. A word that was divided at the end of the line is mended, unless its hyphen is its own: where the
/// document has it with the hyphen elsewhere, or it has another one.
fn join(text: &mut String, line: &str, words: &HashSet<String>) {
    let line = line.trim();
    if let Some(head) = text.strip_suffix('\u{ad}') {
        text.truncate(head.len());
    } else if let Some(head) = text.strip_suffix(['-', '\u{2010}'])
        && line.starts_with(char::is_alphabetic)
        && head.ends_with(char::is_alphabetic)
    {
        let begin = head.rsplit(char::is_whitespace).next().unwrap_or_default();
        let begin = begin.trim_start_matches(|c: char| !c.is_alphanumeric());
        let end = line.split(char::is_whitespace).next().unwrap_or_default();
        let end = end.trim_end_matches(|c: char| !c.is_alphanumeric());
        let whole = format!("{begin}{end}").to_lowercase();
        let hyphened = format!("{begin}-{end}").to_lowercase();
        let is_compound =
            COMPOUND.contains(&begin.to_lowercase().as_str()) || begin.ends_with("ty") && NUMBERS.contains(&end);
        // "Pre- and post-war": the hyphen stands for the end of a later word.
        if matches!(end, "and" | "or" | "to") {
            text.push(' ');
            return text.push_str(line);
        }
        let own = begin.contains('-')
            || end.contains('-')
            || !line.starts_with(char::is_lowercase)
            || !words.contains(&whole) && (words.contains(&hyphened) || is_compound);
        if !own {
            text.truncate(head.len());
        }
    } else if !text.is_empty() && !is_open(text, line) {
        text.push(' ');
    }
    text.push_str(line);
}

/// A number, an address or a pair of words goes on in the line behind it: `206–231–` and `3195`, `https://` and `www`, `and/` and `or`.
fn is_open(text: &str, line: &str) -> bool {
    let within = |head: &str| head.ends_with(|c: char| c.is_alphanumeric() || "/:".contains(c));
    let open = text.strip_suffix(['-', '\u{2010}', '–', '/', '@']).is_some_and(within);
    open && line.starts_with(char::is_alphanumeric)
}

/// The mark of an item, empty for a bullet, and what follows; a lone mark counts only if asked for.
pub(super) fn mark(text: &str, alone: bool) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix(['•', '‣', '◦', '▪', '■', '●']) {
        return Some(("", rest.trim_start())).filter(|(_, rest)| alone || !rest.is_empty());
    }
    let (mark, rest) = text.split_once(' ').map_or((text, ""), |(mark, rest)| (mark, rest.trim_start()));
    if rest.is_empty() && !alone {
        return None;
    }
    let is_bullet = mark.chars().all(|c| "∙·–—*-➢✓✔".contains(c)) && mark.chars().count() <= 1 || mark == "o";
    if is_bullet {
        return Some(("", rest));
    }
    let inner = mark.strip_suffix(['.', ')'])?;
    let inner = inner.strip_prefix('(').unwrap_or(inner);
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let is_letter = inner.len() == 1 && inner.bytes().all(|b| b.is_ascii_alphabetic());
    let is_roman = (1..=5).contains(&inner.len()) && inner.bytes().all(|b| b"ivxIVX".contains(&b));
    (is_letter || is_roman || inner.split('.').all(is_number)).then_some((mark, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_divided_at_line_ends_are_mended() {
        let words = HashSet::from(["use-of-force".to_owned(), "long-term".to_owned()]);
        for (text, line, expected) in [
            ("the coun-", "cil met", "the council met"),
            ("the coun\u{ad}", "cil met", "the council met"),
            ("a self-", "evident fault", "a self-evident fault"),
            ("a use-of-", "force report", "a use-of-force report"),
            ("a long-", "term plan", "a long-term plan"),
            ("the Smith-", "Jones family", "the Smith-Jones family"),
            ("twenty-", "four calls", "twenty-four calls"),
            ("from 2019 -", "or so", "from 2019 - or so"),
            ("pre-", "and post-war", "pre- and post-war"),
            ("call 206–231–", "3195", "call 206–231–3195"),
            ("Docket 2020-", "0686", "Docket 2020-0686"),
            ("at https://", "www.example.org", "at https://www.example.org"),
            ("officers and/", "or deputies", "officers and/or deputies"),
            ("a pause –", "or two", "a pause – or two"),
            ("the", "end", "the end"),
        ] {
            let mut all = text.to_owned();
            join(&mut all, line, &words);
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn marks_are_told_from_words() {
        for (text, expected) in [
            ("• Ban it", Some(("", "Ban it"))),
            ("•Ban it", Some(("", "Ban it"))),
            ("12. Ban it", Some(("12.", "Ban it"))),
            ("(b) Ban it", Some(("(b)", "Ban it"))),
            ("3.1. Ban it", Some(("3.1.", "Ban it"))),
            ("iv) Ban it", Some(("iv)", "Ban it"))),
            ("2026. It was", None),
            ("May. It was", None),
            ("A board", None),
            ("-5 degrees", None),
            ("•", None),
        ] {
            assert_eq!(mark(text, false), expected, "{text}");
        }
        assert_eq!(mark("1.", true), Some(("1.", "")));
    }
}
