//! Files, folders and standard input → documents. `listing` says which inputs there are, `recognise` and this file in what format
//! they are, `packed` opens archives; each format has a file of its own.

#[cfg(feature = "parquet")]
mod columnar;
mod docx;
mod email;
mod epub;
pub mod fence;
mod html;
mod json_array;
mod json_lines;
mod lines;
mod listing;
mod mailbox;
mod odt;
mod office;
mod opening;
mod outline;
mod packed;
mod pdf;
mod recognise;
mod row;
mod subtitles;
mod table;
mod text;
mod xml;
mod zipped;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;

pub use listing::{Input, Inputs, Skipped, list};

use opening::Opening;
pub(crate) use table::Watched;
pub(crate) use text::decoding;

/// A text with a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The file's path, or the row's id.
    pub id: String,
    /// What the document belongs to, if its row says so (column `document` or `doc_id`).
    pub parent: Option<String>,
    /// The title, if there is one.
    pub title: Option<String>,
    /// The text that offsets count in.
    pub text: String,
    /// The text is lines of a file, each one sentence, and this is where they stand in it.
    pub lines: Option<LinesFrom>,
    /// When it was published, as it says itself; as it stands there.
    pub date: Option<String>,
    /// Where parts of the text come from, in the order of their beginnings; empty where the format does not know.
    pub places: Vec<Place>,
}

impl Document {
    /// Where the text at a byte comes from, if the format knows.
    pub fn place_of(&self, offset: usize) -> Option<&Place> {
        let after = self.places.partition_point(|place| place.start <= offset);
        self.places.get(after.checked_sub(1)?)
    }
}

/// Where a part of a document's text comes from, up to the next place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Where the part begins in the text, in bytes.
    pub start: usize,
    /// The page, counted from 1.
    pub page: Option<u32>,
    /// The heading that it stands under.
    pub section: Option<String>,
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Documents in a format.
    Document(Format),
    /// Something that holds or compresses them.
    Packed(Packing),
}

/// How documents are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// One compressed file.
    Gzip,
    /// One compressed file.
    Zstd,
    /// An archive of files.
    Zip,
    /// An archive of files, perhaps compressed as a whole.
    Tar,
}

impl Packing {
    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
            Self::Tar => "tar",
        }
    }
}

impl Kind {
    /// What a file's name tells; of a compressed file, what is in it. `None` when it tells nothing.
    ///
    /// ```
    /// use petition::document::{Format, Kind, Packing};
    /// let of_name = |name: &str| Kind::of_name(std::path::Path::new(name));
    /// assert_eq!(of_name("minutes.CSV.gz"), Some(Kind::Document(Format::Csv)));
    /// assert_eq!(of_name("minutes.tgz"), Some(Kind::Packed(Packing::Tar)));
    /// assert_eq!(of_name("minutes.exe"), None);
    /// ```
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "gz" => Some(Self::of_name(Path::new(path.file_stem()?)).unwrap_or(Self::Packed(Packing::Gzip))),
            "zst" => Some(Self::of_name(Path::new(path.file_stem()?)).unwrap_or(Self::Packed(Packing::Zstd))),
            "tgz" | "tar" => Some(Self::Packed(Packing::Tar)),
            "zip" => Some(Self::Packed(Packing::Zip)),
            _ => Format::of_name(path).map(Self::Document),
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Document(format) => format.name(),
            Self::Packed(packing) => packing.name(),
        }
    }
}

/// How much is read before an input is given up, so that a hostile one harms no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one document: of its text, and of its file where that is read whole. Rows and lines count one by one.
    pub max_document_bytes: u64,
    /// How many times its size a compressed file or archive may unpack to, beyond the first 64 MiB.
    pub max_unpack_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_document_bytes: 256 << 20, max_unpack_ratio: 200 }
    }
}

impl Limits {
    /// Whether a document of so many bytes may be read.
    pub(crate) fn check_document(&self, name: &str, n_bytes: u64) -> Result<(), ReadError> {
        if n_bytes <= self.max_document_bytes {
            return Ok(());
        }
        Err(ReadError::TooLarge { path: name.to_owned(), limit: self.max_document_bytes })
    }
}

