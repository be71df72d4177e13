//! Files, folders and standard input → documents. This file decides which inputs there are and in what format; each
//! format has a file of its own.

mod json_lines;
mod lines;
mod table;
mod text;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use thiserror::Error;

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
}

impl Format {
    /// The format that a file's name tells; `None` when it tells nothing.
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" | "text" => Some(Self::Text),
            "md" | "markdown" => Some(Self::Markdown),
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// Rows with columns (true), or one text (false).
    pub fn has_columns(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::JsonLines)
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
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { format: None, text_column: "text".to_owned(), id_column: None, lines: false }
    }
}

/// Why an input, or one of its rows, gives no document. Lines count from 1, the header included.
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
    #[error("{path}: has no column `{column}`; it has {}; name the right one with {flag}", found.join(", "))]
    MissingColumn { path: String, column: String, found: Vec<String>, flag: &'static str },
    #[error("{path}:{line}: broken row: {message}")]
    BrokenRow { path: String, line: u64, message: String },
    #[error("{path}:{line}: column `{column}` is missing or no text")]
    MissingField { path: String, line: u64, column: String },
}

/// One file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The file; `None` is standard input.
    pub path: Option<PathBuf>,
    /// The name in messages and document ids: the path as it was given, with `/` between folders.
    pub name: String,
    /// How it is read.
    pub format: Format,
    /// Its size in bytes; 0 when unknown.
    pub size: u64,
    /// It was named itself, not found in a folder.
    pub named: bool,
}

/// The inputs that paths stand for.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Those to read, in order: as given, folders sorted by name within.
    pub inputs: Vec<Input>,
    /// Files in folders whose names tell no format.
    pub skipped: Vec<PathBuf>,
    /// What could not be listed.
    pub errors: Vec<ReadError>,
}

/// Lists the inputs that paths stand for; `-` is standard input. Hidden files in folders are passed over.
///
/// # Errors
/// A path that is not there. What goes wrong inside a folder is listed with the inputs.
pub fn list(paths: &[PathBuf], options: &ReadOptions) -> Result<Inputs, ReadError> {
    let mut listed = Inputs::default();
    for path in paths {
        let name = slashed(path);
        if path == Path::new("-") {
            let format = options.format.unwrap_or(Format::Text);
            listed.inputs.push(Input { path: None, name, format, size: 0, named: true });
        } else if path.is_dir() {
            list_folder(path, options, &mut listed);
        } else {
            let size = match path.metadata() {
                Ok(metadata) => metadata.len(),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(ReadError::NotFound { path: name }),
                Err(source) => return Err(ReadError::Io { path: name, source }),
            };
            let format = options.format.or_else(|| Format::of_name(path)).unwrap_or(Format::Text);
            listed.inputs.push(Input { path: Some(path.clone()), name, format, size, named: true });
        }
    }
    Ok(listed)
}

fn list_folder(folder: &Path, options: &ReadOptions, listed: &mut Inputs) {
    let is_hidden = |e: &walkdir::DirEntry| e.depth() > 0 && e.file_name().to_string_lossy().starts_with('.');
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name().follow_links(true);
    for entry in walk.into_iter().filter_entry(|e| !is_hidden(e)) {
        match entry {
            Ok(entry) if !entry.file_type().is_file() => {}
            Ok(entry) => match options.format.or_else(|| Format::of_name(entry.path())) {
                Some(format) => listed.inputs.push(Input {
                    path: Some(entry.path().to_owned()),
                    name: slashed(entry.path()),
                    format,
                    size: entry.metadata().map_or(0, |m| m.len()),
                    named: false,
                }),
                None => listed.skipped.push(entry.into_path()),
            },
            Err(e) => listed.errors.push(ReadError::Walk {
                path: slashed(e.path().unwrap_or(folder)),
                message: e
                    .io_error()
                    .map_or_else(|| "a link leads back to its own folder".to_owned(), ToString::to_string),
            }),
        }
    }
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

/// The documents of one input, one after the other; an error is one document that could not be had.
pub type Documents = Box<dyn Iterator<Item = Result<Document, ReadError>> + Send>;

impl Input {
    /// Opens the input and checks its columns; documents are then read as they are asked for.
    ///
    /// # Errors
    /// A file that cannot be opened, is no text, is empty, or lacks the text column.
    pub fn open(&self, options: &ReadOptions) -> Result<Documents, ReadError> {
        let io = |source| ReadError::Io { path: self.name.clone(), source };
        let bytes: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path).map_err(io)?),
            None => Box::new(std::io::stdin()),
        };
        match self.format {
            Format::Text if options.lines => Ok(Box::new(lines::read(&self.name, text::decoding(&self.name, bytes)?))),
            Format::Text | Format::Markdown => {
                let mut all = Vec::new();
                let mut bytes = bytes;
                bytes.read_to_end(&mut all).map_err(io)?;
                let document = text::read(&self.name, self.format, &all)?;
                Ok(Box::new(std::iter::once(Ok(document))))
            }
            Format::Csv => Ok(Box::new(table::read(&self.name, b',', text::decoding(&self.name, bytes)?, options)?)),
            Format::Tsv => Ok(Box::new(table::read(&self.name, b'\t', text::decoding(&self.name, bytes)?, options)?)),
            Format::JsonLines => {
                Ok(Box::new(json_lines::read(&self.name, text::decoding(&self.name, bytes)?, options)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Vec<Result<Document, String>>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        let plain = |e: ReadError| e.to_string().replace(&slashed(folder.path()), "");
        let listed = list(&[path], options).map_err(plain)?;
        let documents = listed.inputs[0].open(options).map_err(plain)?;
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
            lines: None,
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
                "/a.txt: is no text (it holds the byte 0x03 at offset 2); convert it to text first",
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

    #[test]
    fn folders_are_walked_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.txt", "a/z.md", "a/y.csv", ".hidden.txt", "c.pdf"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "text").expect("written");
        }
        let listed = list(&[folder.path().to_owned()], &ReadOptions::default()).expect("listed");
        let names: Vec<_> = listed.inputs.iter().map(|i| i.name.replace(&slashed(folder.path()), "")).collect();
        assert_eq!(names, ["/a/y.csv", "/a/z.md", "/b.txt"]);
        assert_eq!(listed.skipped, [folder.path().join("c.pdf")]);
        let missing = list(&[folder.path().join("nothing")], &ReadOptions::default()).expect_err("not there");
        assert!(missing.to_string().ends_with("/nothing: is not there; check the name"), "{missing}");
    }
}
