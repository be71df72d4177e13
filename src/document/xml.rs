//! XML inside office documents: elements and text, one after the other. A document type declaration is refused, so no entity but
//! XML's own five is ever there to be expanded.

use super::ReadError;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::borrow::Cow;

/// What comes next. Names are without their prefix; an empty element opens and closes.
pub(super) enum Node<'x> {
    Open(Element<'x>),
    Close,
    Text(Cow<'x, str>),
}

/// An element that opens.
pub(super) struct Element<'x>(BytesStart<'x>);

impl Element<'_> {
    /// Its name without the prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// Its name begins with this prefix, as the programs that write such files have it.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.0.name().prefix().is_some_and(|p| p.into_inner() == prefix)
    }

    /// The value of an attribute, named without its prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        // Whether a name comes twice is not looked at: that takes quadratic time.
        let mut attributes = self.0.attributes();
        let found = attributes.with_checks(false).flatten().find(|a| a.key.local_name().into_inner() == name)?;
        found.normalized_value(XmlVersion::Implicit1_0).ok().map(Cow::into_owned)
    }
}

/// A document that is being read.
pub(super) struct Xml<'x> {
    reader: Reader<&'x [u8]>,
    depth: usize,
    path: &'x str,
    format: &'static str,
    entry: &'static str,
}

impl<'x> Xml<'x> {
    /// Reads the XML of an entry of a document; the names are for messages.
    pub(super) fn new(path: &'x str, format: &'static str, entry: &'static str, text: &'x str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0, path, format, entry }
    }

    /// What comes next; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Node<'x>>, ReadError> {
        loop {
            let event = self.reader.read_event().map_err(|_| self.broken("is no well-formed XML"))?;
            return Ok(Some(match event {
                Event::Start(start) => {
                    self.depth += 1;
                    Node::Open(Element(start))
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::Close
                }
                Event::Text(text) => Node::Text(text.xml10_content()),
                Event::CData(text) => Node::Text(text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let text = match entity.resolve_char_ref() {
                        Ok(Some(c)) => Some(c.to_string().into()),
                        Ok(None) => resolve_predefined_entity(&entity.into_inner()).map(Cow::Borrowed),
                        Err(_) => None,
                    };
                    Node::Text(text.ok_or_else(|| self.broken("names an entity that it does not have"))?)
                }
                Event::DocType(_) => return Err(self.broken("declares a document type, which such files never do")),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::Eof if self.depth > 0 => return Err(self.broken("breaks off")),
                Event::Eof => return Ok(None),
            }));
        }
    }

    /// Passes over the rest of the element that was opened last.
    pub(super) fn skip(&mut self) -> Result<(), ReadError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside && self.next()?.is_some() {}
        Ok(())
    }

    /// The text within the element that was opened last.
    pub(super) fn text(&mut self) -> Result<String, ReadError> {
        let outside = self.depth.saturating_sub(1);
        let mut all = String::new();
        while self.depth > outside
            && let Some(node) = self.next()?
        {
            if let Node::Text(text) = node {
                all.push_str(&text);
            }
        }
        Ok(all)
    }

    fn broken(&self, message: &str) -> ReadError {
        ReadError::Broken {
            path: self.path.to_owned(),
            format: self.format,
            message: format!("{} {message}", self.entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let mut xml = Xml::new("a.docx", "DOCX", "word/document.xml", text);
        let mut all = String::new();
        while let Some(node) = xml.next().map_err(|e| e.to_string())? {
            match node {
                Node::Open(element) if element.name() == "skip" => xml.skip().map_err(|e| e.to_string())?,
                Node::Open(element) => {
                    all.push_str(&format!("<{}{}>", element.name(), element.attribute("val").unwrap_or_default()));
                }
                Node::Close => all.push('/'),
                Node::Text(text) => all.push_str(&text),
            }
        }
        Ok(all)
    }

    #[test]
    fn elements_and_text_come_in_order() {
        for (text, expected) in [
            ("<?xml version='1.0'?><w:a w:val='x'><b/>&lt;&#233;<![CDATA[&]]></w:a>", "<ax><b>/<é&/"),
            ("<a><skip><b>no<skip/></b></skip>yes</a>", "<a>yes/"),
            ("\u{feff}<a/>", "<a>/"),
            ("<a val='&lt;&amp;'/>", "<a<&>/"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_xml_is_said_so() {
        for (text, message) in [
            ("<a><b></a>", "is no well-formed XML"),
            ("<a>", "breaks off"),
            ("<a", "is no well-formed XML"),
            ("<a>&lol;</a>", "names an entity that it does not have"),
            ("<!DOCTYPE a [<!ENTITY lol 'lol'>]><a>&lol;</a>", "declares a document type, which such files never do"),
        ] {
            let expected = format!("a.docx: is no sound DOCX: word/document.xml {message}");
            assert_eq!(read(text), Err(expected), "{text}");
        }
    }
}
