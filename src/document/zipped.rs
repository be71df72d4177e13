//! Formats that are zip archives (DOCX, ODT and the like): named entries, unpacked up to a limit over all of them.

use super::{Limits, ReadError};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// An open archive. What its directory says of sizes is not trusted: bytes are counted as they are unpacked.
pub(super) struct Zipped<'b> {
    archive: ZipArchive<Cursor<&'b [u8]>>,
    name: String,
    format: &'static str,
    limit: u64,
    left: u64,
}

impl<'b> Zipped<'b> {
    /// Opens the archive that a document of this format is.
    pub(super) fn open(name: &str, format: &'static str, bytes: &'b [u8], limits: &Limits) -> Result<Self, ReadError> {
        let limit = limits.max_document_bytes;
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => Ok(Self { archive, name: name.to_owned(), format, limit, left: limit }),
            Err(_) => Err(ReadError::Broken {
                path: name.to_owned(),
                format,
                message: "it is no zip archive, or one that was cut off".to_owned(),
            }),
        }
    }

    /// The bytes of an entry; `None` if there is none of that name.
    pub(super) fn bytes(&mut self, entry: &str) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(index) = self.archive.index_for_name(entry) else { return Ok(None) };
        let broken = |message: &str| ReadError::Broken {
            path: self.name.clone(),
            format: self.format,
            message: format!("{entry} {message}"),
        };
        if self.archive.by_index_data(index).is_ok_and(|e| e.encrypted()) {
            return Err(ReadError::Locked { path: self.name.clone() });
        }
        let mut found = Vec::new();
        let Ok(file) = self.archive.by_index(index) else { return Err(broken("cannot be unpacked")) };
        // One byte more than is left tells an entry that fits from one that goes on.
        if file.take(self.left.saturating_add(1)).read_to_end(&mut found).is_err() {
            return Err(broken("is damaged"));
        }
        match self.left.checked_sub(found.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(ReadError::TooLarge { path: self.name.clone(), limit: self.limit }),
        }
        Ok(Some(found))
    }

    /// The text of an entry: UTF-8, or UTF-16 that says so by its byte order mark.
    pub(super) fn text(&mut self, entry: &str) -> Result<Option<String>, ReadError> {
        let Some(bytes) = self.bytes(entry)? else { return Ok(None) };
        // Well-formed UTF-8, as nearly all is, is not copied.
        Ok(Some(String::from_utf8(bytes).unwrap_or_else(|e| encoding_rs::UTF_8.decode(e.as_bytes()).0.into_owned())))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    /// An archive of these entries.
    pub(in super::super) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).expect("begun");
            writer.write_all(bytes).expect("memory takes it");
        }
        writer.finish().expect("memory takes it").into_inner()
    }

    #[test]
    fn entries_are_read_up_to_a_limit_over_all() {
        let bytes = archive(&[("a", b"12345"), ("b", b"67890"), ("c", "\u{feff}é".as_bytes())]);
        let limits = Limits { max_document_bytes: 9, ..Limits::default() };
        let mut zipped = Zipped::open("x.docx", "DOCX", &bytes, &limits).expect("sound");
        assert_eq!(zipped.bytes("a").expect("fits"), Some(b"12345".to_vec()));
        assert_eq!(zipped.bytes("nothing").expect("no error"), None);
        assert!(matches!(zipped.bytes("b"), Err(ReadError::TooLarge { limit: 9, .. })));
        assert_eq!(zipped.left, 4);
    }

    #[test]
    fn a_bomb_is_left_packed() {
        let bytes = archive(&[("a", &vec![0; 10 << 20])]);
        assert!(bytes.len() < 20_000);
        let limits = Limits { max_document_bytes: 1 << 20, ..Limits::default() };
        let mut zipped = Zipped::open("x.docx", "DOCX", &bytes, &limits).expect("sound");
        assert!(matches!(zipped.bytes("a"), Err(ReadError::TooLarge { .. })));
    }

    #[test]
    fn what_is_no_archive_is_said_so() {
        let error = Zipped::open("x.docx", "DOCX", b"PK\x03\x04", &Limits::default()).err().expect("no archive");
        assert_eq!(error.to_string(), "x.docx: is no sound DOCX: it is no zip archive, or one that was cut off");
        let mut bytes = archive(&[("a", &b"petition ".repeat(30))]);
        bytes[40] ^= 0xff;
        let mut zipped = Zipped::open("x.docx", "DOCX", &bytes, &Limits::default()).expect("its directory is sound");
        assert!(matches!(zipped.bytes("a"), Err(ReadError::Broken { .. })));
    }
}
