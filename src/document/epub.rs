//! EPUB: the chapters of a book in reading order. A zip archive, in which one XML file says which HTML files make the book.

use super::html;
use super::outline::Outline;
use super::zipped::Zipped;
use super::{Document, Limits, ReadError};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::collections::{HashMap, HashSet};

const FORMAT: &str = "EPUB";

/// Reads one book.
pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    limits.check_document(name, bytes.len() as u64)?;
    let mut book = Book::open(name, bytes, limits)?;
    let container = book.text("META-INF/container.xml")?;
    let Some(package_path) = package_path(&container) else {
        return Err(book.broken("META-INF/container.xml names no package file"));
    };
    let package = Package::of(&book.text(&package_path)?).map_err(|e| book.broken(&format!("{package_path}: {e}")))?;
    let locked = book.locked()?;
    let mut outline = Outline::new(name, limits);
    outline.title(&package.title);
    outline.date(&package.date);
    let folder = package_path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut seen = HashSet::new();
    for id in &package.spine {
        let Some(item) = package.items.get(id).filter(|i| i.is_chapter) else { continue };
        let path = resolved(folder, &item.href);
        if !seen.insert(path.clone()) {
            continue;
        }
        if locked.contains(&path) {
            return Err(ReadError::Locked { path: name.to_owned() });
        }
        for block in html::whole(name, &book.text(&path)?)? {
            block.feed(&mut outline)?;
        }
    }
    outline.finish()
}

/// The archive.
struct Book<'b> {
    name: &'b str,
    archive: Zipped<'b>,
}

impl<'b> Book<'b> {
    fn open(name: &'b str, bytes: &'b [u8], limits: &Limits) -> Result<Self, ReadError> {
        match Zipped::open(name, FORMAT, bytes, limits) {
            Ok(archive) => Ok(Self { name, archive }),
            Err(_) => Err(broken(name, "it is no zip archive, or a part of it is missing")),
        }
    }

    fn broken(&self, message: &str) -> ReadError {
        broken(self.name, message)
    }

    /// A file of the archive as text.
    fn text(&mut self, path: &str) -> Result<String, ReadError> {
        let bytes = self.archive.bytes(path)?;
        Ok(html::decoded(&bytes.ok_or_else(|| self.broken(&format!("{path} is missing")))?))
    }

    /// The files that are enciphered, as those of books that were bought are; fonts often are, which does no harm.
    fn locked(&mut self) -> Result<HashSet<String>, ReadError> {
        const PATH: &str = "META-INF/encryption.xml";
        let mut locked = HashSet::new();
        let Some(list) = self.archive.bytes(PATH)? else { return Ok(locked) };
        // A broken list locks nothing: what is enciphered is no text and fails by itself.
        let _ = each_event(&html::decoded(&list), |event| {
            if let Event::Start(e) | Event::Empty(e) = event
                && e.local_name().into_inner() == "CipherReference"
                && let Some(uri) = attribute(e, "URI")
            {
                locked.insert(resolved("", &uri));
            }
        });
        Ok(locked)
    }
}

fn broken(name: &str, message: &str) -> ReadError {
    ReadError::Broken { path: name.to_owned(), format: FORMAT, message: message.to_owned() }
}

/// Visits what an XML text is made of.
fn each_event(text: &str, mut visit: impl FnMut(&Event)) -> Result<(), String> {
    let mut reader = quick_xml::Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().check_end_names = false;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return Ok(()),
            Ok(event) => visit(&event),
            Err(e) => return Err(e.to_string()),
        }
    }
}

/// An attribute's value; its name without the prefix of a namespace.
fn attribute(element: &BytesStart, name: &str) -> Option<String> {
    let mut all = element.attributes();
    let found = all.with_checks(false).flatten().find(|a| a.key.local_name().into_inner() == name);
    found?.normalized_value(XmlVersion::Implicit1_0).ok().map(|v| v.into_owned())
}

/// The file that describes the book.
fn package_path(container: &str) -> Option<String> {
    let mut path = None;
    let _ = each_event(container, |event| {
        if let Event::Start(e) | Event::Empty(e) = event
            && e.local_name().into_inner() == "rootfile"
            && path.is_none()
        {
            path = attribute(e, "full-path");
        }
    });
    path
}

/// What the package file says.
#[derive(Default)]
struct Package {
    title: String,
    date: String,
    items: HashMap<String, Item>,
    spine: Vec<String>,
}

struct Item {
    href: String,
    /// It is text, and not the table of contents.
    is_chapter: bool,
}

impl Package {
    fn of(text: &str) -> Result<Self, String> {
        let mut package = Self::default();
        // What the text that comes next is: the first title, the date of publication, or nothing.
        let (mut title, mut date): (Option<String>, Option<String>) = (None, None);
        let mut into: Option<bool> = None;
        each_event(text, |event| match event {
            Event::Start(e) | Event::Empty(e) => match e.local_name().into_inner() {
                "title" if title.is_none() => {
                    title = Some(String::new());
                    into = Some(true);
                }
                "date" if attribute(e, "event").is_none_or(|event| event == "publication") && date.is_none() => {
                    date = Some(String::new());
                    into = Some(false);
                }
                "item" => {
                    let media = attribute(e, "media-type").unwrap_or_default();
                    let is_contents = attribute(e, "properties").is_some_and(|p| p.split(' ').any(|p| p == "nav"));
                    let is_chapter = matches!(media.as_str(), "application/xhtml+xml" | "text/html") && !is_contents;
                    if let (Some(id), Some(href)) = (attribute(e, "id"), attribute(e, "href")) {
                        package.items.insert(id, Item { href, is_chapter });
                    }
                }
                "itemref" => package.spine.extend(attribute(e, "idref")),
                _ => {}
            },
            Event::End(_) => into = None,
            Event::Text(text) => {
                if let Some(into) = target(into, &mut title, &mut date) {
                    into.push_str(text);
                }
            }
            Event::CData(text) => {
                if let Some(into) = target(into, &mut title, &mut date) {
                    into.push_str(text);
                }
            }
            Event::GeneralRef(entity) => {
                if let Some(into) = target(into, &mut title, &mut date)
                    && let Ok(c) = quick_xml::escape::unescape(&format!("&{};", &**entity))
                {
                    into.push_str(&c);
                }
            }
            _ => {}
        })?;
        if package.spine.is_empty() {
            return Err("it lists no chapters".to_owned());
        }
        (package.title, package.date) = (title.unwrap_or_default(), date.unwrap_or_default());
        Ok(package)
    }
}

