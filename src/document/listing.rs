//! Paths → the inputs that they stand for: files, folders with all that is in them, standard input. A million names take some
//! forty megabytes: they stand one behind the other in one piece of memory.

use super::{Format, Kind, ReadError, ReadOptions, recognise};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// One file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The file; `None` is standard input.
    pub path: Option<PathBuf>,
    /// The name in messages and document ids: the path as it was given, with `/` between folders.
    pub name: String,
    /// What its name says that it is; what it holds is looked at first when it is opened.
    pub kind: Kind,
    /// Its size in bytes; 0 when unknown.
    pub size: u64,
    /// It was named itself, not found in a folder.
    pub named: bool,
}

/// Why something in a folder is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// Its name begins with a dot.
    Hidden,
    /// Neither its name nor its first bytes tell a format that is read.
    UnknownFormat,
}

impl Skipped {
    /// The reason in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::UnknownFormat => "neither its name nor its content tells a format that petition reads",
        }
    }
}

/// The inputs that paths stand for.
#[derive(Debug, Default)]
pub struct Inputs {
    /// All names of files, one behind the other, as the system has them.
    names: Vec<u8>,
    folders: Vec<PathBuf>,
    inputs: Vec<Entry<Kind>>,
    skipped: Vec<Entry<Skipped>>,
    /// What could not be listed.
    pub errors: Vec<ReadError>,
}

/// A file of a folder, or a path that was given.
#[derive(Debug, Clone, Copy)]
struct Entry<W> {
    start: u32,
    length: u32,
    /// The folder's number; [`NO_FOLDER`] for a path that was given.
    folder: u32,
    size: u64,
    what: W,
}

const NO_FOLDER: u32 = u32::MAX;

/// Folders within folders that are followed.
const DEEPEST: usize = 256;

/// Lists the inputs that paths stand for; `-` is standard input. Folders are sorted by name within.
///
/// # Errors
/// A path that is not there. What goes wrong inside a folder is listed with the inputs.
pub fn list(paths: &[PathBuf], options: &ReadOptions) -> Result<Inputs, ReadError> {
    let mut listed = Inputs::default();
    for path in paths {
        let name = || slashed(path);
        if path == Path::new("-") {
            let what = Kind::Document(options.format.unwrap_or(Format::Text));
            listed.add(path.as_os_str(), NO_FOLDER, 0, what);
            continue;
        }
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => listed.add_folder(path, options, &mut Vec::new()),
            Ok(metadata) => {
                let by_name = || Kind::of_name(path).unwrap_or(Kind::Document(Format::Text));
                let what = options.format.map_or_else(by_name, Kind::Document);
                listed.add(path.as_os_str(), NO_FOLDER, metadata.len(), what);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(ReadError::NotFound { path: name() }),
            Err(source) => return Err(ReadError::Io { path: name(), source }),
        }
    }
    Ok(listed)
}

impl Inputs {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The bytes of all files.
    pub fn n_bytes(&self) -> u64 {
        self.inputs.iter().map(|e| e.size).sum()
    }

