//! Pieces of text on pages → an outline: rows, then columns, then paragraphs, without what runs along at the head and foot of pages.

use super::super::outline::{Outline, in_one_line};
use super::super::{Document, Limits, ReadError};
use super::content::{APART, Piece, SPACE};
use std::collections::{HashMap, HashSet};

/// Rows at the head and at the foot of a page that may run along.
const RUNNING: usize = 3;

/// A gap of so many sizes between parts of a row divides cells of a table, when it divides no columns.
const CELLS: f32 = 1.6;

/// Rows that columns are looked for in; a page has sixty or so.
const MAX_BAND: usize = 400;

/// What people write as columns of running text: at least so many rows, with so many letters in each, filling so much of the width.
const COLUMN_ROWS: usize = 3;
const COLUMN_LETTERS: usize = 18;
const COLUMN_FILL: f32 = 0.55;

/// Writes the outline of a document's pages.
pub(super) fn write(
    name: &str,
    limits: &Limits,
    mut pages: Vec<Vec<Piece>>,
    title: Option<String>,
) -> Result<Document, ReadError> {
    let letters = |artifact: bool| -> usize {
        pages.iter().flatten().filter(|p| p.artifact == artifact).map(|p| p.text.len()).sum()
    };
    // A file that marks most of its text as no text is wrong about it.
    if letters(true) < letters(false) {
        pages.iter_mut().for_each(|page| page.retain(|p| !p.artifact));
    }
    let mut pages: Vec<Vec<Row>> = pages.into_iter().map(rows).collect();
    drop_running(&mut pages);
    let mut lines = Vec::new();
    for (at, page) in pages.into_iter().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        order(page, number, &mut lines);
    }
    // Beside a row of a table, parts that stand close are cells too.
    for at in 0..lines.len() {
        let in_table = |other: Option<&Line>| other.is_some_and(|l| l.flow == lines[at].flow && l.cells.is_some());
        // A mark and its item are two parts of no table.
        let least = if lines[at].parts.first().is_some_and(|p| mark(p, true).is_some()) { 3 } else { 2 };
        if lines[at].parts.len() >= least
            && (in_table(at.checked_sub(1).map(|b| &lines[b])) || in_table(lines.get(at + 1)))
        {
            lines[at].cells = Some(lines[at].parts.clone());
        }
    }
    let measures = Measures::of(&lines);
    let blocks = blocks(lines, &measures);
    let mut outline = Outline::new(name, limits);
    if let Some(title) = the_title(title, &blocks, &measures) {
        outline.title(&title);
    }
    let mut marks: Vec<f32> = Vec::new();
    for block in blocks {
        outline.page(block.page);
        if block.mark.is_none() {
            marks.clear();
        }
        if let Some(cells) = &block.cells {
            outline.row(cells.iter().map(String::as_str))?;
        } else if let Some(mark) = &block.mark {
            // An item that begins further right is deeper.
            while marks.last().is_some_and(|&x| x > block.x0 + 2.0) {
                marks.pop();
            }
            if marks.last().is_none_or(|&x| x < block.x0 - 2.0) {
                marks.push(block.x0);
            }
            outline.item(marks.len() - 1, Some(mark.as_str()).filter(|m| !m.is_empty()), &block.text)?;
        } else if block.is_heading(&measures) {
            outline.heading(&block.text)?;
        } else {
            outline.paragraph(&in_one_line(&block.text))?;
        }
    }
    outline.finish()
}

/// What the file says is the title, if it stands on the first page; else what stands largest there.
fn the_title(said: Option<String>, blocks: &[Block], measures: &Measures) -> Option<String> {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let first: Vec<&Block> = blocks.iter().take_while(|b| b.page <= 1).take(50).collect();
    if let Some(said) = &said {
        let wanted = plain(said);
        if plain(&first.iter().map(|b| b.text.as_str()).collect::<String>()).contains(&wanted) {
            return Some(said.clone());
        }
    }
    let headings = first.into_iter().filter(|b| b.is_heading(measures));
    let largest = headings.reduce(|a, b| if b.size > 1.05 * a.size { b } else { a });
    largest.map(|b| b.text.clone()).or(said)
}

