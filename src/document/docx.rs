//! Word documents (.docx): paragraphs, headings, lists and tables of the main text.
//!
//! Left out are headers, footers, foot- and endnotes and comments (which stand in parts of their own), tables of contents, deleted
//! and hidden text, field codes, and the second copy that Word keeps of text boxes for older programs.

use super::office::{Digits, Kind, Office};
use super::xml::{Element, Node, Xml};
use super::zipped::Zipped;
use super::{Document, Limits, ReadError};
use std::collections::{HashMap, HashSet};

const FORMAT: &str = "DOCX";
const DOCUMENT: &str = "word/document.xml";

/// Levels that a list may have. Source: ECMA-376, part 1, 17.9.6.
const LEVELS: usize = 9;

/// How far styles are followed to those that they are based on; nobody's go deeper, and those of a circle have no end.
const BASES: usize = 32;

/// Reads a document.
pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(of_compound_file(name, bytes));
    }
    let mut zipped = Zipped::open(name, FORMAT, bytes, limits)?;
    let styles = match zipped.text("word/styles.xml")? {
        Some(text) => Styles::read(Xml::new(name, FORMAT, "word/styles.xml", &text))?,
        None => Styles::default(),
    };
    let lists = match zipped.text("word/numbering.xml")? {
        Some(text) => Lists::read(Xml::new(name, FORMAT, "word/numbering.xml", &text))?,
        None => Lists::default(),
    };
    let Some(text) = zipped.text(DOCUMENT)? else {
        return Err(ReadError::Broken {
            path: name.to_owned(),
            format: FORMAT,
            message: format!("it has no {DOCUMENT}"),
        });
    };
    let mut reading =
        Reading { styles, lists, paragraphs: Vec::new(), joined: String::new(), office: Office::new(name, limits) };
    reading.document(Xml::new(name, FORMAT, DOCUMENT, &text))?;
    drop(text);
    if let Some(text) = zipped.text("docProps/core.xml")? {
        reading.office.title_of(Xml::new(name, FORMAT, "docProps/core.xml", &text))?;
    }
    reading.office.finish()
}

/// A compound file is what Word wraps a document in that has a password, and what documents were before 2007.
fn of_compound_file(name: &str, bytes: &[u8]) -> ReadError {
    let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(encrypted.len()).any(|w| w == encrypted) {
        return ReadError::Locked { path: name.to_owned() };
    }
    ReadError::Broken {
        path: name.to_owned(),
        format: FORMAT,
        message: "it is a Word document of the older kind; save it as .docx".to_owned(),
    }
}

/// A property that is on unless it says that it is off.
fn is_on(element: &Element) -> bool {
    !matches!(element.attribute("val").as_deref(), Some("0" | "false" | "off"))
}

/// What paragraphs and styles can say of themselves.
#[derive(Debug, Clone, Default)]
struct Properties {
    /// The level of the outline: 0 to 8 are headings.
    outline: Option<u8>,
    /// The list, 0 for none, and the level in it.
    list: Option<u32>,
    level: Option<usize>,
}

impl Properties {
    /// Takes note of a property; says whether the element was one.
    fn note(&mut self, element: &Element) -> bool {
        let value = || element.attribute("val");
        match element.name() {
            "outlineLvl" => self.outline = value().and_then(|v| v.parse().ok()),
            "numId" => self.list = value().and_then(|v| v.parse().ok()),
            "ilvl" => self.level = value().and_then(|v| v.parse().ok()),
            _ => return false,
        }
        true
    }

    /// What is not said here is as it is there.
    fn or(self, there: &Self) -> Self {
        Self {
            outline: self.outline.or(there.outline),
            list: self.list.or(there.list),
            level: self.level.or(there.level),
        }
    }
}

/// Which role a paragraph's style has beyond its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Heading,
    Title,
    Date,
    Contents,
}

