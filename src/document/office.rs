//! What word processors' formats have in common: paragraphs, tables within tables and text boxes within paragraphs → an outline.

use super::outline::{Outline, in_one_line};
use super::xml::{Node, Xml};
use super::{Document, Limits, ReadError};

/// What a paragraph is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Paragraph,
    Heading,
    /// The document's title, a heading too.
    Title,
    /// An item so many lists deep, under its own mark if it has one.
    Item(usize, Option<String>),
}

/// A paragraph, or the row of a table.
enum Block {
    Paragraph(Kind, String),
    Row(Vec<String>),
}

/// A paragraph that is being written, and what stands in its text boxes.
#[derive(Default)]
struct Open {
    text: String,
    boxes: Vec<Block>,
}

/// A document that is being written. Nothing here recurses, however deep tables and boxes are nested.
pub(super) struct Office<'l> {
    outline: Outline<'l>,
    has_title: bool,
    /// The open paragraphs; the innermost is last.
    paragraphs: Vec<Open>,
    /// The blocks of the open cells and text boxes.
    holders: Vec<Vec<Block>>,
    /// The cells of the open rows.
    rows: Vec<Vec<Vec<Block>>>,
}

impl<'l> Office<'l> {
    /// An empty document of this name.
    pub(super) fn new(name: &str, limits: &'l Limits) -> Self {
        let outline = Outline::new(name, limits);
        Self { outline, has_title: false, paragraphs: Vec::new(), holders: Vec::new(), rows: Vec::new() }
    }

    /// Opens a paragraph; one that is open already goes on when this one is closed.
    pub(super) fn open_paragraph(&mut self) {
        self.paragraphs.push(Open::default());
    }

    /// Adds to the open paragraph, if there is one.
    pub(super) fn text(&mut self, text: &str) {
        if let Some(open) = self.paragraphs.last_mut() {
            open.text.push_str(text);
        }
    }

    /// The text of the open paragraph so far.
    pub(super) fn paragraph_text(&self) -> &str {
        self.paragraphs.last().map_or("", |open| &open.text)
    }

    /// Closes the paragraph, which is of this kind.
    pub(super) fn close_paragraph(&mut self, kind: Kind) -> Result<(), ReadError> {
        let Some(open) = self.paragraphs.pop() else { return Ok(()) };
        self.place(Block::Paragraph(kind, open.text))?;
        open.boxes.into_iter().try_for_each(|block| self.place(block))
    }

    /// Closes the paragraph, a heading that may have a number.
    pub(super) fn close_heading(&mut self, number: Option<&str>) -> Result<(), ReadError> {
        if let (Some(open), Some(number)) = (self.paragraphs.last_mut(), number) {
            open.text.insert_str(0, &format!("{number} "));
        }
        self.close_paragraph(Kind::Heading)
    }

    /// Drops the open paragraph, its text boxes too.
    pub(super) fn drop_paragraph(&mut self) {
        self.paragraphs.pop();
    }

    /// Opens a text box; it comes behind the paragraph that it hangs on.
    pub(super) fn open_box(&mut self) {
        self.holders.push(Vec::new());
    }

    pub(super) fn close_box(&mut self) -> Result<(), ReadError> {
        let blocks = self.holders.pop().unwrap_or_default();
        match self.paragraphs.last_mut() {
            Some(open) => open.boxes.extend(blocks),
            None => blocks.into_iter().try_for_each(|block| self.place(block))?,
        }
        Ok(())
    }

    pub(super) fn open_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn open_cell(&mut self) {
        self.holders.push(Vec::new());
    }

    pub(super) fn close_cell(&mut self) {
        let blocks = self.holders.pop().unwrap_or_default();
        if let Some(row) = self.rows.last_mut() {
            row.push(blocks);
        }
    }

    /// Closes a row. Where a table only arranges text (one cell is filled, or a cell holds several paragraphs of sentences), its
    /// cells are read one after the other.
    pub(super) fn close_row(&mut self) -> Result<(), ReadError> {
        let cells = self.rows.pop().unwrap_or_default();
        let filled = cells.iter().filter(|cell| cell.iter().any(|b| !b.is_blank())).count();
        let arranges = filled <= 1 || cells.iter().any(|cell| cell.iter().filter(|b| b.is_finished()).count() > 1);
        if arranges {
            return cells.into_iter().flatten().try_for_each(|block| self.place(block));
        }
        let cells = cells.into_iter().map(|cell| {
            let texts: Vec<String> = cell.into_iter().map(Block::into_text).filter(|t| !t.is_empty()).collect();
            texts.join(" ")
        });
        let row = Block::Row(cells.collect());
        self.place(row)
    }

    /// The title that a document's properties tell, for one that has no paragraph that is one.
    pub(super) fn title_of(&mut self, mut properties: Xml) -> Result<(), ReadError> {
        while let Some(node) = properties.next()? {
            if let Node::Open(element) = node
                && element.name() == "title"
            {
                let title = properties.text()?;
                if !self.has_title {
                    self.outline.title(&title);
                }
            }
        }
        Ok(())
    }

    /// When it was published, as it says itself.
    pub(super) fn date(&mut self, date: &str) {
        self.outline.date(date);
    }

    pub(super) fn finish(self) -> Result<Document, ReadError> {
        self.outline.finish()
    }