/// A part of a row that no wide gap divides.
#[derive(Debug, Clone)]
struct Segment {
    x0: f32,
    x1: f32,
    bold: bool,
    text: String,
}

/// What stands on the same baseline.
#[derive(Debug)]
struct Row {
    y: f32,
    size: f32,
    segments: Vec<Segment>,
}

impl Row {
    fn text(&self) -> String {
        in_one_line(&self.segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" "))
    }
}

/// Pieces by their baselines, from the head of the page to its foot.
fn rows(mut pieces: Vec<Piece>) -> Vec<Row> {
    pieces.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    // The baseline and size of the largest piece of the row so far.
    let (mut y, mut size) = (0.0, 0.0);
    for piece in pieces {
        match rows.last_mut() {
            Some(row) if y - piece.y < 0.45 * piece.size.max(size) => {
                if piece.size > size {
                    (y, size) = (piece.y, piece.size);
                }
                row.push(piece);
            }
            _ => {
                (y, size) = (piece.y, piece.size);
                rows.push(vec![piece]);
            }
        }
    }
    rows.into_iter().map(row).filter(|row| !row.segments.is_empty()).collect()
}

fn row(mut pieces: Vec<Piece>) -> Row {
    pieces.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let largest = pieces.iter().fold(&pieces[0], |a, b| if b.size > a.size { b } else { a });
    let (y, size) = (largest.y, largest.size);
    let mut segments: Vec<Segment> = Vec::new();
    let mut before: Option<Piece> = None;
    for piece in pieces {
        if let Some(before) = &before {
            // Bold letters are sometimes made by drawing them twice.
            let again = before.text == piece.text && (piece.x0 - before.x0).abs() < 0.2 * size;
            // The number of a footnote.
            let is_note = piece.size < 0.87 * size
                && piece.y > y + 0.15 * size
                && piece.x0 - before.x1 < 0.3 * size
                && piece.text.trim().chars().all(|c| c.is_ascii_digit() || "*†‡,".contains(c));
            if again || is_note {
                if let Some(last) = segments.last_mut() {
                    last.x1 = last.x1.max(piece.x1);
                }
                continue;
            }
        }
        let text = piece.text.trim_end();
        match segments.last_mut() {
            Some(last) if piece.x0 - last.x1 < APART * size => {
                let spaced = before.as_ref().is_some_and(|b| b.text.ends_with(' '));
                let is_mark = last.text.contains(|c: char| !c.is_alphabetic())
                    && mark(&last.text, true).is_some_and(|(_, rest)| rest.is_empty());
                if spaced || is_mark || text.starts_with(' ') || piece.x0 - last.x1 > SPACE * size {
                    last.text.push(' ');
                }
                last.text.push_str(text.trim_start());
                last.x1 = last.x1.max(piece.x1);
                last.bold &= piece.bold;
            }
            _ => segments.push(Segment {
                x0: piece.x0,
                x1: piece.x1,
                bold: piece.bold,
                text: text.trim_start().to_owned(),
            }),
        }
        before = Some(piece);
    }
    segments.retain(|s| !s.text.is_empty());
    Row { y, size, segments }
}