impl Role {
    /// Names of built-in styles are English in files, whatever language the program speaks.
    fn of_name(name: &str) -> Self {
        let name = name.to_lowercase();
        match name.as_str() {
            "title" => Self::Title,
            "date" => Self::Date,
            "toc heading" | "contents heading" => Self::Contents,
            _ if name.strip_prefix("toc ").or(name.strip_prefix("contents ")).is_some_and(is_number) => Self::Contents,
            "heading" => Self::Heading,
            _ if name.strip_prefix("heading ").is_some_and(is_number) => Self::Heading,
            _ => Self::Plain,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[derive(Debug, Default)]
struct Style {
    name: String,
    base: Option<String>,
    properties: Properties,
}

#[derive(Debug, Default)]
struct Styles {
    by_id: HashMap<String, Style>,
    /// The style of paragraphs that name none.
    default: Option<String>,
}

impl Styles {
    fn read(mut xml: Xml) -> Result<Self, ReadError> {
        let mut styles = Self::default();
        let mut current: Option<(String, Style)> = None;
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else { continue };
            match element.name() {
                "style" => {
                    styles.by_id.extend(current.take());
                    if element.attribute("type").as_deref() == Some("paragraph") {
                        let id = element.attribute("styleId").unwrap_or_default();
                        if matches!(element.attribute("default").as_deref(), Some("1" | "true" | "on")) {
                            styles.default = Some(id.clone());
                        }
                        current = Some((id, Style::default()));
                    }
                }
                "name" => {
                    if let Some((_, style)) = &mut current {
                        style.name = element.attribute("val").unwrap_or_default();
                    }
                }
                "basedOn" => {
                    if let Some((_, style)) = &mut current {
                        style.base = element.attribute("val");
                    }
                }
                _ => {
                    if let Some((_, style)) = &mut current {
                        style.properties.note(&element);
                    }
                }
            }
        }
        styles.by_id.extend(current);
        Ok(styles)
    }

    /// The role and properties of a style, with those of the styles that it is based on.
    fn resolve(&self, id: Option<&str>) -> (Role, Properties) {
        let (mut role, mut properties) = (Role::Plain, Properties::default());
        let mut id = id.or(self.default.as_deref());
        for _ in 0..BASES {
            let Some(style) = id.and_then(|id| self.by_id.get(id)) else { break };
            if role == Role::Plain {
                role = Role::of_name(&style.name);
            }
            properties = properties.or(&style.properties);
            id = style.base.as_deref();
        }
        (role, properties)
    }
}

/// One level of a list.
#[derive(Debug, Clone)]
struct Level {
    /// `None` is a bullet.
    digits: Option<Digits>,
    /// What stands around the numbers, `%1` for that of the outermost level and so on.
    text: String,
    start: u32,
}

impl Default for Level {
    fn default() -> Self {
        Self { digits: None, text: String::new(), start: 1 }
    }
}

type ListLevels = [Level; LEVELS];

#[derive(Debug, Default)]
struct Lists {
    /// Definitions, by their ids.
    defined: HashMap<u32, ListLevels>,
    /// The lists that paragraphs name → their definitions, and the levels that begin anew.
    lists: HashMap<u32, (u32, [Option<u32>; LEVELS])>,
    /// How far each definition has counted; lists of the same definition go on counting, unless they begin anew.
    counts: HashMap<u32, [Option<u32>; LEVELS]>,
    begun: HashSet<u32>,
}

impl Lists {
    fn read(mut xml: Xml) -> Result<Self, ReadError> {
        let mut lists = Self::default();
        let (mut definition, mut list, mut level) = (None, None, 0);
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else { continue };
            let number = |name: &str| element.attribute(name).and_then(|v| v.parse::<u32>().ok());
            match element.name() {
                "abstractNum" => {
                    definition = number("abstractNumId");
                    list = None;
                    if let Some(id) = definition {
                        lists.defined.insert(id, ListLevels::default());
                    }
                }
                "num" => {
                    list = number("numId");
                    definition = None;
                }
                "abstractNumId" => {
                    if let (Some(list), Some(id)) = (list, number("val")) {
                        lists.lists.insert(list, (id, [None; LEVELS]));
                    }
                }
                "lvl" | "lvlOverride" => level = number("ilvl").map_or(LEVELS, |l| l as usize),
                "startOverride" => {
                    let begins = list.and_then(|list| lists.lists.get_mut(&list)).and_then(|l| l.1.get_mut(level));
                    if let Some(begins) = begins {
                        *begins = number("val");
                    }
                }
                name @ ("start" | "numFmt" | "lvlText") => {
                    let found = definition.and_then(|id| lists.defined.get_mut(&id)).and_then(|d| d.get_mut(level));
                    let Some(found) = found else { continue };
                    match name {
                        "start" => found.start = number("val").unwrap_or(1),
                        "numFmt" => found.digits = digits(&element.attribute("val").unwrap_or_default()),
                        _ => found.text = element.attribute("val").unwrap_or_default(),
                    }
                }
                _ => {}
            }
        }
        Ok(lists)
    }

    /// Counts an item of a list; gives its mark, `None` for a bullet.
    fn count(&mut self, list: u32, level: usize) -> Option<String> {
        let (definition, begins) = self.lists.get(&list)?;
        let levels = self.defined.get(definition)?;
        let counts = self.counts.entry(*definition).or_default();
        if self.begun.insert(list) && begins.iter().any(Option::is_some) {
            *counts = [None; LEVELS];
        }
        let level = level.min(LEVELS - 1);
        let start = |at: usize| begins[at].unwrap_or(levels[at].start);
        counts[level] = Some(counts[level].map_or(start(level), |n| n.saturating_add(1)));
        counts[level + 1..].fill(None);
        levels[level].digits?;
        let mut mark = String::new();
        let mut rest = levels[level].text.chars().take(100);
        while let Some(c) = rest.next() {
            let at = if c == '%' { rest.next() } else { None };
            match at.and_then(|c| c.to_digit(10)) {
                Some(at @ 1..=9) => {
                    let at = at as usize - 1;
                    let digits = levels[at].digits.unwrap_or(Digits::Decimal);
                    mark.push_str(&digits.write(counts[at].unwrap_or_else(|| start(at))));
                }
                _ => mark.extend([c].into_iter().chain(at)),
            }
        }
        Some(mark.trim().to_owned()).filter(|m| m.contains(char::is_alphanumeric))
    }
}

/// Digits by their name; others, and bullets, give `None`. Source: ECMA-376, part 1, 17.18.59.
fn digits(name: &str) -> Option<Digits> {
    match name {
        "decimal" | "decimalZero" | "ordinal" => Some(Digits::Decimal),
        "lowerLetter" => Some(Digits::Letter { upper: false }),
        "upperLetter" => Some(Digits::Letter { upper: true }),
        "lowerRoman" => Some(Digits::Roman { upper: false }),
        "upperRoman" => Some(Digits::Roman { upper: true }),
        _ => None,
    }
}

/// What an open paragraph says of itself.
#[derive(Default)]
struct Paragraph {
    style: Option<String>,
    properties: Properties,
    /// Its end was deleted, so that the next paragraph goes on in it.
    end_deleted: bool,
}

struct Reading<'l> {
    styles: Styles,
    lists: Lists,
    /// The open paragraphs; the innermost is last.
    paragraphs: Vec<Paragraph>,
    /// The text of paragraphs whose end was deleted.
    joined: String,
    office: Office<'l>,
}

