//! A stream → its documents: looks what it is by its first bytes, unpacks it, and hands it to the reader of its format.

#[cfg(feature = "parquet")]
use super::columnar;
use super::{
    Document, Documents, Format, Kind, Limits, Packing, ReadError, ReadOptions, docx, email, epub, fence, html,
    json_array, json_lines, lines, mailbox, odt, packed, pdf, recognise, subtitles, table, text,
};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Something that is being opened.
pub(super) struct Opening {
    /// Its name in messages and document ids.
    pub(super) name: String,
    /// What its name, or whoever asks, says that it is.
    pub(super) by_name: Option<Kind>,
    /// It is a member of an archive.
    pub(super) within: bool,
    pub(super) options: Arc<ReadOptions>,
}

/// Reads again where a signal interrupted it, which not every reader behind it does.
struct Steady<R>(R);

impl<R: Read> Read for Steady<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Opening {
    pub(super) fn broken(&self, format: &'static str, error: &dyn std::fmt::Display) -> ReadError {
        ReadError::Broken { path: self.name.clone(), format, message: error.to_string() }
    }

    /// Opens a stream, which is `path` if that is a file; `layers` of compression have been taken off.
    pub(super) fn open(
        self,
        mut bytes: Box<dyn Read + Send>,
        path: Option<&Path>,
        layers: usize,
    ) -> Result<Documents, ReadError> {
        let io = |source| ReadError::Io { path: self.name.clone(), source };
        let mut head = Vec::new();
        bytes.by_ref().take(recognise::HEAD as u64).read_to_end(&mut head).map_err(io)?;
        let kind = match recognise::by_content(&head).or(self.by_name) {
            Some(kind) => kind,
            // What else an archive holds is passed over, as in folders.
            None if self.within => return Ok(Box::new(std::iter::empty())),
            None => Kind::Document(Format::Text),
        };
        let bytes: Box<dyn Read + Send> = Box::new(Steady(std::io::Cursor::new(head).chain(bytes)));
        match kind {
            Kind::Packed(packing @ (Packing::Gzip | Packing::Zstd)) if layers == 0 => {
                let unpacked = packed::unpacked(packing, bytes, &self).map_err(io)?;
                self.open(unpacked, None, layers + 1)
            }
            Kind::Packed(Packing::Gzip | Packing::Zstd) => Err(ReadError::Nested { path: self.name }),
            Kind::Packed(Packing::Zip) => {
                let Some(path) = path else {
                    let all = packed::read_whole(&self.name, bytes, &self)?;
                    let size = all.len() as u64;
                    let archive = packed::zip_of(all, &self)?;
                    return self.open_zip(archive, size);
                };
                let file = File::open(path).map_err(io)?;
                let size = file.metadata().map_or(0, |m| m.len());
                let archive = zip::ZipArchive::new(std::io::BufReader::new(file));
                let archive = archive.map_err(|e| self.broken("zip archive", &e))?;
                self.open_zip(archive, size)
            }
            Kind::Packed(Packing::Tar) if self.within => Err(ReadError::Nested { path: self.name }),
            Kind::Packed(Packing::Tar) => Ok(packed::tar(bytes, self)),
            Kind::Document(format) => self.open_format(format, bytes, path),
        }
    }

    fn open_zip<R: Read + std::io::Seek + Send + 'static>(
        self,
        mut archive: zip::ZipArchive<R>,
        size: u64,
    ) -> Result<Documents, ReadError> {
        match packed::zip_kind(&mut archive) {
            Kind::Document(format) => {
                let mut file = archive.into_inner();
                let io = |source| ReadError::Io { path: self.name.clone(), source };
                file.rewind().map_err(io)?;
                self.open_format(format, Box::new(file), None)
            }
            Kind::Packed(_) if self.within => Err(ReadError::Nested { path: self.name }),
            Kind::Packed(_) => Ok(packed::zip(archive, size, self)),
        }
    }

    fn open_format(
        self,
        format: Format,
        bytes: Box<dyn Read + Send>,
        path: Option<&Path>,
    ) -> Result<Documents, ReadError> {
        let (name, options) = (&self.name, &*self.options);
        let whole = |bytes, read: fn(&str, &[u8], &Limits) -> Result<Document, ReadError>| {
            let all = packed::read_whole(name, bytes, &self)?;
            if all.is_empty() {
                return Err(ReadError::Empty { path: name.clone() });
            }
            let document = fence::document(name, format.name(), || read(name, &all, &options.limits))?;
            Ok(Box::new(std::iter::once(Ok(document))) as Documents)
        };
        match format {
            Format::Text if options.lines => {
                let limit = options.limits.max_document_bytes;
                Ok(Box::new(lines::read(name, text::decoding(name, bytes)?, limit)))
            }
            Format::Text | Format::Markdown => {
                let all = packed::read_whole(name, bytes, &self)?;
                Ok(Box::new(std::iter::once(Ok(text::read(name, format, &all)?))))
            }
            Format::Csv => Ok(Box::new(table::read(name, b',', text::decoding(name, bytes)?, options)?)),
            Format::Tsv => Ok(Box::new(table::read(name, b'\t', text::decoding(name, bytes)?, options)?)),
            Format::JsonLines => Ok(Box::new(json_lines::read(name, text::decoding(name, bytes)?, options))),
            Format::Json => json_array::read(name, text::decoding(name, bytes)?, options),
            #[cfg(feature = "parquet")]
            Format::Parquet => columnar::parquet(name, path, bytes, options),
            #[cfg(feature = "parquet")]
            Format::Arrow => columnar::arrow(name, bytes, options),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet | Format::Arrow => Err(self.broken(
                "table",
                &"this petition was built without its feature `parquet`, which reads Parquet and Arrow",
            )),
            Format::Html => whole(bytes, html::read),
            Format::Pdf => whole(bytes, pdf::read),
            Format::Docx => whole(bytes, docx::read),
            Format::Odt => whole(bytes, odt::read),
            Format::Epub => whole(bytes, epub::read),
            Format::Email => whole(bytes, email::read),
            Format::Subtitles => whole(bytes, subtitles::read),
            Format::Mailbox => mailbox::read(name, bytes, &options.limits),
        }
    }
}
