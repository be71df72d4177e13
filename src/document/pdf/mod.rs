//! PDF with a text layer. Objects are read by hayro-syntax; what a page's operators draw becomes pieces of text with places, those
//! become lines, columns and paragraphs.
//!
//! Each stage bounds what the next may cost: `guard` looks how far streams unpack before anything is parsed, `Budget` counts what is
//! interpreted, forms within forms included.

mod cmap;
mod columns;
mod content;
mod font;
mod guard;
mod layout;
mod margins;
mod paragraphs;
mod rows;

use super::outline::in_one_line;
use super::{Document, Limits, ReadError};
use content::Reading;
use hayro_syntax::object::Stream;
use hayro_syntax::{Filter, LoadPdfError, Pdf};

const FORMAT: &str = "PDF";

/// Reads a document.
pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    // A header may follow some rubbish. Source: ISO 32000-2, annex I.
    if guard::find(&bytes[..bytes.len().min(1024)], b"%PDF-").is_none() {
        return Err(broken(name, "it does not begin as a PDF does"));
    }
    let pdf = match Pdf::new(guard::without_images(name, bytes, limits)?) {
        Ok(pdf) => pdf,
        Err(LoadPdfError::Decryption(_)) => return Err(ReadError::Locked { path: name.to_owned() }),
        Err(LoadPdfError::Invalid) => return Err(broken(name, "its pages cannot be found; it may have been cut off")),
    };
    let mut budget = Budget { left: limits.max_document_bytes };
    let mut reading = Reading::default();
    let mut pages = Vec::new();
    for page in pdf.pages().iter() {
        // Pages count too, so that a million of them that are all the same are not read for long.
        budget.spend(1 << 6);
        pages.push(reading.page(page, &mut budget));
        if budget.is_spent() {
            return Err(ReadError::TooLarge { path: name.to_owned(), limit: limits.max_document_bytes });
        }
    }
    if reading.known == 0 && reading.unknown == 0 {
        return Err(ReadError::NoTextLayer { path: name.to_owned() });
    }
    if reading.unknown > reading.known {
        return Err(broken(
            name,
            "its fonts do not tell which letters most of its text has; have it recognised, for instance by ocrmypdf --force-ocr",
        ));
    }
    let title = pdf.metadata().title.as_deref().map(|t| in_one_line(&text_string(t))).filter(|t| is_title(t));
    layout::write(name, limits, pages, title)
}

fn broken(name: &str, message: &str) -> ReadError {
    ReadError::Broken { path: name.to_owned(), format: FORMAT, message: message.to_owned() }
}

/// Programs write names of files and templates where the title should be.
fn is_title(title: &str) -> bool {
    let lower = title.to_lowercase();
    let of_program = lower.starts_with("microsoft word") || lower.starts_with("untitled") || lower == "title";
    let of_file = [".doc", ".docx", ".odt", ".indd", ".pdf", ".tex", ".dvi", ".html", ".rtf", ".qxd"];
    title.contains(char::is_alphabetic) && !of_program && !of_file.iter().any(|e| lower.ends_with(e))
}

/// A string of the document that is text. Source: ISO 32000-2, 7.9.2.2.
fn text_string(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        },
    }
}

/// How many bytes of streams may still be unpacked and interpreted.
struct Budget {
    left: u64,
}

impl Budget {
    fn spend(&mut self, n: u64) {
        self.left = self.left.saturating_sub(n);
    }

    fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// The bytes of a stream, unpacked; `None` if it cannot be, or if that is more than may be read.
    fn unpack(&mut self, stream: &Stream) -> Option<Vec<u8>> {
        if self.is_spent() {
            return None;
        }
        let filters = stream.filters();
        let found = match filters[..] {
            [Filter::FlateDecode] if !stream.dict().contains_key("DecodeParms") => {
                let found = guard::inflate(&stream.raw_data(), self.left);
                if found.is_none() {
                    self.left = 0;
                }
                found
            }
            // The guard bounded what these come to.
            _ => stream.decoded_data().ok().map(|data| data.into_owned()),
        }?;
        self.spend(found.len() as u64 + 1);
        (!self.is_spent()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_the_document_are_text() {
        for (bytes, text) in
            [(&b"\xfe\xff\x00H\x00i"[..], "Hi"), (b"\xef\xbb\xbfHi", "Hi"), (b"caf\xe9", "café"), (b"\xff\xfeH\0", "H")]
        {
            assert_eq!(text_string(bytes), text);
        }
    }

    #[test]
    fn names_of_files_are_no_titles() {
        for (title, expected) in [
            ("Minutes of May", true),
            ("Microsoft Word - minutes.doc", false),
            ("report.indd", false),
            ("Untitled", false),
            ("12", false),
        ] {
            assert_eq!(is_title(title), expected, "{title}");
        }
    }

    /// A file of these objects, numbered from 1; the first is the catalog.
    fn file(objects: &[String]) -> Vec<u8> {
        let mut all = "%PDF-1.4\n".to_owned();
        for (at, object) in objects.iter().enumerate() {
            all.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
        }
        all.push_str("trailer\n<</Root 1 0 R>>\n%%EOF\n");
        all.into_bytes()
    }

    fn stream(entries: &str, content: &str) -> String {
        format!("<<{entries}/Length {}>>\nstream\n{content}\nendstream", content.len())
    }

    /// A page that draws this, with forms from the sixth object on.
    fn page(content: &str, forms: &[String]) -> Vec<u8> {
        let names: String = (0..forms.len()).map(|n| format!("/F{n} {} 0 R", n + 6)).collect();
        let resources = format!("<</Font<</T 5 0 R>>/XObject<<{names}>>>>");
        let mut objects = vec![
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
            format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources{resources}>>"),
            stream("", content),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        ];
        objects.extend(forms.iter().map(|form| stream("/Type/XObject/Subtype/Form/BBox[0 0 600 800]", form)));
        file(&objects)
    }

    fn text_of(bytes: &[u8]) -> Result<String, ReadError> {
        read("a.pdf", bytes, &Limits { max_document_bytes: 1 << 20, ..Limits::default() }).map(|d| d.text)
    }

    #[test]
    fn what_is_drawn_is_read() {
        for (content, expected) in [
            (
                "BT /T 12 Tf 50 700 Td (The council) Tj 0 -14 Td (met. It) Tj ( left.) Tj ET",
                "The council met. It left.",
            ),
            ("BT /T 12 Tf 50 700 Td [(wor) 20 (ds) -400 (apart)] TJ ET", "words apart"),
            ("BT /T 12 Tf 50 700 Td (as \\221\\221sole\\222\\222 it) Tj ET", "as “sole” it"),
            ("BT /T 12 Tf 1 0 0 1 50 700 Tm (caf\\351 \\223no\\224) Tj ET", "café “no”"),
            (
                "/Artifact BMC BT /T 12 Tf 50 780 Td (Header) Tj ET EMC BT /T 12 Tf 50 700 Td (The text.) Tj ET",
                "The text.",
            ),
            ("/Span <</ActualText (office)>> BDC BT /T 12 Tf 50 700 Td (xy) Tj ET EMC", "office"),
            ("BT /T 12 Tf 0 1 -1 0 20 400 Tm (turned) Tj 1 0 0 1 50 700 Tm (upright) Tj ET", "upright"),
            ("q 2 0 0 2 0 0 cm /F0 Do Q", "In a form."),
        ] {
            let form = "BT /T 12 Tf 20 300 Td (In a form.) Tj ET".to_owned();
            assert_eq!(text_of(&page(content, &[form])).expect(content), expected);
        }
    }

    #[test]
    fn a_page_is_read_as_most_of_it_is_turned() {
        for (matrix, x, y) in [("0 1 -1 0", 20, 400), ("-1 0 0 -1", 500, 700), ("0 -1 1 0", 20, 400)] {
            let content = format!(
                "BT /T 12 Tf {matrix} {x} {y} Tm (All of this table lies) Tj 0 -14 Td (on its side.) Tj 1 0 0 1 50 20 Tm (margin) Tj ET"
            );
            assert_eq!(text_of(&page(&content, &[])).expect(matrix), "All of this table lies on its side.");
        }
    }

    #[test]
    fn what_is_filled_into_a_form_is_read() {
        let field = |flags: u32, rect: &str, look: usize| {
            format!("<</Subtype/Widget/F {flags}/Rect[{rect}]/AP<</N {look} 0 R>>>>")
        };
        let fields = [
            field(4, "120 695 220 715", 6),
            // Half as large, hidden, and with a look for each of its states.
            field(4, "50 670 100 680", 7),
            field(2, "50 640 150 660", 6),
            "<</Subtype/FreeText/Rect[50 600 150 620]/AS/On/AP<</N<</On 7 0 R>>>>>>".to_owned(),
            "<</Subtype/Link/Rect[0 0 9 9]>>".to_owned(),
            "<</Subtype/Widget/Parent<</FT/Btn>>/Rect[50 560 150 580]/AP<</N 6 0 R>>>>".to_owned(),
        ];
        let look = |text: &str| {
            let own = "/BBox[0 0 100 20]/Resources<</Font<</T 5 0 R>>>>";
            stream(&format!("/Subtype/Form{own}"), &format!("BT /T 10 Tf 2 5 Td ({text}) Tj ET"))
        };
        let bytes = file(&[
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</T 5 0 R>>>>/Annots[{}]>>",
                fields.concat()
            ),
            stream("", "BT /T 12 Tf 50 700 Td (Complaint of) Tj ET"),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
            look("Ada Lund"),
            look("against nobody"),
        ]);
        assert_eq!(text_of(&bytes).expect("is read"), "Complaint of Ada Lund\n\nagainst nobody\n\nagainst nobody");
    }

    #[test]
    fn letters_that_no_font_tells_are_said_so() {
        let page = page("BT /T 12 Tf 50 700 Td (\\001\\002) Tj ET", &[]);
        let error = text_of(&page).expect_err("no letters").to_string();
        assert!(error.contains("fonts do not tell") && error.contains("ocrmypdf"), "{error}");
    }

    #[test]
    fn hostile_files_are_given_up() {
        // A form that draws itself, and forms that each draw the next ten times.
        let own = "BT /T 12 Tf 50 700 Td (Once.) Tj ET /F0 Do".to_owned();
        assert!(text_of(&page("/F0 Do", &[own])).is_ok());
        let forms: Vec<String> = (1..=12).map(|n| format!("/F{} Do ", n % 12).repeat(10)).collect();
        assert!(matches!(text_of(&page("/F0 Do", &forms)), Err(ReadError::TooLarge { .. })));
        // A stream that unpacks to more than may be read.
        use std::io::Write;
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b' '; 4 << 20]).expect("memory takes it");
        let packed = packed.finish().expect("memory takes it");
        let mut bomb = b"%PDF-1.4\n1 0 obj\n<</Filter/FlateDecode/Length 4000>>\nstream\n".to_vec();
        bomb.extend(packed);
        assert!(bomb.len() < 10_000);
        assert!(matches!(text_of(&bomb), Err(ReadError::TooLarge { .. })));
        let twice = file(&[stream("/Filter[/FlateDecode/FlateDecode]", "x")]);
        assert!(matches!(text_of(&twice), Err(ReadError::Broken { .. })));
        let nested = "1 0 obj<<".repeat(50_000);
        assert!(text_of(format!("%PDF-1.4\n{nested}").as_bytes()).is_err());
    }

    #[test]
    fn pages_without_text_are_said_so() {
        assert!(matches!(text_of(&page("0 0 100 100 re f", &[])), Err(ReadError::NoTextLayer { .. })));
        let error = text_of(b"no PDF").expect_err("none").to_string();
        assert_eq!(error, "a.pdf: is no sound PDF: it does not begin as a PDF does");
    }
}