/// Elements that must be seen again when they close; of all others the closing says nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Other,
    Paragraph,
    /// The properties of a paragraph.
    Properties,
    Run {
        hidden: bool,
    },
    RunProperties,
    Text,
    Row,
    Cell,
    TextBox,
}

impl Reading<'_> {
    fn document(&mut self, mut xml: Xml) -> Result<(), ReadError> {
        let mut open: Vec<Part> = Vec::new();
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) => match self.enter(&element, &mut open)? {
                    Some(entered) => open.push(entered),
                    None => xml.skip()?,
                },
                Node::Close => self.leave(open.pop().unwrap_or(Part::Other))?,
                Node::Text(text) => {
                    if let [.., Part::Run { hidden: false }, Part::Text] = open[..] {
                        self.office.text(&text);
                    }
                }
            }
        }
        Ok(())
    }

    /// An element opens: what it is, `None` for one that is to be passed over.
    fn enter(&mut self, element: &Element, open: &mut [Part]) -> Result<Option<Part>, ReadError> {
        Ok(Some(match element.name() {
            "rPr" => Part::RunProperties,
            // In properties of a paragraph, this is said of its end.
            "del" if open.ends_with(&[Part::Properties, Part::RunProperties]) => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.end_deleted = true;
                }
                Part::Other
            }
            "vanish" => {
                if let [.., Part::Run { hidden }, Part::RunProperties] = open {
                    *hidden = is_on(element);
                }
                Part::Other
            }
            "del" | "moveFrom" | "Fallback" | "instrText" | "delText" | "delInstrText" | "rt" | "sectPr" => {
                return Ok(None);
            }
            "p" => {
                self.paragraphs.push(Paragraph::default());
                self.office.open_paragraph();
                if self.paragraphs.len() == 1 {
                    self.office.text(&std::mem::take(&mut self.joined));
                }
                Part::Paragraph
            }
            "pPr" => Part::Properties,
            // What a paragraph was before a tracked change.
            "pPrChange" | "rPrChange" | "tabs" => return Ok(None),
            "r" => Part::Run { hidden: false },
            "t" => Part::Text,
            "tab" | "br" | "cr" | "ptab" => {
                self.office.text(" ");
                Part::Other
            }
            "noBreakHyphen" => {
                self.office.text("-");
                Part::Other
            }
            "tr" => {
                self.office.open_row();
                Part::Row
            }
            "tc" => {
                self.office.open_cell();
                Part::Cell
            }
            "txbxContent" => {
                self.office.open_box();
                Part::TextBox
            }
            name => {
                if let Some(paragraph) = self.paragraphs.last_mut()
                    && open.iter().rev().take(2).any(|part| *part == Part::Properties)
                {
                    if name == "pStyle" {
                        paragraph.style = element.attribute("val");
                    } else {
                        paragraph.properties.note(element);
                    }
                }
                Part::Other
            }
        }))
    }

    fn leave(&mut self, element: Part) -> Result<(), ReadError> {
        match element {
            Part::Paragraph => self.close_paragraph(),
            Part::Cell => {
                self.office.close_cell();
                Ok(())
            }
            Part::Row => self.office.close_row(),
            Part::TextBox => self.office.close_box(),
            _ => Ok(()),
        }
    }

    fn close_paragraph(&mut self) -> Result<(), ReadError> {
        let paragraph = self.paragraphs.pop().unwrap_or_default();
        let (role, of_style) = self.styles.resolve(paragraph.style.as_deref());
        let own = paragraph.properties.or(&of_style);
        if paragraph.end_deleted && self.paragraphs.is_empty() {
            self.joined = self.office.paragraph_text().to_owned();
            self.office.drop_paragraph();
            return Ok(());
        }
        let level = own.level.unwrap_or(0);
        let list = own.list.filter(|&list| list > 0);
        let mark = list.and_then(|list| self.lists.count(list, level));
        let is_heading = own.outline.map_or(role == Role::Heading, |level| level < 9);
        match role {
            Role::Contents => {
                self.office.drop_paragraph();
                return Ok(());
            }
            Role::Date => {
                let date = self.office.paragraph_text().to_owned();
                self.office.date(&date);
            }
            Role::Title => return self.office.close_paragraph(Kind::Title),
            Role::Plain | Role::Heading => {}
        }
        if is_heading {
            return self.office.close_heading(mark.as_deref());
        }
        let kind = if list.is_some() { Kind::Item(level, mark) } else { Kind::Paragraph };
        self.office.close_paragraph(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::super::zipped::tests::archive;
    use super::*;

    const STYLES: &str = r#"<w:styles xmlns:w="w">
        <w:style w:type="paragraph" w:styleId="Normal" w:default="1"><w:name w:val="Normal"/></w:style>
        <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/></w:style>
        <w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Own"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
        <w:style w:type="paragraph" w:styleId="Own2"><w:name w:val="Own 2"/><w:basedOn w:val="Own"/></w:style>
        <w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
        <w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>
        <w:style w:type="paragraph" w:styleId="Ring"><w:name w:val="Ring"/><w:basedOn w:val="Ring"/></w:style>
        <w:style w:type="paragraph" w:styleId="Clause"><w:name w:val="Clause"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
        </w:styles>"#;
    const NUMBERING: &str = r#"<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="7">
        <w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
        <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%1%2)"/></w:lvl>
        <w:lvl w:ilvl="2"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl></w:abstractNum>
        <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>
        <w:num w:numId="2"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>
        </w:numbering>"#;

    fn document(body: &str) -> Vec<u8> {
        let body = format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
        archive(&[
            ("word/styles.xml", STYLES.as_bytes()),
            ("word/numbering.xml", NUMBERING.as_bytes()),
            ("word/document.xml", body.as_bytes()),
            (
                "docProps/core.xml",
                b"<cp:coreProperties xmlns:dc='d' xmlns:cp='c'><dc:title>Of the file</dc:title></cp:coreProperties>",
            ),
        ])
    }

    fn read_body(body: &str) -> Result<Document, ReadError> {
        read("a.docx", &document(body), &Limits::default())
    }

    fn text_of(body: &str) -> String {
        read_body(body).expect("readable").text
    }

    /// A paragraph with these properties.
    fn p(properties: &str, text: &str) -> String {
        format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    }

    fn item(list: u32, level: u32, text: &str) -> String {
        p(&format!("<w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='{list}'/></w:numPr>"), text)
    }

    #[test]
    fn headings_are_told_by_level_or_name_in_any_language() {
        for (style, is_heading) in
            [("berschrift1", true), ("Own", true), ("Own2", true), ("Normal", false), ("Ring", false)]
        {
            let found = read_body(&p(&format!("<w:pStyle w:val='{style}'/>"), "Words")).expect("readable");
            assert_eq!(found.places.last().is_some_and(|p| p.section.is_some()), is_heading, "{style}");
            assert_eq!(found.title.as_deref(), Some("Of the file"));
        }
        let found = read_body(&p("<w:pStyle w:val='Titel'/>", "The title")).expect("readable");
        assert_eq!(found.title.as_deref(), Some("The title"));
        let found =
            read_body(&p("<w:pStyle w:val='berschrift1'/><w:outlineLvl w:val='9'/>", "Words")).expect("readable");
        assert!(found.places.iter().all(|p| p.section.is_none()));
    }

    #[test]
    fn lists_are_counted() {
        let body: String = [
            item(1, 0, "a"),
            item(1, 1, "b"),
            item(1, 1, "c"),
            item(1, 2, "d"),
            item(1, 0, "e"),
            item(1, 1, "f"),
            item(2, 0, "g"),
            item(0, 0, "h"),
            item(9, 0, "i"),
            p("<w:pStyle w:val='Clause'/>", "j"),
        ]
        .concat();
        let expected = "3. a\n  (3a) b\n  (3b) c\n    - d\n4. e\n  (4a) f\n1. g\n\nh\n\n- i\n2. j";
        assert_eq!(text_of(&body), expected);
    }

    #[test]
    fn what_is_no_text_is_dropped() {
        for (body, expected) in [
            ("<w:p><w:r><w:t>One</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t></w:r></w:p>", "One two three"),
            (
                "<w:p><w:del><w:r><w:delText>no</w:delText></w:r></w:del><w:ins><w:r><w:t>yes</w:t></w:r></w:ins></w:p>",
                "yes",
            ),
            (
                "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>Joined </w:t></w:r></w:p><w:p><w:r><w:t>here.</w:t></w:r></w:p>",
                "Joined here.",
            ),
            (
                "<w:p><w:hyperlink><w:r><w:t>A link</w:t></w:r></w:hyperlink><w:r><w:footnoteReference/></w:r></w:p>",
                "A link",
            ),
            (
                "<w:p><w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:t>seen</w:t></w:r></w:p>",
                "seen",
            ),
            ("<w:p><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>seen</w:t></w:r></w:p>", "seen"),
            (
                "<w:p><w:r><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>In the box.</w:t></w:r></w:p></w:txbxContent>\
                 </mc:Choice><mc:Fallback><w:txbxContent><w:p><w:r><w:t>In the box.</w:t></w:r></w:p></w:txbxContent></mc:Fallback>\
                 </mc:AlternateContent><w:t>Around it.</w:t></w:r></w:p>",
                "Around it.\n\nIn the box.",
            ),
            (
                "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Cost</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>$5</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
                "Cost | $5",
            ),
        ] {
            assert_eq!(text_of(body), expected, "{body}");
        }
        let body = [p("<w:pStyle w:val='TOC1'/>", "Contents 3"), p("", "Text.")].concat();
        assert_eq!(text_of(&body), "Text.");
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |bytes: &[u8]| read("a.docx", bytes, &Limits::default()).expect_err("unreadable").to_string();
        let compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        let older = "a.docx: is no sound DOCX: it is a Word document of the older kind; save it as .docx";
        assert_eq!(error(&compound), older);
        let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let locked = "a.docx: is locked by a password; save it without one";
        assert_eq!(error(&[compound, encrypted].concat()), locked);
        assert_eq!(error(&archive(&[])), "a.docx: is no sound DOCX: it has no word/document.xml");
        assert_eq!(error(&document("")), "a.docx: is empty");
        let limits = Limits { max_document_bytes: 3000, ..Limits::default() };
        let long = document(&p("", &"word ".repeat(1000)));
        assert!(matches!(read("a.docx", &long, &limits), Err(ReadError::TooLarge { .. })));
    }
}