/// Drops the rows at the head and foot that come again on other pages at the same height, whatever their digits are, and
/// those that are a page's number.
fn drop_running(pages: &mut [Vec<Row>]) {
    let key = |row: &Row| -> String {
        let mut key = String::new();
        for c in row.text().chars() {
            match c {
                _ if !c.is_ascii_digit() => key.extend(c.to_lowercase()),
                _ if !key.ends_with('#') => key.push('#'),
                _ => {}
            }
        }
        key
    };
    for from_foot in [false, true] {
        let outermost = |page: &[Row], nth: usize| -> Option<(String, f32)> {
            let at = if from_foot { page.len().checked_sub(nth + 1)? } else { nth };
            page.get(at).map(|row| (key(row), row.y))
        };
        let mut heights: HashMap<String, Vec<f32>> = HashMap::new();
        for page in pages.iter() {
            for (key, y) in (0..RUNNING).filter_map(|nth| outermost(page, nth)) {
                let found = heights.entry(key).or_default();
                // More than a few hundred say nothing new.
                if found.len() < 256 {
                    found.push(y);
                }
            }
        }
        for (at, page) in pages.iter_mut().enumerate() {
            let mut n = 0;
            while let Some((key, y)) = outermost(page, n).filter(|_| n < RUNNING && n + 1 < page.len()) {
                let again =
                    heights.get(&key).map_or(0, |all| all.iter().filter(|other| (*other - y).abs() < 4.0).count());
                let is_own = || page[page.len() - 1].text() == (at + 1).to_string();
                if again < 2 && !is_page_number(&key) && !(from_foot && n == 0 && is_own()) {
                    break;
                }
                n += 1;
            }
            if from_foot {
                page.truncate(page.len() - n);
            } else {
                page.drain(..n);
            }
        }
    }
}

/// `Page 3`, `3 of 12`, `– 3 –`, where `#` is digits.
fn is_page_number(key: &str) -> bool {
    let plain: String = key.chars().filter(|c| !c.is_whitespace() && !"-–—|·".contains(*c)).collect();
    matches!(plain.as_str(), "page#" | "page#of#" | "page#/#" | "p.#" | "#of#" | "#/#") || plain == "#" && plain != key
}

/// A line of text in a column, or of a table.
#[derive(Debug)]
struct Line {
    page: u32,
    /// Lines of the same number stand below each other.
    flow: usize,
    x0: f32,
    x1: f32,
    y: f32,
    size: f32,
    bold: bool,
    text: String,
    /// What stands apart in it, if that is more than one.
    parts: Vec<String>,
    /// The parts are cells of a table.
    cells: Option<Vec<String>>,
    /// Where lines of its column begin and end.
    left: f32,
    right: f32,
}

/// Puts the rows of a page in the order in which they are read.
fn order(rows: Vec<Row>, page: u32, lines: &mut Vec<Line>) {
    let left = rows.iter().flat_map(|r| &r.segments).map(|s| s.x0).fold(f32::MAX, f32::min);
    let right = rows.iter().flat_map(|r| &r.segments).map(|s| s.x1).fold(f32::MIN, f32::max);
    let mut flow = lines.last().map_or(0, |l| l.flow + 1);
    let mut at = 0;
    while at < rows.len() {
        let (end, gaps) = band(&rows[at..], left, right);
        let end = at + end;
        if gaps.is_empty() {
            lines.push(line(&rows[at], rows[at].segments.iter(), page, flow, (left, right)));
            at += 1;
            continue;
        }
        let mut begin = f32::MIN;
        for gap in gaps.iter().copied().chain([f32::MAX]) {
            flow += 1;
            let within = |s: &&Segment| (begin..gap).contains(&(0.5 * (s.x0 + s.x1)));
            let of_column = || rows[at..end].iter().flat_map(|r| r.segments.iter()).filter(within);
            let edges = (
                of_column().map(|s| s.x0).fold(f32::MAX, f32::min),
                of_column().map(|s| s.x1).fold(f32::MIN, f32::max),
            );
            for row in &rows[at..end] {
                if row.segments.iter().any(|s| within(&s)) {
                    lines.push(line(row, row.segments.iter().filter(within), page, flow, edges));
                }
            }
            begin = gap;
        }
        flow += 1;
        at = end;
    }
}

