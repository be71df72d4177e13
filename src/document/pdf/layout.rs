//! Pieces of text on pages → an outline: `rows`, without what stands in the `margins`, then `columns`, then `paragraphs`.

use super::super::outline::{Outline, in_one_line};
use super::super::{Document, Limits, ReadError};
use super::columns::{Line, order};
use super::content::Piece;
use super::margins::{drop_line_numbers, drop_running};
use super::paragraphs::{Block, Measures, blocks, mark};
use super::rows::{Row, rows};

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
    drop_line_numbers(&mut pages);
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
}