    /// The kinds that names tell, in order.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.inputs.iter().map(|e| e.what)
    }

    /// One of them: in the order of the paths that were given, and by name within a folder.
    pub fn get(&self, number: usize) -> Option<Input> {
        let entry = self.inputs.get(number)?;
        let path = self.path(entry);
        let is_stdin = entry.folder == NO_FOLDER && path == Path::new("-");
        Some(Input {
            name: slashed(&path),
            path: (!is_stdin).then_some(path),
            kind: entry.what,
            size: entry.size,
            named: entry.folder == NO_FOLDER,
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Input> + '_ {
        (0..self.len()).filter_map(|number| self.get(number))
    }

    /// What folders hold that is not read, and why.
    pub fn skipped(&self) -> impl Iterator<Item = (PathBuf, Skipped)> + '_ {
        self.skipped.iter().map(|entry| (self.path(entry), entry.what))
    }

    fn path<W>(&self, entry: &Entry<W>) -> PathBuf {
        let name = os_name(&self.names[entry.start as usize..][..entry.length as usize]);
        self.folders.get(entry.folder as usize).map_or_else(|| PathBuf::from(&name), |folder| folder.join(&name))
    }

    fn add(&mut self, name: &OsStr, folder: u32, size: u64, what: Kind) {
        if let Some(entry) = self.entry(name, folder, size, what) {
            self.inputs.push(entry);
        }
    }

    /// Keeps a name; none if there is no more room, after four gigabytes of names.
    fn entry<W>(&mut self, name: &OsStr, folder: u32, size: u64, what: W) -> Option<Entry<W>> {
        let bytes = name.as_encoded_bytes();
        let (start, length) = (u32::try_from(self.names.len()).ok()?, u32::try_from(bytes.len()).ok()?);
        self.names.extend_from_slice(bytes);
        Some(Entry { start, length, folder, size, what })
    }

    /// Adds what is in a folder; `above` are the folders that it is in, by their real paths.
    fn add_folder(&mut self, folder: &Path, options: &ReadOptions, above: &mut Vec<PathBuf>) {
        if let Err(error) = self.try_add_folder(folder, options, above) {
            self.errors.push(error);
        }
    }

    fn try_add_folder(
        &mut self,
        folder: &Path,
        options: &ReadOptions,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), ReadError> {
        let walk = |message: &str| ReadError::Walk { path: slashed(folder), message: message.to_owned() };
        let io = |e: std::io::Error| walk(&e.to_string());
        let real = fs::canonicalize(folder).map_err(io)?;
        if above.contains(&real) {
            return Err(walk("a link leads back to its own folder"));
        }
        if above.len() >= DEEPEST {
            return Err(walk("is too deep in folders"));
        }
        let number = u32::try_from(self.folders.len()).map_err(|_| walk("there are too many folders"))?;
        self.folders.push(folder.to_owned());
        // Names first and sorted where they stand, so that a folder of a million files takes no more than its names.
        let mut places: Vec<(u32, u32)> = Vec::new();
        for entry in fs::read_dir(folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            places.extend(self.entry(&entry.file_name(), number, 0, ()).map(|e| (e.start, e.length)));
        }
        let names = &self.names;
        let name_of = |&(start, length): &(u32, u32)| &names[start as usize..][..length as usize];
        places.sort_unstable_by(|a, b| name_of(a).cmp(name_of(b)));
        above.push(real);
        for (start, length) in places {
            self.add_entry(Entry { start, length, folder: number, size: 0, what: () }, options, above);
        }
        above.pop();
        Ok(())
    }

    fn add_entry(&mut self, entry: Entry<()>, options: &ReadOptions, above: &mut Vec<PathBuf>) {
        let Entry { start, length, folder, .. } = entry;
        if self.names.get(start as usize) == Some(&b'.') {
            self.skipped.push(Entry { start, length, folder, size: 0, what: Skipped::Hidden });
            return;
        }
        let path = self.path(&entry);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                return self.errors.push(ReadError::Walk { path: slashed(&path), message: error.to_string() });
            }
        };
        if metadata.is_dir() {
            return self.add_folder(&path, options, above);
        }
        if !metadata.is_file() {
            // A pipe or device in a folder would be waited for without end.
            return self.skipped.push(Entry { start, length, folder, size: 0, what: Skipped::UnknownFormat });
        }
        let size = metadata.len();
        let by_name = || Kind::of_name(&path).or_else(|| by_content(&path));
        match options.format.map(Kind::Document).or_else(by_name) {
            Some(what) => self.inputs.push(Entry { start, length, folder, size, what }),
            None => self.skipped.push(Entry { start, length, folder, size, what: Skipped::UnknownFormat }),
        }
    }
}

/// What a file's first bytes tell; a file that cannot be read tells nothing.
fn by_content(path: &Path) -> Option<Kind> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(recognise::HEAD as u64).read_to_end(&mut head).ok()?;
    recognise::by_content(&head)
}

/// A name as the system has it.
#[cfg(unix)]
fn os_name(bytes: &[u8]) -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_owned())
}

/// A name; one that is no Unicode is not found again.
#[cfg(not(unix))]
fn os_name(bytes: &[u8]) -> std::ffi::OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// A path with `/` between folders.
pub(super) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listed: &Inputs, folder: &Path) -> Vec<String> {
        listed.iter().map(|i| i.name.replace(&slashed(folder), "")).collect()
    }

    #[test]
    fn folders_are_walked_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("b.txt", "text"),
            ("a/z.md", "text"),
            ("a/y.csv", "text"),
            ("a.b/x.txt", "text"),
            (".hidden.txt", "text"),
            ("c.doc", "text"),
            ("letter", "%PDF-1.7 and so on"),
            ("d.csv.gz", "text"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        let listed = list(&[folder.path().to_owned()], &ReadOptions::default()).expect("listed");
        let expected = ["/a/y.csv", "/a/z.md", "/a.b/x.txt", "/b.txt", "/d.csv.gz", "/letter"];
        assert_eq!(names(&listed, folder.path()), expected);
        assert_eq!(listed.get(5).map(|i| i.kind), Some(Kind::Document(Format::Pdf)));
        assert_eq!(listed.n_bytes(), 4 * 5 + 18);
        let skipped: Vec<_> = listed.skipped().collect();
        let hidden = (folder.path().join(".hidden.txt"), Skipped::Hidden);
        assert_eq!(skipped, [hidden, (folder.path().join("c.doc"), Skipped::UnknownFormat)]);
        let missing = list(&[folder.path().join("nothing")], &ReadOptions::default()).expect_err("not there");
        assert!(missing.to_string().ends_with("/nothing: is not there; check the name"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_its_own_folder_is_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("a")).expect("made");
        fs::write(folder.path().join("a/x.txt"), "text").expect("written");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).expect("linked");
        std::os::unix::fs::symlink(folder.path().join("gone"), folder.path().join("lost")).expect("linked");
        let listed = list(&[folder.path().to_owned()], &ReadOptions::default()).expect("listed");
        assert_eq!(names(&listed, folder.path()), ["/a/x.txt"]);
        let errors: Vec<_> = listed.errors.iter().map(|e| e.to_string().replace(&slashed(folder.path()), "")).collect();
        assert_eq!(errors[0], "/a/loop: cannot be walked: a link leads back to its own folder");
        assert!(errors[1].starts_with("/lost: cannot be walked: No such file"), "{errors:?}");
        assert_eq!(errors.len(), 2);
    }
}
