//! OpenDocument texts (.odt): paragraphs, headings, lists and tables of the main text.
//!
//! Left out are headers, footers, notes, annotations, indexes such as the table of contents, what was deleted under tracking, and
//! the descriptions of images.

use super::office::{Digits, Kind, Office};
use super::xml::{Element, Node, Xml};
use super::zipped::Zipped;
use super::{Document, Limits, ReadError};
use std::collections::HashMap;

const FORMAT: &str = "ODT";
const CONTENT: &str = "content.xml";

/// Levels that a list may have. Source: OpenDocument 1.3, part 3, 19.880.
const LEVELS: usize = 10;

/// How far styles are followed to their parents.
const PARENTS: usize = 32;

/// Reads a document.
pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    let mut zipped = Zipped::open(name, FORMAT, bytes, limits)?;
    let manifest = zipped.text("META-INF/manifest.xml")?.unwrap_or_default();
    if manifest.contains("encryption-data") {
        return Err(ReadError::Locked { path: name.to_owned() });
    }
    let mut styles = Styles::default();
    if let Some(text) = zipped.text("styles.xml")? {
        styles.read(&mut Xml::new(name, FORMAT, "styles.xml", &text), false)?;
    }
    let Some(text) = zipped.text(CONTENT)? else {
        return Err(ReadError::Broken {
            path: name.to_owned(),
            format: FORMAT,
            message: format!("it has no {CONTENT}"),
        });
    };
    let mut reading = Reading {
        styles,
        lists: Vec::new(),
        items: Vec::new(),
        kept: HashMap::new(),
        office: Office::new(name, limits),
    };
    let mut xml = Xml::new(name, FORMAT, CONTENT, &text);
    reading.styles.read(&mut xml, true)?;
    reading.body(xml)?;
    drop(text);
    if let Some(text) = zipped.text("meta.xml")? {
        reading.office.title_of(Xml::new(name, FORMAT, "meta.xml", &text))?;
    }
    reading.office.finish()
}

/// One level of a list.
#[derive(Debug, Clone)]
struct Level {
    /// `None` is a bullet.
    digits: Option<Digits>,
    prefix: String,
    suffix: String,
    start: u32,
    /// How many levels' numbers the mark shows.
    shown: usize,
}

type ListLevels = Vec<Level>;

#[derive(Debug, Default)]
struct Styles {
    /// Paragraph styles → the styles that they are based on, and the names that people see.
    paragraphs: HashMap<String, (Option<String>, String)>,
    lists: HashMap<String, ListLevels>,
}

