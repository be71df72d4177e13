//! What structured formats have in common: headings, paragraphs, items, rows and pages, one after the other → the text of a
//! document and where its parts come from.

use super::{Document, Limits, Place, ReadError};

/// A document in the making. Blocks are separated by blank lines; items begin with `- ` or their own mark, two spaces deeper a level.
pub(super) struct Outline<'l> {
    name: String,
    limits: &'l Limits,
    document: Document,
    section: Option<String>,
    page: Option<u32>,
    /// The block before was an item, so that a following item stands on the next line.
    in_list: bool,
}

impl<'l> Outline<'l> {
    /// An empty document of this name.
    pub(super) fn new(name: &str, limits: &'l Limits) -> Self {
        let document = Document { id: name.to_owned(), ..Document::default() };
        Self { name: name.to_owned(), limits, document, section: None, page: None, in_list: false }
    }

    /// The document's title, if it is not blank.
    pub(super) fn title(&mut self, title: &str) {
        self.document.title = Some(in_one_line(title)).filter(|t| !t.is_empty());
    }

    /// When it was published, as it says itself.
    pub(super) fn date(&mut self, date: &str) {
        self.document.date = Some(in_one_line(date)).filter(|d| !d.is_empty());
    }

    /// What follows stands on this page, counted from 1.
    pub(super) fn page(&mut self, number: u32) {
        self.page = Some(number);
    }

    /// A heading: a block of its own, and the section of what follows.
    pub(super) fn heading(&mut self, text: &str) -> Result<(), ReadError> {
        let text = in_one_line(text);
        if text.is_empty() {
            return Ok(());
        }
        self.section = Some(text.clone());
        self.block("", &text, false)
    }

    /// A paragraph; line breaks within are kept.
    pub(super) fn paragraph(&mut self, text: &str) -> Result<(), ReadError> {
        self.block("", text, false)
    }

    /// An item of a list, `depth` lists deep (0 is the outermost), under its own mark such as `3.` or `(a)`, or a bullet.
    pub(super) fn item(&mut self, depth: usize, mark: Option<&str>, text: &str) -> Result<(), ReadError> {
        // Deeper than anybody reads, as in hostile files, is not written deeper.
        let indent = "  ".repeat(depth.min(16));
        self.block(&format!("{indent}{} ", mark.unwrap_or("-")), &in_one_line(text), true)
    }

    /// A row of a table: its cells, those that are not blank, joined by ` | `.
    pub(super) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) -> Result<(), ReadError> {
        let cells: Vec<String> = cells.into_iter().map(in_one_line).filter(|c| !c.is_empty()).collect();
        self.block("", &cells.join(" | "), false)
    }

    fn block(&mut self, mark: &str, text: &str, item: bool) -> Result<(), ReadError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let all = &mut self.document.text;
        if !all.is_empty() {
            all.push_str(if item && self.in_list { "\n" } else { "\n\n" });
        }
        self.in_list = item;
        let (start, last) = (all.len(), self.document.places.last());
        if last.map(|p| (p.page, p.section.as_deref())).unwrap_or_default() != (self.page, self.section.as_deref()) {
            self.document.places.push(Place { start, page: self.page, section: self.section.clone() });
        }
        all.push_str(mark);
        all.push_str(text);
        self.limits.check_document(&self.name, all.len() as u64)
    }

    /// The document; one without any text is an error.
    pub(super) fn finish(self) -> Result<Document, ReadError> {
        if self.document.text.is_empty() {
            return Err(ReadError::Empty { path: self.name });
        }
        Ok(self.document)
    }
}

/// The text with each run of white space as one space.
pub(super) fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_text_with_places() {
        let limits = Limits::default();
        let mut outline = Outline::new("a.html", &limits);
        outline.title(" The\n title ");
        outline.page(1);
        outline.paragraph("Before.").expect("fits");
        outline.heading("What we\task").expect("fits");
        outline.item(0, None, "Ban\nchokeholds").expect("fits");
        outline.item(1, Some("(a)"), "all of them").expect("fits");
        outline.paragraph(" ").expect("fits");
        outline.page(2);
        outline.row(["Cost", " ", "$5"]).expect("fits");
        let document = outline.finish().expect("has text");
        assert_eq!(document.title.as_deref(), Some("The title"));
        assert_eq!(document.text, "Before.\n\nWhat we ask\n\n- Ban chokeholds\n  (a) all of them\n\nCost | $5");
        let places: Vec<_> = document.places.iter().map(|p| (p.start, p.page, p.section.as_deref())).collect();
        assert_eq!(places, [(0, Some(1), None), (9, Some(1), Some("What we ask")), (58, Some(2), Some("What we ask"))]);
        assert_eq!(document.place_of(30).and_then(|p| p.page), Some(1));
        assert_eq!(document.place_of(70).and_then(|p| p.page), Some(2));
    }

    #[test]
    fn nothing_grows_beyond_the_limit() {
        let limits = Limits { max_document_bytes: 20, ..Limits::default() };
        let mut outline = Outline::new("a.html", &limits);
        outline.paragraph("Short enough.").expect("fits");
        let error = outline.paragraph("Not any more.").expect_err("too long").to_string();
        assert_eq!(error, "a.html: is larger than 20 bytes of text; raise --max-document-bytes if that is meant");
        assert!(matches!(Outline::new("a.html", &limits).finish(), Err(ReadError::Empty { .. })));
    }
}