/// Where lines that were read together stand in their file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinesFrom {
    /// The number of the first line, from 0.
    pub index: usize,
    /// Where it begins in the file's text, in bytes.
    pub start: usize,
}

/// How an input's bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Plain text; a first line that looks like a heading is the title.
    Text,
    /// Markdown; the first `#` heading is the title.
    Markdown,
    /// Comma-separated rows under a header, a document a row.
    Csv,
    /// Tab-separated rows under a header, a document a row.
    Tsv,
    /// A JSON object a line, a document each.
    JsonLines,
    /// A list of JSON objects, a document each; or one object, or lines of objects.
    Json,
    /// Parquet, a document a row.
    Parquet,
    /// An Arrow file (Feather) or stream, a document a row.
    Arrow,
    /// A web page, or a letter written as one.
    Html,
    /// A PDF with a text layer.
    Pdf,
    /// A Word document.
    Docx,
    /// An OpenDocument text.
    Odt,
    /// A book.
    Epub,
    /// One e-mail.
    Email,
    /// Subtitles in WebVTT or SubRip.
    Subtitles,
    /// E-mails, one after the other; a document each.
    Mailbox,
}

impl Format {
    /// All formats, with their names, as `--input-format` has them, and the endings of files.
    const NAMES: [(Self, &'static str, &'static [&'static str]); 16] = [
        (Self::Text, "txt", &["txt", "text"]),
        (Self::Markdown, "md", &["md", "markdown"]),
        (Self::Csv, "csv", &["csv"]),
        (Self::Tsv, "tsv", &["tsv", "tab"]),
        (Self::JsonLines, "jsonl", &["jsonl", "ndjson"]),
        (Self::Json, "json", &["json"]),
        (Self::Parquet, "parquet", &["parquet"]),
        (Self::Arrow, "arrow", &["arrow", "arrows", "feather", "ipc"]),
        (Self::Html, "html", &["html", "htm", "xhtml"]),
        (Self::Pdf, "pdf", &["pdf"]),
        (Self::Docx, "docx", &["docx", "docm"]),
        (Self::Odt, "odt", &["odt", "ott"]),
        (Self::Epub, "epub", &["epub"]),
        (Self::Email, "eml", &["eml"]),
        (Self::Subtitles, "subtitles", &["vtt", "srt"]),
        (Self::Mailbox, "mbox", &["mbox", "mbx"]),
    ];

    /// All formats.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().map(|of| of.0)
    }

    /// The format that a file's name tells; `None` when it tells nothing.
    pub fn of_name(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Self::NAMES.iter().find(|of| of.2.contains(&ending.as_str())).map(|of| of.0)
    }

    /// The first ending of each format, as a list in words.
    pub fn endings() -> String {
        Self::NAMES.iter().map(|of| format!(".{}", of.2[0])).collect::<Vec<_>>().join(", ")
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|of| of.0 == self).map_or("", |of| of.1)
    }

    /// The format of a document in zip's clothes, by whether it has the part that DOCX has and by the media type in it.
    fn of_zip(is_docx: bool, media_type: &str) -> Option<Self> {
        match media_type {
            "application/epub+zip" => Some(Self::Epub),
            "application/vnd.oasis.opendocument.text" | "application/vnd.oasis.opendocument.text-template" => {
                Some(Self::Odt)
            }
            _ => is_docx.then_some(Self::Docx),
        }
    }

    /// Whether headings are known, marked as such or told by how they look, so that the column `section` is filled.
    pub fn knows_sections(self) -> bool {
        matches!(self, Self::Html | Self::Docx | Self::Odt | Self::Epub | Self::Pdf)
    }

    /// Whether pages are known, so that the column `page` is filled.
    pub fn knows_pages(self) -> bool {
        matches!(self, Self::Pdf)
    }

    /// Rows with columns (true), or one text (false).
    pub fn has_columns(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::JsonLines | Self::Json | Self::Parquet | Self::Arrow)
    }
}

/// How inputs are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format of all inputs; without it, their names tell, and what tells nothing is plain text.
    pub format: Option<Format>,
    /// The column that holds the text.
    pub text_column: String,
    /// The column that holds the id; without it, `id` where there is one, else rows are named `path:number`.
    pub id_column: Option<String>,
    /// Each line of plain text is a sentence of its own; such texts are read a piece at a time, however long they are.
    pub lines: bool,
    /// How much is read before an input is given up.
    pub limits: Limits,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { format: None, text_column: "text".to_owned(), id_column: None, lines: false, limits: Limits::default() }
    }
}

