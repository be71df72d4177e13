//! What stands on pages beside their text, and is dropped: running heads and feet, numbers of pages and of lines.

use super::rows::{Row, Segment};
use std::collections::HashMap;

/// Rows at the head and at the foot of a page that may run along.
const RUNNING: usize = 3;

/// Drops the rows at the head and foot that come again on other pages at the same height, whatever their digits are, and
/// those that are a page's number.
pub(super) fn drop_running(pages: &mut [Vec<Row>]) {
    let key = |row: &Row| -> String {
        let mut key = String::new();
        for word in row.text().split(' ') {
            if !key.is_empty() {
                key.push(' ');
            }
            let is_roman = word.bytes().all(|b| b"ivxlc".contains(&b));
            for c in if is_roman { "0" } else { word }.chars() {
                match c {
                    _ if !c.is_ascii_digit() => key.extend(c.to_lowercase()),
                    _ if !key.ends_with('#') => key.push('#'),
                    _ => {}
                }
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

/// So many lines, and this share of a page's, are numbered at least; a number that stands in one string with its line is believed
/// only where there are more of them.
const NUMBERED_ROWS: usize = 5;
const NUMBERED_SHARE: f32 = 0.4;
const NUMBERED_WITHIN: usize = 10;

/// Numbers of the same column begin so close to each other, in points.
const EDGE: f32 = 15.0;

/// Drops the numbers that count the lines of bills, contracts and records of courts, left of their text or right of it. Such numbers
/// go up by one, or by five, stand below each other, and beside lines that are filled as those of running text are; so those of lists
/// and tables stay. Where two pages have them, others need only have numbers in the same place.
pub(super) fn drop_line_numbers(pages: &mut [Vec<Row>]) {
    for from_right in [false, true] {
        let columns: Vec<Option<Numbers>> = pages.iter().map(|page| Numbers::of(page, from_right)).collect();
        let sound = |(numbers, page): (&Option<Numbers>, &Vec<Row>)| {
            let numbers = numbers.as_ref()?;
            (numbers.count_up() && numbers.stand_beside_text(page)).then_some(numbers.edge)
        };
        let sure: Vec<Option<f32>> = columns.iter().zip(pages.iter()).map(sound).collect();
        let mut edges: Vec<f32> = sure.iter().flatten().copied().collect();
        edges.sort_by(f32::total_cmp);
        for ((page, numbers), sure) in pages.iter_mut().zip(columns).zip(sure) {
            let Some(numbers) = numbers else { continue };
            let near = |edge: f32| edges.partition_point(|&e| e < edge);
            let elsewhere = near(numbers.edge + EDGE) - near(numbers.edge - EDGE);
            if sure.is_some() || elsewhere > 1 && 5 * numbers.ups(1) >= 4 * numbers.all.len().saturating_sub(1) {
                numbers.drop_from(page);
            }
        }
    }
}

/// The numbers that stand below each other at one side of a page.
struct Numbers {
    from_right: bool,
    /// Where most of them begin.
    edge: f32,
    /// Each with the number of its row.
    all: Vec<(usize, Number)>,
}

impl Numbers {
    fn of(page: &[Row], from_right: bool) -> Option<Self> {
        let number =
            |(at, row): (usize, &Row)| Some((at, Number::of(&row.segments[outermost(row, from_right)], from_right)?));
        let mut all: Vec<(usize, Number)> = page.iter().enumerate().filter_map(number).collect();
        let mut edges: Vec<f32> = all.iter().map(|(_, n)| n.edge).collect();
        edges.sort_by(f32::total_cmp);
        let edge = *edges.get(edges.len() / 2)?;
        all.retain(|(at, n)| (n.edge - edge).abs() < 1.5 * page[*at].size);
        Some(Self { from_right, edge, all })
    }

    /// How often one number is so much more than the one above it.
    fn ups(&self, step: u32) -> usize {
        self.all.windows(2).filter(|pair| pair[1].1.value == pair[0].1.value + step).count()
    }

    /// There are enough of them, and nearly all go up by one, or all by five.
    fn count_up(&self) -> bool {
        let least = if self.all.iter().any(|(_, n)| n.is_within) { NUMBERED_WITHIN } else { NUMBERED_ROWS };
        let pairs = self.all.len().saturating_sub(1);
        self.all.len() >= least && (10 * self.ups(1) >= 9 * pairs || self.ups(5) == pairs)
    }

    /// The rows that the numbers stand beside, or between, are filled, and not divided as those of tables are; most of the page's are
    /// numbered.
    fn stand_beside_text(&self, page: &[Row]) -> bool {
        let (Some((first, _)), Some((last, _))) = (self.all.first(), self.all.last()) else { return false };
        let mut numbers = self.all.iter().peekable();
        let (mut beside, mut between) = (Vec::new(), Vec::new());
        for (at, row) in page.iter().enumerate().take(last + 2).skip(*first) {
            let number = numbers.next_if(|(of_row, _)| *of_row == at);
            let own = usize::from(number.is_some_and(|(_, n)| !n.is_within));
            let rest = if self.from_right { &row.segments[..row.segments.len() - own] } else { &row.segments[own..] };
            if let (Some(begin), Some(end)) = (rest.first(), rest.last()) {
                let texts = if number.is_some() { &mut beside } else { &mut between };
                texts.push((rest.len(), begin.x0, end.x1));
            }
        }
        let texts: Vec<(usize, f32, f32)> = if 2 * beside.len() >= self.all.len() { beside } else { between };
        let (left, right) = texts.iter().fold((f32::MAX, f32::MIN), |all, one| (all.0.min(one.1), all.1.max(one.2)));
        let whole = texts.iter().filter(|&&(n, _, _)| n == 1).count();
        let filled = texts.iter().filter(|&&(_, _, x1)| x1 > right - 0.2 * (right - left)).count();
        let step = if self.ups(5) > self.ups(1) { 5 } else { 1 };
        let is_most = (step * self.all.len()) as f32 >= NUMBERED_SHARE * page.len() as f32;
        is_most && !texts.is_empty() && 10 * whole >= 6 * texts.len() && 2 * filled >= texts.len()
    }

    fn drop_from(self, page: &mut Vec<Row>) {
        let (mut from, mut to) = (f32::MAX, f32::MIN);
        for (at, number) in self.all {
            let row = &mut page[at];
            let outer = outermost(row, self.from_right);
            if number.is_within {
                let segment = &mut row.segments[outer];
                let rest = segment.text[number.length..].trim_start();
                // Letters are about as wide as each other.
                let (letters, left) = (segment.text.chars().count(), rest.chars().count());
                segment.x0 += (segment.x1 - segment.x0) * (letters - left) as f32 / letters as f32;
                segment.text = rest.to_owned();
            } else {
                let segment = row.segments.remove(outer);
                (from, to) = (from.min(segment.x0 - row.size), to.max(segment.x1 + row.size));
            }
        }
        // Proofs of printers have other short marks in the same place, such as `S32`; the `(1)` of an item is none.
        let is_mark = |s: &Segment| {
            s.text.len() <= 4
                && s.text.contains(|c: char| c.is_ascii_digit())
                && s.text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        for row in page.iter_mut() {
            row.segments.retain(|s| !(s.x0 >= from && s.x1 <= to && is_mark(s)));
        }
        page.retain(|row| !row.segments.is_empty());
    }
}

fn outermost(row: &Row, from_right: bool) -> usize {
    if from_right { row.segments.len() - 1 } else { 0 }
}

/// What may be the number of a line.
struct Number {
    value: u32,
    /// How many bytes it has.
    length: usize,
    /// The line stands in one string with it.
    is_within: bool,
    /// Where it begins.
    edge: f32,
}

impl Number {
    fn of(segment: &Segment, from_right: bool) -> Option<Self> {
        let length = segment.text.bytes().take_while(u8::is_ascii_digit).count();
        let value = segment.text.get(..length).filter(|_| length <= 3)?.parse().ok()?;
        let is_within = length < segment.text.len();
        let is_apart = !is_within || segment.text[length..].starts_with(' ') && !from_right;
        is_apart.then_some(Self { value, length, is_within, edge: segment.x0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of these segments, each with the place where it begins.
    fn page(rows: &[&[(f32, &str)]]) -> Vec<Row> {
        let segment = |&(x0, text): &(f32, &str)| {
            let x1 = x0 + 5.0 * text.chars().count() as f32;
            Segment { x0, x1, bold: false, text: text.to_owned() }
        };
        let row = |(at, segments): (usize, &&[(f32, &str)])| Row {
            y: 700.0 - 20.0 * at as f32,
            size: 10.0,
            segments: segments.iter().map(segment).collect(),
        };
        rows.iter().enumerate().map(row).collect()
    }

    fn texts(page: &[Row]) -> Vec<String> {
        page.iter().map(Row::text).collect()
    }

    const LINES: [&str; 6] = [
        "(a) The chief of each agency shall",
        "report to the board, not later than",
        "March 1 of each year, the number of",
        "complaints that the agency received",
        "and how each of them was settled by",
        "the agency or by the courts.",
    ];

    #[test]
    fn numbers_of_lines_are_dropped() {
        let numbers = ["1", "2", "3", "4", "5", "6"];
        let left: Vec<Vec<(f32, &str)>> =
            LINES.iter().zip(numbers).map(|(text, n)| vec![(40.0, n), (70.0, *text)]).collect();
        let right: Vec<Vec<(f32, &str)>> =
            LINES.iter().zip(numbers).map(|(text, n)| vec![(70.0, *text), (280.0, n)]).collect();
        for rows in [left, right] {
            let page = page(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let mut pages = [page];
            drop_line_numbers(&mut pages);
            assert_eq!(texts(&pages[0]), LINES);
        }
        // Beside their lines, not on them; every fifth; and in one string with them.
        let mut rows: Vec<Vec<(f32, String)>> = Vec::new();
        for (at, text) in LINES.iter().enumerate() {
            rows.push(vec![(40.0, (at + 9).to_string())]);
            rows.push(vec![(70.0, (*text).to_owned())]);
        }
        let fifths = (1..=25).map(|n| match n % 5 {
            0 => vec![(40.0, n.to_string()), (70.0, LINES[1].to_owned())],
            _ => vec![(70.0, LINES[1].to_owned())],
        });
        let within = (1..=12).map(|n| vec![(40.0, format!("{n}   {}", LINES[1]))]);
        for (rows, expected) in
            [(rows, LINES.to_vec()), (fifths.collect(), vec![LINES[1]; 25]), (within.collect(), vec![LINES[1]; 12])]
        {
            let rows: Vec<Vec<(f32, &str)>> =
                rows.iter().map(|r| r.iter().map(|(x, t)| (*x, t.as_str())).collect()).collect();
            let page = page(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let mut pages = [page];
            drop_line_numbers(&mut pages);
            assert_eq!(texts(&pages[0]), expected);
        }
    }

    #[test]
    fn marks_of_items_beside_the_numbers_stay() {
        let rows: Vec<Vec<(f32, &str)>> =
            LINES.iter().zip(["1", "2", "3", "4", "5", "6"]).map(|(text, n)| vec![(40.0, n), (70.0, *text)]).collect();
        let mut rows: Vec<&[(f32, &str)]> = rows.iter().map(Vec::as_slice).collect();
        rows.push(&[(32.0, "S32")]);
        rows.push(&[(40.0, "(1)"), (70.0, "whether force was used;")]);
        let mut pages = [page(&rows), Vec::new()];
        pages[0][0].size = 0.0;
        drop_line_numbers(&mut pages);
        let found = texts(&pages[0]);
        assert_eq!(found.last().map(String::as_str), Some("(1) whether force was used;"));
        assert!(!found.iter().any(|t| t.contains("S32")), "{found:?}");
    }

    #[test]
    fn numbers_of_lists_and_tables_stay() {
        let cities = ["Alder", "Birch", "Cedarville", "Dogwood", "Elm", "Fir Landing"];
        let numbers = ["1", "2", "3", "4", "5", "6"];
        let table: Vec<Vec<(f32, &str)>> =
            cities.iter().zip(numbers).map(|(c, n)| vec![(40.0, n), (70.0, *c), (280.0, "12 calls")]).collect();
        let list: Vec<Vec<(f32, &str)>> =
            cities.iter().zip(numbers).map(|(c, n)| vec![(40.0, n), (70.0, *c)]).collect();
        let years = ["12", "14", "31", "40", "41", "60"];
        let amounts: Vec<Vec<(f32, &str)>> =
            LINES.iter().zip(years).map(|(text, n)| vec![(40.0, n), (70.0, *text)]).collect();
        for rows in [table, list, amounts] {
            let page = page(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let before = texts(&page);
            let mut pages = [page];
            drop_line_numbers(&mut pages);
            assert_eq!(texts(&pages[0]), before);
        }
    }
}