/// How many rows from the first one on stand in columns, and the middles of the gaps between these; no gaps if they do not.
fn band(rows: &[Row], left: f32, right: f32) -> (usize, Vec<f32>) {
    let width = right - left;
    // What the rows so far cover, apart and in order.
    let mut cover: Vec<(f32, f32)> = Vec::new();
    let mut end = 0;
    for row in rows.iter().take(MAX_BAND) {
        let mut next = cover.clone();
        next.extend(row.segments.iter().map(|s| (s.x0, s.x1)));
        next.sort_by(|a, b| a.0.total_cmp(&b.0));
        next.dedup_by(|b, a| {
            let meets = b.0 < a.1 + 0.8 * row.size;
            if meets {
                a.1 = a.1.max(b.1);
            }
            meets
        });
        // A gap in the middle of the page is left, whether or not there is text on both sides of it yet.
        let edges = std::iter::once(left).chain(next.iter().map(|c| c.1));
        let begins = next.iter().map(|c| c.0).chain([right]);
        let open = edges
            .zip(begins)
            .any(|(from, to)| to - from >= 0.8 * row.size && to > left + 0.15 * width && from < right - 0.15 * width);
        if !open {
            break;
        }
        cover = next;
        end += 1;
    }
    // A short line below the columns, set apart, is not theirs.
    let n_parts = |row: &Row| cover.iter().filter(|c| row.segments.iter().any(|s| s.x0 < c.1 && s.x1 > c.0)).count();
    while end > 1
        && let (above, lowest) = (&rows[end - 2], &rows[end - 1])
        && n_parts(lowest) < 2
        && (above.y - lowest.y > 1.8 * above.size.max(lowest.size) || lowest.size > 1.12 * above.size)
    {
        end -= 1;
    }
    let is_column = |&(from, to): &(f32, f32)| {
        let of_it =
            || rows[..end].iter().flat_map(|r| &r.segments).filter(move |s| s.x0 >= from - 1.0 && s.x1 <= to + 1.0);
        let n = of_it().count();
        let letters: usize = of_it().map(|s| s.text.chars().count()).sum();
        let filled: f32 = of_it().map(|s| s.x1 - s.x0).sum();
        n >= COLUMN_ROWS && letters >= COLUMN_LETTERS * n && filled >= COLUMN_FILL * n as f32 * (to - from)
    };
    if cover.len() < 2 || !cover.iter().all(is_column) {
        return (1, Vec::new());
    }
    (end, cover.windows(2).map(|pair| 0.5 * (pair[0].1 + pair[1].0)).collect())
}

fn line<'s>(
    row: &Row,
    segments: impl Iterator<Item = &'s Segment>,
    page: u32,
    flow: usize,
    (left, right): (f32, f32),
) -> Line {
    let segments: Vec<&Segment> = segments.collect();
    let divided =
        segments.windows(2).skip(usize::from(segments.first().is_some_and(|s| mark(&s.text, true).is_some())));
    let is_table = divided.into_iter().any(|pair| pair[1].x0 - pair[0].x1 > CELLS * row.size);
    let text = segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ");
    let parts: Vec<String> = segments.iter().map(|s| s.text.clone()).collect();
    Line {
        page,
        flow,
        x0: segments.first().map_or(0.0, |s| s.x0),
        x1: segments.last().map_or(0.0, |s| s.x1),
        y: row.y,
        size: row.size,
        bold: segments.iter().all(|s| s.bold),
        text,
        cells: is_table.then(|| parts.clone()),
        parts,
        left,
        right,
    }
}

/// How the document is set.
struct Measures {
    /// The size of most of its letters.
    body: f32,
    /// From line to line, in sizes.
    leading: f32,
    /// The words that stand within lines, in lower case, with their hyphens.
    words: HashSet<String>,
}