/// Why an input, or one of its rows, gives no document. Lines count from 1, the header included; so do rows of Parquet and Arrow
/// and objects of a JSON list.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum ReadError {
    #[error("{path}: cannot be read: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("{path}: is not there; check the name")]
    NotFound { path: String },
    #[error("{path}: cannot be walked: {message}")]
    Walk { path: String, message: String },
    #[error("{path}: is no text (it holds the byte {byte:#04x} at offset {offset}); convert it to text first")]
    NotText { path: String, byte: u8, offset: usize },
    #[error("{path}: is empty")]
    Empty { path: String },
    #[error("{path}: is larger than {limit} bytes of text; raise --max-document-bytes if that is meant")]
    TooLarge { path: String, limit: u64 },
    #[error("{path}: is no sound {format}: {message}")]
    Broken { path: String, format: &'static str, message: String },
    #[error(
        "{path}: is a PDF without a text layer, perhaps a scan; have its text recognised first, for instance by ocrmypdf"
    )]
    NoTextLayer { path: String },
    #[error("{path}: is locked by a password; save it without one")]
    Locked { path: String },
    #[error("{path}: is an archive within an archive, which is not opened; unpack the outer one first")]
    Nested { path: String },
    #[error("{path}: has no column `{column}`; it has {}; name the right one with {flag}", found.join(", "))]
    MissingColumn { path: String, column: String, found: Vec<String>, flag: &'static str },
    #[error("{path}: the column `{column}` holds {found}, which cannot be used so; name the right one with {flag}")]
    ColumnType { path: String, column: String, found: String, flag: &'static str },
    #[error("{path}:{line}: broken row: {message}")]
    BrokenRow { path: String, line: u64, message: String },
    #[error("{path}:{line}: column `{column}` is missing or no text")]
    MissingField { path: String, line: u64, column: String },
}

/// Reads documents from bytes that are no file: what they are is told by themselves, the options or the name, else they are text.
///
/// ```
/// use petition::document::{ReadOptions, read};
/// let documents = read("page.html", "<!doctype html><p>It rained.</p>".as_bytes(), &ReadOptions::default());
/// let texts: Vec<String> = documents?.map(|document| Ok::<_, petition::document::ReadError>(document?.text)).collect::<Result<_, _>>()?;
/// assert_eq!(texts, ["It rained."]);
/// # Ok::<(), petition::document::ReadError>(())
/// ```
///
/// # Errors
/// As [`Input::open`].
pub fn read(name: &str, bytes: impl Read + Send + 'static, options: &ReadOptions) -> Result<Documents, ReadError> {
    let by_name = options.format.map(Kind::Document).or_else(|| Kind::of_name(Path::new(name)));
    let opening = Opening { name: name.to_owned(), by_name, within: false, options: Arc::new(options.clone()) };
    opening.open(Box::new(bytes), None, 0)
}

impl ReadError {
    /// The input, the row in it (lines of text count as rows), and what is wrong.
    ///
    /// ```
    /// let error = petition::document::ReadError::BrokenRow { path: "a.csv".into(), line: 7, message: "a quote".into() };
    /// assert_eq!(error.parts(), ("a.csv", Some(7), "broken row: a quote".to_owned()));
    /// ```
    pub fn parts(&self) -> (&str, Option<u64>, String) {
        let (path, line) = match self {
            Self::BrokenRow { path, line, .. } | Self::MissingField { path, line, .. } => (path, Some(*line)),
            Self::Io { path, .. }
            | Self::NotFound { path }
            | Self::Walk { path, .. }
            | Self::NotText { path, .. }
            | Self::Empty { path }
            | Self::TooLarge { path, .. }
            | Self::Broken { path, .. }
            | Self::NoTextLayer { path }
            | Self::Locked { path }
            | Self::Nested { path }
            | Self::ColumnType { path, .. }
            | Self::MissingColumn { path, .. } => (path, None),
        };
        let told = self.to_string();
        let place = line.map_or_else(|| format!("{path}: "), |line| format!("{path}:{line}: "));
        let reason = told.strip_prefix(&place).unwrap_or(&told).to_owned();
        (path, line, reason)
    }
}

/// The documents of one input, one after the other; an error is one document that could not be had.
pub type Documents = Box<dyn Iterator<Item = Result<Document, ReadError>> + Send>;

impl Input {
    /// Opens the input, looks what it is and checks its columns; documents are then read as they are asked for.
    ///
    /// # Errors
    /// A file that cannot be opened, is no text, is empty, or lacks the text column.
    pub fn open(&self, options: &ReadOptions) -> Result<Documents, ReadError> {
        self.open_watched(options, |bytes| bytes)
    }

    /// Opens the input, and has its bytes pass through what `watch` makes of them, as far as they are read in order.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open_watched(
        &self,
        options: &ReadOptions,
        watch: impl FnOnce(Box<dyn Read + Send>) -> Box<dyn Read + Send>,
    ) -> Result<Documents, ReadError> {
        let io = |source| ReadError::Io { path: self.name.clone(), source };
        let bytes: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path).map_err(io)?),
            None => Box::new(std::io::stdin()),
        };
        self.opening(options).open(watch(bytes), self.path.as_deref(), 0)
    }
}

