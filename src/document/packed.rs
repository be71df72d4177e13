//! Compressed files and archives → what is in them, read as streams. Nothing is unpacked to disk, and what grows out of
//! proportion is given up.

use super::opening::Opening;
use super::{Documents, Format, Kind, Packing, ReadError};
use std::io::{self, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes of a piece of a member that is handed on.
const PIECE: usize = 64 << 10;
/// Pieces that are read ahead.
const AHEAD: usize = 4;
/// So much may come out of anything, however small.
pub(super) const ALWAYS: u64 = 64 << 20;

/// A stream that unpacks another.
pub(super) fn unpacked(
    packing: Packing,
    bytes: Box<dyn Read + Send>,
    opening: &Opening,
) -> io::Result<Box<dyn Read + Send>> {
    let budget = Budget::new(opening.options.limits.max_unpack_ratio);
    let bytes = Counted { bytes, budget: budget.clone() };
    let unpacked: Box<dyn Read + Send> = match packing {
        Packing::Zstd => Box::new(zstd::Decoder::new(bytes)?),
        _ => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
    };
    Ok(Box::new(Guarded { bytes: unpacked, budget }))
}

/// The documents of a tar archive.
pub(super) fn tar(bytes: Box<dyn Read + Send>, opening: Opening) -> Documents {
    spawn(opening, move |opening, out| {
        let mut archive = tar::Archive::new(bytes);
        let broken = |e: io::Error| opening.broken("tar archive", &e);
        for entry in archive.entries().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if out.member(opening, &name, entry).is_err() {
                break;
            }
        }
        Ok(())
    })
}

/// The documents of a zip archive.
pub(super) fn zip<R: Read + Seek + Send + 'static>(
    mut archive: zip::ZipArchive<R>,
    size: u64,
    opening: Opening,
) -> Documents {
    spawn(opening, move |opening, out| {
        // One budget for all members: they may overlap.
        let budget = Budget::new(opening.options.limits.max_unpack_ratio);
        budget.0.packed.store(size, Ordering::Relaxed);
        for number in 0..archive.len() {
            let member = match archive.by_index(number) {
                Ok(member) => member,
                Err(zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED)) => {
                    return Err(ReadError::Locked { path: opening.name.clone() });
                }
                Err(error) => return Err(opening.broken("zip archive", &error)),
            };
            if !member.is_file() {
                continue;
            }
            let name = member.name().map_err(|e| opening.broken("zip archive", &e))?.into_owned();
            if out.member(opening, &name, Guarded { bytes: member, budget: budget.clone() }).is_err() {
                break;
            }
        }
        Ok(())
    })
}

/// What a zip file is: an archive, or a document in its clothes.
pub(super) fn zip_kind<R: Read + Seek>(archive: &mut zip::ZipArchive<R>) -> Kind {
    let has = |name: &str| archive.index_for_name(name).is_some();
    let is_docx = has("word/document.xml");
    let mut mimetype = String::new();
    if let Ok(member) = archive.by_name("mimetype") {
        let _ = member.take(100).read_to_string(&mut mimetype);
    }
    Format::of_zip(is_docx, mimetype.trim()).map_or(Kind::Packed(Packing::Zip), Kind::Document)
}

/// Runs through an archive in a thread of its own, since its members borrow it, a little ahead of who asks.
fn spawn(opening: Opening, work: impl FnOnce(&Opening, &Out) -> Result<(), ReadError> + Send + 'static) -> Documents {
    let (sender, found) = sync_channel(0);
    let out = Out(sender);
    std::thread::spawn(move || {
        if let Err(error) = work(&opening, &out) {
            let _ = out.0.send(Found::Failed(error));
        }
    });
    let open = |found| {
        let failed = |error| Box::new(std::iter::once(Err(error))) as Documents;
        match found {
            Found::Member(opening, bytes) => opening.open(Box::new(bytes), None, 0).unwrap_or_else(failed),
            Found::Failed(error) => failed(error),
        }
    };
    Box::new(found.into_iter().flat_map(open))
}