impl Measures {
    fn of(lines: &[Line]) -> Self {
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
struct Block {
    page: u32,
    x0: f32,
    size: f32,
    bold: bool,
    n_lines: usize,
    /// Where the longest of its lines ends.
    right: f32,
    /// The mark of an item; empty for a bullet.
    mark: Option<String>,
    text: String,
    cells: Option<Vec<String>>,
    /// Its last line.
    last: Line,
}

impl Block {
    fn is_heading(&self, measures: &Measures) -> bool {
        let length = self.text.chars().count();
        let larger = self.size > 1.12 * measures.body && length <= 200;
        let bold = self.bold
            && self.size > 0.95 * measures.body
            && length <= 120
            && !self.text.ends_with(['.', ',', ';', '!', '?']);
        self.mark.is_none() && self.cells.is_none() && (larger || bold) && self.text.contains(char::is_alphabetic)
    }

    fn is_finished(&self) -> bool {
        let text = self.text.trim_end_matches(['”', '"', '’', ')', ']']);
        text.ends_with(['.', '!', '?', ':', ';'])
    }
}

fn blocks(lines: Vec<Line>, measures: &Measures) -> Vec<Block> {
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
        let own = begin.contains('-')
            || end.contains('-')
            || !line.starts_with(char::is_lowercase)
            || !words.contains(&whole) && (words.contains(&hyphened) || is_compound);
        if !own {
            text.truncate(head.len());
        }
    } else if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(line);
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

    fn piece(x0: f32, y: f32, text: &str) -> Piece {
        let x1 = x0 + 5.0 * text.chars().count() as f32;
        Piece { x0, x1, y, size: 10.0, text: text.to_owned(), ..Piece::default() }
    }

    fn text_of(pages: Vec<Vec<Piece>>) -> String {
        write("a.pdf", &Limits::default(), pages, None).expect("has text").text
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let left = [
            "The council met on Monday night and",
            "heard forty people who live near the",
            "pier. It will vote in the spring of next",
        ];
        let right = [
            "year. The chief told the members that",
            "he had not read the report, which lay",
            "before him. Nobody was very surprised.",
        ];
        let mut page =
            vec![piece(50.0, 760.0, "A report that stands above both of the columns and is as wide as the page is")];
        for (at, (left, right)) in left.into_iter().zip(right).enumerate() {
            let y = 730.0 - 12.0 * at as f32;
            page.push(piece(50.0, y, left));
            page.push(piece(280.0, y - 4.0, right));
        }
        assert_eq!(
            text_of(vec![page]),
            "A report that stands above both of the columns and is as wide as the page is\n\nThe council met on Monday night \
             and heard forty people who live near the pier. It will vote in the spring of next year. The chief told the members \
             that he had not read the report, which lay before him. Nobody was very surprised."
        );
    }

    #[test]
    fn what_runs_along_is_dropped_and_paragraphs_go_over_pages() {
        let page = |number: u32, text: &str, more: &str| {
            vec![
                piece(50.0, 800.0, "Minutes of the council"),
                piece(50.0, 750.0, text),
                piece(50.0, 738.0, more),
                piece(200.0, 40.0, &format!("{number} / 3")),
            ]
        };
        let text = text_of(vec![
            page(
                1,
                "The board may subpoena all the records that it needs,",
                "and it must publish what it finds within thirty-",
            ),
            page(
                2,
                "one days, unless a judge has said that it may not; in",
                "that case the city attorney tells the public what is",
            ),
            page(3, "left out.", "Nobody objected."),
        ]);
        assert_eq!(
            text,
            "The board may subpoena all the records that it needs, and it must publish what it finds within thirty-one days, \
             unless a judge has said that it may not; in that case the city attorney tells the public what is left out.\n\n\
             Nobody objected."
        );
    }

    #[test]
    fn tables_become_rows_and_marks_items() {
        let page = vec![
            piece(50.0, 700.0, "Measure"),
            piece(200.0, 700.0, "Cost"),
            piece(50.0, 688.0, "Board"),
            piece(200.0, 688.0, "$5"),
            piece(50.0, 650.0, "1."),
            piece(70.0, 650.0, "ban chokeholds, which nobody needs, and"),
            piece(70.0, 638.0, "which kill;"),
            piece(70.0, 626.0, "(a)"),
            piece(90.0, 626.0, "all of them"),
            piece(50.0, 614.0, "2."),
            piece(70.0, 614.0, "pay counselors"),
        ];
        let expected = "Measure | Cost\n\nBoard | $5\n\n1. ban chokeholds, which nobody needs, and which kill;\n  (a) all of them\n2. pay counselors";
        assert_eq!(text_of(vec![page]), expected);
    }

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