impl Input {
    fn opening(&self, options: &ReadOptions) -> Opening {
        let (name, options) = (self.name.clone(), Arc::new(options.clone()));
        Opening { name, by_name: Some(self.kind), within: false, options }
    }

    /// What the input holds: how it is packed, and what is in it as far as its first bytes and its name tell.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn recognise(&self, options: &ReadOptions) -> Result<Vec<Kind>, ReadError> {
        let io = |source| ReadError::Io { path: self.name.clone(), source };
        let Some(path) = &self.path else { return Ok(vec![self.kind]) };
        let opening = self.opening(options);
        let mut bytes: Box<dyn Read + Send> = Box::new(File::open(path).map_err(io)?);
        let mut kinds = Vec::new();
        loop {
            let mut head = Vec::new();
            bytes.by_ref().take(recognise::HEAD as u64).read_to_end(&mut head).map_err(io)?;
            let kind = recognise::by_content(&head).unwrap_or(self.kind);
            match kind {
                Kind::Packed(packing @ (Packing::Gzip | Packing::Zstd)) if kinds.is_empty() => {
                    kinds.push(kind);
                    let all: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(head).chain(bytes));
                    bytes = packed::unpacked(packing, all, &opening).map_err(io)?;
                }
                Kind::Packed(Packing::Zip) if kinds.is_empty() => {
                    let file = File::open(path).map_err(io)?;
                    let archive = zip::ZipArchive::new(std::io::BufReader::new(file));
                    kinds.push(packed::zip_kind(&mut archive.map_err(|e| opening.broken("zip archive", &e))?));
                    return Ok(kinds);
                }
                kind => {
                    kinds.push(kind);
                    return Ok(kinds);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::listing::slashed;
    use super::*;

    fn read_all(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Vec<Result<Document, String>>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        let plain = |e: ReadError| e.to_string().replace(&slashed(folder.path()), "");
        let listed = list(&[path], options).map_err(plain)?;
        let documents = listed.get(0).expect("an input").open(options).map_err(plain)?;
        let strip = |mut d: Document| {
            d.id = d.id.replace(&slashed(folder.path()), "");
            d
        };
        Ok(documents.map(|d| d.map(strip).map_err(plain)).collect())
    }

    fn document(id: &str, title: Option<&str>, text: &str) -> Result<Document, String> {
        Ok(Document {
            id: id.to_owned(),
            parent: None,
            title: title.map(str::to_owned),
            text: text.to_owned(),
            ..Document::default()
        })
    }

    #[test]
    fn reads_each_format() {
        let options = ReadOptions::default();
        for (name, bytes, expected) in [
            (
                "a.txt",
                &b"Council meets\n\nIt met."[..],
                vec![document("/a.txt", Some("Council meets"), "Council meets\n\nIt met.")],
            ),
            ("a.txt", b"It met. It went.", vec![document("/a.txt", None, "It met. It went.")]),
            ("a.txt", b"\xef\xbb\xbfIt met.", vec![document("/a.txt", None, "It met.")]),
            ("a.txt", b"\xff\xfeH\0i\0.\0", vec![document("/a.txt", None, "Hi.")]),
            ("a.txt", b"The caf\xe9 said \x93no\x94.", vec![document("/a.txt", None, "The café said “no”.")]),
            (
                "a.md",
                b"text\n\n# The *title*\n",
                vec![document("/a.md", Some("The *title*"), "text\n\n# The *title*\n")],
            ),
            (
                "a.csv",
                b"id,title,text\n7,T,\"a, b\"\n8,,c\n",
                vec![document("7", Some("T"), "a, b"), document("8", None, "c")],
            ),
            ("a.csv", b"text\na\nb\n", vec![document("/a.csv:1", None, "a"), document("/a.csv:2", None, "b")]),
            ("a.tsv", b"id\ttext\nx\ta \"b\"\n", vec![document("x", None, "a \"b\"")]),
            (
                "a.jsonl",
                b"{\"id\": 3, \"text\": \"a\", \"title\": \"T\"}\n\n{\"text\": \"b\"}\n",
                vec![document("3", Some("T"), "a"), document("/a.jsonl:3", None, "b")],
            ),
        ] {
            assert_eq!(read_all(name, bytes, &options), Ok(expected), "{name}");
        }
    }

    #[test]
    fn rows_can_name_their_document() {
        let found = read_all("a.csv", b"id,document,text\nx:1,x,a\n", &ReadOptions::default()).expect("opens");
        assert_eq!(found[0].as_ref().expect("a row").parent.as_deref(), Some("x"));
    }

    #[test]
    fn errors_say_what_to_do() {
        let options = ReadOptions { text_column: "body".to_owned(), ..ReadOptions::default() };
        for (name, bytes, expected) in [
            (
                "a.csv",
                &b"id,text\n1,a\n"[..],
                "/a.csv: has no column `body`; it has id, text; name the right one with --text-column",
            ),
            ("a.csv", b"", "/a.csv: is empty"),
            ("a.txt", b"", "/a.txt: is empty"),
            ("a.txt", b" \n ", "/a.txt: is empty"),
            (
                "a.txt",
                b"PK\x03\x04 zip \0\0",
                "/a.txt: is no sound zip archive: invalid Zip archive: Could not find EOCD",
            ),
            (
                "a.txt",
                b"\x7fELF\x02\x01\x01\0",
                "/a.txt: is no text (it holds the byte 0x02 at offset 4); convert it to text first",
            ),
            (
                "a.csv",
                b"id,body\n\0\0\0",
                "/a.csv: is no text (it holds the byte 0x00 at offset 8); convert it to text first",
            ),
        ] {
            assert_eq!(read_all(name, bytes, &options), Err(expected.to_owned()), "{name}");
        }
        let options = ReadOptions { id_column: Some("key".to_owned()), ..ReadOptions::default() };
        assert_eq!(
            read_all("a.csv", b"id,text\n1,a\n", &options),
            Err("/a.csv: has no column `key`; it has id, text; name the right one with --id-column".to_owned())
        );
    }

    #[test]
    fn a_bad_row_is_reported_and_the_rest_is_read() {
        let options = ReadOptions::default();
        let found = read_all("a.csv", b"id,text\n1,a\n2,b,c\n3,d\n", &options).expect("opens");
        assert_eq!(found[1], Err("/a.csv:3: broken row: the row has 3 fields where the header has 2; look for a missing or extra quote or comma".to_owned()));
        assert_eq!(found[2], document("3", None, "d"));
        let found = read_all("a.csv", b"id,text\n1,a\n2,\"b\n3,d\n", &options).expect("opens");
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], Err("/a.csv:3: broken row: a quote opens here and is never closed".to_owned()));
        let found = read_all("a.jsonl", b"{\"text\": 1}\n{\n{\"text\": \"b\"}", &options).expect("opens");
        assert_eq!(found[0], Err("/a.jsonl:1: column `text` is missing or no text".to_owned()));
        assert!(
            found[1].as_ref().is_err_and(|e| e.starts_with("/a.jsonl:2: broken row: EOF while parsing")),
            "{found:?}"
        );
        assert_eq!(found[2], document("/a.jsonl:3", None, "b"));
    }
}