impl Styles {
    /// Reads styles, up to the body of the document if it has one.
    fn read(&mut self, xml: &mut Xml, up_to_body: bool) -> Result<(), ReadError> {
        let mut list: Option<String> = None;
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else { continue };
            let value = |name: &str| element.attribute(name);
            match element.name() {
                "body" if up_to_body => break,
                "style" if value("family").as_deref() == Some("paragraph") => {
                    let name = value("name").unwrap_or_default();
                    let seen = value("display-name").unwrap_or_else(|| name.clone());
                    self.paragraphs.insert(name, (value("parent-style-name"), seen));
                }
                "list-style" | "outline-style" => {
                    list = value("name");
                    if let Some(name) = &list {
                        self.lists.insert(name.clone(), Vec::new());
                    }
                }
                kind @ ("list-level-style-number" | "list-level-style-bullet" | "list-level-style-image") => {
                    let Some(levels) = list.as_ref().and_then(|name| self.lists.get_mut(name)) else { continue };
                    let at = value("level").and_then(|l| l.parse().ok()).unwrap_or(LEVELS + 1);
                    if !(1..=LEVELS).contains(&at) {
                        continue;
                    }
                    let bullet =
                        Level { digits: None, prefix: String::new(), suffix: String::new(), start: 1, shown: 1 };
                    if levels.len() < at {
                        levels.resize(at, bullet);
                    }
                    let number = |name: &str| value(name).and_then(|v| v.parse::<u32>().ok());
                    let digits = if kind == "list-level-style-number" { digits(&value("num-format")) } else { None };
                    levels[at - 1] = Level {
                        digits,
                        prefix: value("num-prefix").unwrap_or_default(),
                        suffix: value("num-suffix").unwrap_or_default(),
                        start: number("start-value").unwrap_or(1),
                        shown: number("display-levels").map_or(1, |n| (n as usize).clamp(1, LEVELS)),
                    };
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A paragraph of this style is the document's title.
    fn is_title(&self, style: &str) -> bool {
        let mut style = Some(style);
        for _ in 0..PARENTS {
            let Some(name) = style else { return false };
            let (parent, seen) = match self.paragraphs.get(name) {
                Some((parent, seen)) => (parent.as_deref(), seen.as_str()),
                None => (None, name),
            };
            if name == "Title" || seen == "Title" {
                return true;
            }
            style = parent;
        }
        false
    }
}

/// Digits by how they are named; others give `None`. Source: OpenDocument 1.3, part 3, 20.322.
fn digits(format: &Option<String>) -> Option<Digits> {
    match format.as_deref()? {
        "1" => Some(Digits::Decimal),
        "a" => Some(Digits::Letter { upper: false }),
        "A" => Some(Digits::Letter { upper: true }),
        "i" => Some(Digits::Roman { upper: false }),
        "I" => Some(Digits::Roman { upper: true }),
        _ => None,
    }
}

/// An open list.
struct List {
    /// Its style, or that of the list around it.
    style: Option<String>,
    /// The items counted so far; `None` before the first.
    count: Option<u32>,
}

/// What must be seen again when it closes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Other,
    Paragraph(Shape),
    Row,
    Cell,
    TextBox,
    List,
    Item,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    Title,
    Heading,
}

struct Reading<'l> {
    styles: Styles,
    lists: Vec<List>,
    /// For each open item, whether its first paragraph is still to come.
    items: Vec<bool>,
    /// How far lists of a style have counted, for those that go on.
    kept: HashMap<String, u32>,
    office: Office<'l>,
}

impl Reading<'_> {
    fn body(&mut self, mut xml: Xml) -> Result<(), ReadError> {
        let mut open: Vec<Part> = Vec::new();
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) => match self.enter(&element) {
                    Some(part) => open.push(part),
                    None => xml.skip()?,
                },
                Node::Close => self.leave(open.pop().unwrap_or(Part::Other))?,
                // Line ends in the file are white space; spaces that count are elements.
                Node::Text(text) => self.office.text(&text),
            }
        }
        Ok(())
    }

    /// An element opens: what it is, `None` for one that is to be passed over.
    fn enter(&mut self, element: &Element) -> Option<Part> {
        Some(match element.name() {
            "note" | "annotation" | "tracked-changes" | "table-of-content" | "illustration-index" | "table-index"
            | "object-index" | "user-index" | "alphabetical-index" | "bibliography" | "forms" | "ruby-text"
            | "hidden-text" | "hidden-paragraph" | "binary-data" | "event-listeners" => return None,
            // Of an image; a field of this name shows the document's title.
            "title" | "desc" if element.has_prefix("svg") => return None,
            name @ ("p" | "h") => {
                let style = element.attribute("style-name").unwrap_or_default();
                self.office.open_paragraph();
                Part::Paragraph(match name {
                    _ if self.styles.is_title(&style) => Shape::Title,
                    "h" => Shape::Heading,
                    _ => Shape::Plain,
                })
            }
            "s" | "tab" | "line-break" => {
                self.office.text(" ");
                Part::Other
            }
            "table-row" => {
                self.office.open_row();
                Part::Row
            }
            "table-cell" => {
                self.office.open_cell();
                Part::Cell
            }
            "text-box" => {
                self.office.open_box();
                Part::TextBox
            }
            "list" => {
                let around = self.lists.last().and_then(|list| list.style.clone());
                let style = element.attribute("style-name").or(around);
                let goes_on = element.attribute("continue-numbering").as_deref() == Some("true")
                    || element.attribute("continue-list").is_some();
                let count = style.as_ref().filter(|_| goes_on).and_then(|s| self.kept.get(s).copied());
                self.lists.push(List { style, count });
                Part::List
            }
            "list-item" => {
                let level = self.level();
                if let Some(list) = self.lists.last_mut() {
                    let start = element.attribute("start-value").and_then(|v| v.parse().ok());
                    let first = level.map_or(1, |l| l.start);
                    list.count = Some(start.unwrap_or(list.count.map_or(first, |n| n.saturating_add(1))));
                }
                self.items.push(true);
                Part::Item
            }
            "list-header" => {
                self.items.push(false);
                Part::Item
            }
            _ => Part::Other,
        })
    }

    /// The level that the innermost list is of.
    fn level(&self) -> Option<Level> {
        let style = self.lists.last()?.style.as_ref()?;
        self.styles.lists.get(style)?.get(self.lists.len() - 1).cloned()
    }

    /// The mark of the open item; `None` for a bullet.
    fn mark(&self) -> Option<String> {
        let level = self.level()?;
        let levels = self.styles.lists.get(self.lists.last()?.style.as_ref()?)?;
        level.digits?;
        let depth = self.lists.len();
        let numbers = (depth.saturating_sub(level.shown)..depth).filter_map(|at| {
            let digits = levels.get(at)?.digits?;
            Some(digits.write(self.lists[at].count.unwrap_or(1)))
        });
        let numbers: Vec<String> = numbers.collect();
        Some(format!("{}{}{}", level.prefix, numbers.join("."), level.suffix).trim().to_owned())
    }

    fn leave(&mut self, part: Part) -> Result<(), ReadError> {
        match part {
            Part::Paragraph(shape) => {
                let first = self.items.last().copied().unwrap_or(false);
                let blank = self.office.paragraph_text().trim().is_empty();
                if !blank && let Some(item) = self.items.last_mut() {
                    *item = false;
                }
                match shape {
                    Shape::Title => self.office.close_paragraph(Kind::Title),
                    Shape::Heading => self.office.close_heading(first.then(|| self.mark()).flatten().as_deref()),
                    Shape::Plain if first => {
                        let kind = Kind::Item(self.lists.len().saturating_sub(1), self.mark());
                        self.office.close_paragraph(kind)
                    }
                    Shape::Plain => self.office.close_paragraph(Kind::Paragraph),
                }
            }
            Part::Cell => {
                self.office.close_cell();
                Ok(())
            }
            Part::Row => self.office.close_row(),
            Part::TextBox => self.office.close_box(),
            Part::List => {
                if let Some(List { style: Some(style), count: Some(count) }) = self.lists.pop() {
                    self.kept.insert(style, count);
                }
                Ok(())
            }
            Part::Item => {
                self.items.pop();
                Ok(())
            }
            Part::Other => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::zipped::tests::archive;
    use super::*;

    const STYLES: &str = r#"<office:automatic-styles>
        <style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>
        <text:list-style style:name="L1">
        <text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>
        <text:list-level-style-number text:level="2" style:num-format="a" style:num-prefix="(" style:num-suffix=")" text:display-levels="2"/>
        <text:list-level-style-bullet text:level="3" text:bullet-char="x"/></text:list-style></office:automatic-styles>"#;

    fn document(body: &str) -> Vec<u8> {
        let content = format!(
            "<office:document-content xmlns:office='o' xmlns:text='t' xmlns:style='s' xmlns:svg='v' xmlns:draw='d' xmlns:table='b'>\
             {STYLES}<office:body><office:text>{body}</office:text></office:body></office:document-content>"
        );
        let meta = b"<office:document-meta xmlns:office='o' xmlns:dc='c'><dc:title>Of the file</dc:title></office:document-meta>";
        archive(&[("content.xml", content.as_bytes()), ("meta.xml", meta)])
    }

    fn read_body(body: &str) -> Document {
        read("a.odt", &document(body), &Limits::default()).expect("readable")
    }

    #[test]
    fn titles_are_told_by_style_or_by_the_file() {
        assert_eq!(read_body("<text:p>Text.</text:p>").title.as_deref(), Some("Of the file"));
        let found =
            read_body("<text:p text:style-name='P1'>The <text:span>title</text:span></text:p><text:h>Part</text:h>");
        assert_eq!((found.title.as_deref(), found.text.as_str()), (Some("The title"), "The title\n\nPart"));
        assert_eq!(found.places.last().and_then(|p| p.section.as_deref()), Some("Part"));
    }

    #[test]
    fn lists_are_counted() {
        let item = |text: &str, more: &str| format!("<text:list-item><text:p>{text}</text:p>{more}</text:list-item>");
        let list = |items: &str| format!("<text:list>{items}</text:list>");
        let deepest = list(&item("deepest", ""));
        let inner = list(&(item("one", "") + &item("two", &deepest)));
        let body = format!(
            "<text:list text:style-name='L1'>{}{}</text:list><text:p>Between.</text:p>\
             <text:list text:style-name='L1' text:continue-numbering='true'>{}</text:list>\
             <text:list text:style-name='L1'>{}</text:list><text:list>{}</text:list>",
            item("first", &(inner + "<text:p>More of it.</text:p>")),
            item("second", ""),
            item("third", ""),
            item("anew", ""),
            item("plain", "")
        );
        let expected = "1. first\n  (1.a) one\n  (1.b) two\n    - deepest\n\nMore of it.\n\n2. second\n\nBetween.\n\n3. third\n1. anew\n- plain";
        assert_eq!(read_body(&body).text, expected);
    }

    #[test]
    fn what_is_no_text_is_dropped() {
        for (body, expected) in [
            ("<text:p>One<text:s text:c='3'/>two<text:tab/>three<text:line-break/>four</text:p>", "One two three four"),
            (
                "<text:p>Said<text:note><text:note-body><text:p>No.</text:p></text:note-body></text:note>.</text:p>",
                "Said.",
            ),
            ("<text:tracked-changes><text:p>Deleted.</text:p></text:tracked-changes><text:p>Kept.</text:p>", "Kept."),
            ("<text:table-of-content><text:p>Part 1</text:p></text:table-of-content><text:p>Kept.</text:p>", "Kept."),
            (
                "<text:p><draw:frame><svg:title>Alt</svg:title></draw:frame><text:title>Field</text:title></text:p>",
                "Field",
            ),
            (
                "<text:p>Around<draw:frame><draw:text-box><text:p>In the box.</text:p></draw:text-box></draw:frame> it.</text:p>",
                "Around it.\n\nIn the box.",
            ),
            (
                "<table:table><table:table-row><table:table-cell><text:p>Cost</text:p></table:table-cell>\
                 <table:table-cell><text:p>$5</text:p></table:table-cell></table:table-row></table:table>",
                "Cost | $5",
            ),
        ] {
            assert_eq!(read_body(body).text, expected, "{body}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |bytes: &[u8]| read("a.odt", bytes, &Limits::default()).expect_err("unreadable").to_string();
        let manifest: &[u8] = b"<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
        let locked = archive(&[("META-INF/manifest.xml", manifest), ("content.xml", b"\x12\x34")]);
        assert_eq!(error(&locked), "a.odt: is locked by a password; save it without one");
        assert_eq!(error(&archive(&[])), "a.odt: is no sound ODT: it has no content.xml");
        assert_eq!(error(&document("")), "a.odt: is empty");
        let cut = archive(&[("content.xml", b"<office:document-content><office:body>")]);
        assert_eq!(error(&cut), "a.odt: is no sound ODT: content.xml breaks off");
    }
}