/// What comes out of an archive.
enum Found {
    Member(Opening, Pipe),
    Failed(ReadError),
}

/// Where it goes.
struct Out(SyncSender<Found>);

/// Nobody asks for more.
struct Gone;

impl Out {
    /// Hands on a member, if it is none that is passed over.
    fn member(&self, archive: &Opening, name: &str, mut bytes: impl Read) -> Result<(), Gone> {
        let is_hidden = |part: &str| part.starts_with('.') && part != "." && part != ".." || part == "__MACOSX";
        if name.split(['/', '\\']).any(is_hidden) {
            return Ok(());
        }
        let by_name = archive.options.format.map(Kind::Document).or_else(|| Kind::of_name(Path::new(name)));
        let name = format!("{}/{name}", archive.name);
        let member = Opening { name, by_name, within: true, options: Arc::clone(&archive.options) };
        let (pieces, pipe) = Pipe::new();
        self.0.send(Found::Member(member, pipe)).map_err(|_| Gone)?;
        loop {
            let mut piece = vec![0; PIECE];
            let read = match bytes.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) => return Ok(()),
                Ok(n) => {
                    piece.truncate(n);
                    Ok(piece)
                }
                Err(error) => Err(error),
            };
            let at_end = read.is_err();
            // Whoever has read enough of a member lets go of it.
            if pieces.send(read).is_err() || at_end {
                return Ok(());
            }
        }
    }
}

/// The bytes of a member, from the thread that reads them.
struct Pipe {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Cursor<Vec<u8>>,
}

impl Pipe {
    fn new() -> (SyncSender<io::Result<Vec<u8>>>, Self) {
        let (sender, pieces) = sync_channel(AHEAD);
        (sender, Self { pieces, piece: Cursor::default() })
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.piece.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            match self.pieces.recv() {
                Ok(piece) => self.piece = Cursor::new(piece?),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// How much may come out of how much.
#[derive(Clone)]
struct Budget(Arc<Counts>);

struct Counts {
    packed: AtomicU64,
    unpacked: AtomicU64,
    ratio: u64,
}

impl Budget {
    fn new(ratio: u64) -> Self {
        Self(Arc::new(Counts { packed: AtomicU64::new(0), unpacked: AtomicU64::new(0), ratio }))
    }

    fn spend(&self, n: usize) -> io::Result<()> {
        let Counts { packed, unpacked, ratio } = &*self.0;
        let so_far = unpacked.fetch_add(n as u64, Ordering::Relaxed) + n as u64;
        if so_far <= ALWAYS.max(packed.load(Ordering::Relaxed).saturating_mul(*ratio)) {
            return Ok(());
        }
        Err(io::Error::other(format!("it {}", too_much(*ratio))))
    }
}

/// What is said of a bomb.
pub(super) fn too_much(ratio: u64) -> String {
    format!("unpacks to more than {ratio} times its size, as a bomb does; raise --max-unpack-ratio if that is meant")
}

/// Counts what goes in.
struct Counted<R> {
    bytes: R,
    budget: Budget,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read(buffer)?;
        self.budget.0.packed.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Counts what comes out, and stops it.
struct Guarded<R> {
    bytes: R,
    budget: Budget,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read(buffer)?;
        self.budget.spend(n)?;
        Ok(n)
    }
}

/// Reads all, if it is not too much.
pub(super) fn read_whole(name: &str, bytes: impl Read, opening: &Opening) -> Result<Vec<u8>, ReadError> {
    let limits = &opening.options.limits;
    let mut all = Vec::new();
    let limit = limits.max_document_bytes.saturating_add(1);
    bytes.take(limit).read_to_end(&mut all).map_err(|source| ReadError::Io { path: name.to_owned(), source })?;
    limits.check_document(name, all.len() as u64)?;
    Ok(all)
}

/// A zip archive in memory.
pub(super) fn zip_of(bytes: Vec<u8>, opening: &Opening) -> Result<zip::ZipArchive<Cursor<Vec<u8>>>, ReadError> {
    zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| opening.broken("zip archive", &e))
}