fn target<'t>(
    into: Option<bool>,
    title: &'t mut Option<String>,
    date: &'t mut Option<String>,
) -> Option<&'t mut String> {
    if into? { title.as_mut() } else { date.as_mut() }
}

/// The path in the archive that a link in a folder of it means.
fn resolved(folder: &str, link: &str) -> String {
    let link = link.split('#').next().unwrap_or_default();
    let link = percent_encoding::percent_decode_str(link).decode_utf8_lossy();
    let mut parts: Vec<&str> = if link.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in link.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    const CONTAINER: &str =
        r#"<?xml version="1.0"?><container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>"#;
    const PACKAGE: &str = r#"<?xml version="1.0"?><package xmlns:dc="x" xmlns:opf="y"><metadata>
        <dc:title>Rules &amp; &#x201C;reform&#x201D;</dc:title><dc:title>Second</dc:title>
        <dc:date opf:event="modification">2020</dc:date><dc:date>2026-03-01</dc:date></metadata>
        <manifest><item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
        <item id="c1" href="text/one%201.xhtml" media-type="application/xhtml+xml"/>
        <item id="c2" href="../two.html#x" media-type="text/html"/><item id="i" href="a.png" media-type="image/png"/></manifest>
        <spine><itemref idref="n"/><itemref idref="c2"/><itemref idref="i"/><itemref idref="c1"/><itemref idref="c1"/><itemref idref="?"/></spine></package>"#;
    const ONE: &str = "<?xml version=\"1.0\"?><html><head><title/><script/></head><body><h1>One</h1><p>It <a id=\"p1\"/>met.</p></body></html>";

    fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, text) in files {
            zip.start_file(*path, SimpleFileOptions::default()).expect("begun");
            zip.write_all(text.as_bytes()).expect("written");
        }
        zip.finish().expect("finished").into_inner()
    }

    fn book(more: &[(&str, &str)]) -> Vec<u8> {
        let mut files = vec![
            ("META-INF/container.xml", CONTAINER),
            ("OPS/book.opf", PACKAGE),
            ("OPS/nav.xhtml", "<p>Contents"),
            ("OPS/text/one 1.xhtml", ONE),
            ("two.html", "<h2>Two</h2><p>It ended."),
        ];
        files.retain(|(path, _)| more.iter().all(|(p, _)| p != path));
        files.extend(more.iter().filter(|(_, text)| !text.is_empty()));
        zipped(&files)
    }

    fn error(bytes: &[u8], limits: &Limits) -> String {
        read("a.epub", bytes, limits).expect_err("an error").to_string()
    }

    #[test]
    fn chapters_come_in_the_order_of_the_spine() {
        let document = read("a.epub", &book(&[]), &Limits::default()).expect("reads");
        assert_eq!(document.title.as_deref(), Some("Rules & “reform”"));
        assert_eq!(document.date.as_deref(), Some("2026-03-01"));
        assert_eq!(document.text, "Two\n\nIt ended.\n\nOne\n\nIt met.");
        assert_eq!(document.place_of(12).and_then(|p| p.section.as_deref()), Some("Two"));
    }

    #[test]
    fn errors_are_plain() {
        let limits = Limits::default();
        let broken = |m: &str| format!("a.epub: is no sound EPUB: {m}");
        assert_eq!(error(&book(&[("two.html", "")]), &limits), broken("two.html is missing"));
        assert_eq!(error(&zipped(&[("a.txt", "a")]), &limits), broken("META-INF/container.xml is missing"));
        assert_eq!(
            error(&book(&[("OPS/book.opf", "<package/>")]), &limits),
            broken("OPS/book.opf: it lists no chapters")
        );
        assert_eq!(error(b"PK\x03\x04", &limits), broken("it is no zip archive, or a part of it is missing"));
        let cipher = r#"<encryption><CipherReference URI="two.html"/></encryption>"#;
        let locked = book(&[("META-INF/encryption.xml", cipher)]);
        assert_eq!(error(&locked, &limits), "a.epub: is locked by a password; save it without one");
        let font = r#"<encryption><CipherReference URI="font.otf"/></encryption>"#;
        assert!(read("a.epub", &book(&[("META-INF/encryption.xml", font)]), &limits).is_ok());
    }

    #[test]
    fn what_unpacks_to_more_than_the_limit_is_refused() {
        let bomb = "a ".repeat(1 << 20);
        let bytes = book(&[("two.html", &bomb)]);
        let limits = Limits { max_document_bytes: 1 << 20, ..Limits::default() };
        assert!(bytes.len() < 1 << 16);
        assert!(error(&bytes, &limits).contains("is larger than 1048576 bytes of text"));
    }
}
