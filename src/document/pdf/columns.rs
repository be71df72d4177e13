//! Rows of a page → lines in the order in which they are read: column by column, and cells of tables.

use super::paragraphs::mark;
use super::rows::{Row, Segment};

/// A gap of so many sizes between parts of a row divides cells of a table, when it divides no columns.
const CELLS: f32 = 1.6;

/// Rows that columns are looked for in; a page has sixty or so.
const MAX_BAND: usize = 400;

/// What people write as columns of running text: at least so many rows, with so many letters in each, filling so much of the width.
const COLUMN_ROWS: usize = 3;
const COLUMN_LETTERS: usize = 18;
const COLUMN_FILL: f32 = 0.55;

/// A line of text in a column, or of a table.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) page: u32,
    /// Lines of the same number stand below each other.
    pub(super) flow: usize,
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) text: String,
    /// What stands apart in it, if that is more than one.
    pub(super) parts: Vec<String>,
    /// The parts are cells of a table.
    pub(super) cells: Option<Vec<String>>,
    /// Where lines of its column begin and end.
    pub(super) left: f32,
    pub(super) right: f32,
}

/// Puts the rows of a page in the order in which they are read.
pub(super) fn order(rows: Vec<Row>, page: u32, lines: &mut Vec<Line>) {
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