    fn place(&mut self, block: Block) -> Result<(), ReadError> {
        if let Some(holder) = self.holders.last_mut() {
            holder.push(block);
            return Ok(());
        }
        match block {
            Block::Row(cells) => self.outline.row(cells.iter().map(String::as_str)),
            Block::Paragraph(Kind::Heading, text) => self.outline.heading(&text),
            Block::Paragraph(Kind::Title, text) => {
                if !self.has_title && !text.trim().is_empty() {
                    self.has_title = true;
                    self.outline.title(&text);
                }
                self.outline.heading(&text)
            }
            Block::Paragraph(Kind::Item(depth, mark), text) => self.outline.item(depth, mark.as_deref(), &text),
            Block::Paragraph(Kind::Paragraph, text) => self.outline.paragraph(&in_one_line(&text)),
        }
    }
}

impl Block {
    fn is_blank(&self) -> bool {
        match self {
            Self::Paragraph(_, text) => text.trim().is_empty(),
            Self::Row(cells) => cells.iter().all(|cell| cell.trim().is_empty()),
        }
    }

    /// A paragraph that ends as sentences do.
    fn is_finished(&self) -> bool {
        match self {
            Self::Paragraph(_, text) => text.trim_end().ends_with(['.', '!', '?', '”', '"', ':', ';']),
            Self::Row(_) => false,
        }
    }

    fn into_text(self) -> String {
        match self {
            Self::Paragraph(Kind::Item(_, Some(mark)), text) if !text.trim().is_empty() => {
                format!("{mark} {}", in_one_line(&text))
            }
            Self::Paragraph(_, text) => in_one_line(&text),
            Self::Row(cells) => in_one_line(&cells.join(" ")),
        }
    }
}

/// A number as a list counts: by the kind of digits that both formats name in their own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digits {
    Decimal,
    Letter { upper: bool },
    Roman { upper: bool },
}

impl Digits {
    /// The number, from 1, in these digits; what they cannot write is written in decimals.
    pub(super) fn write(self, number: u32) -> String {
        match self {
            Self::Letter { upper } if (1..=26 * 10).contains(&number) => {
                // After z comes aa, after zz aaa, as both formats have it.
                let letter = (b'a' + ((number - 1) % 26) as u8) as char;
                cased(letter.to_string().repeat((number as usize - 1) / 26 + 1), upper)
            }
            Self::Roman { upper } if (1..4000).contains(&number) => {
                let mut left = number;
                let mut all = String::new();
                for (value, digits) in ROMAN {
                    while left >= value {
                        all.push_str(digits);
                        left -= value;
                    }
                }
                cased(all, upper)
            }
            _ => number.to_string(),
        }
    }
}

const ROMAN: [(u32, &str); 13] = [
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
];

fn cased(text: String, upper: bool) -> String {
    if upper { text.to_ascii_uppercase() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(office: &mut Office, kind: Kind, text: &str) {
        office.open_paragraph();
        office.text(text);
        office.close_paragraph(kind).expect("fits");
    }

    #[test]
    fn boxes_come_behind_their_paragraph_and_cells_become_rows() {
        let limits = Limits::default();
        let mut office = Office::new("a.docx", &limits);
        office.open_paragraph();
        office.text("Before, ");
        office.open_box();
        paragraph(&mut office, Kind::Paragraph, "In a box.");
        office.close_box().expect("fits");
        office.text("and after.");
        office.close_paragraph(Kind::Paragraph).expect("fits");
        let cells: [&[&str]; 3] = [&["Cost", "in 2027"], &[""], &["$5"]];
        for row in [&cells[..], &[&["Alone."]], &[&["One.", "Two."], &["Three."]]] {
            office.open_row();
            for cell in row {
                office.open_cell();
                cell.iter().for_each(|text| paragraph(&mut office, Kind::Paragraph, text));
                office.close_cell();
            }
            office.close_row().expect("fits");
        }
        let text = office.finish().expect("has text").text;
        assert_eq!(text, "Before, and after.\n\nIn a box.\n\nCost in 2027 | $5\n\nAlone.\n\nOne.\n\nTwo.\n\nThree.");
    }

    #[test]
    fn a_table_in_a_cell_is_part_of_it() {
        let limits = Limits::default();
        let mut office = Office::new("a.docx", &limits);
        for _ in 0..50_000 {
            office.open_row();
            office.open_cell();
        }
        paragraph(&mut office, Kind::Paragraph, "Deep.");
        for _ in 0..50_000 {
            office.close_cell();
            office.close_row().expect("fits");
        }
        assert_eq!(office.finish().expect("has text").text, "Deep.");
    }

    #[test]
    fn numbers_are_written_as_lists_count() {
        let (letter, roman) = (Digits::Letter { upper: false }, Digits::Roman { upper: true });
        assert_eq!([1, 26, 27, 53].map(|n| letter.write(n)), ["a", "z", "aa", "aaa"]);
        assert_eq!([1, 4, 9, 1994].map(|n| roman.write(n)), ["I", "IV", "IX", "MCMXCIV"]);
        assert_eq!(Digits::Decimal.write(12), "12");
        assert_eq!([0, 4000, u32::MAX].map(|n| roman.write(n)), ["0", "4000", "4294967295"]);
    }
}
