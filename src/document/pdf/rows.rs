//! Pieces of text on a page → rows: what stands on the same baseline, from the head of the page to its foot.

use super::content::{APART, Piece, SPACE};
use super::paragraphs::mark;
use crate::document::outline::in_one_line;

/// A part of a row that no wide gap divides.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) bold: bool,
    pub(super) text: String,
}

/// What stands on the same baseline.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) segments: Vec<Segment>,
}

impl Row {
    pub(super) fn text(&self) -> String {
        in_one_line(&self.segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" "))
    }
}

/// Pieces by their baselines, from the head of the page to its foot.
pub(super) fn rows(mut pieces: Vec<Piece>) -> Vec<Row> {
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
