//! Readers that give a byte at a time, are interrupted, or fail at any place: the same documents, or those before the fault and an
//! error that says so.

mod desk;

use petition::document::{ReadError, ReadOptions, read};
use std::io::{Error, ErrorKind, Read, Result as IoResult};
use std::path::{Path, PathBuf};

/// Gives a few bytes at a time, with an interruption before each, and fails at a place.
struct Faulty {
    bytes: Vec<u8>,
    at: usize,
    fails_at: usize,
    interrupted: bool,
}

impl Read for Faulty {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        if self.at >= self.fails_at {
            return Err(Error::other("the disk is scratched"));
        }
        let few = 1 + self.at % 7;
        let n = few.min(buffer.len()).min(self.bytes.len() - self.at).min(self.fails_at - self.at);
        buffer[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// What was read before the first error, and that.
fn documents(name: &str, bytes: impl Read + Send + 'static) -> (Vec<(String, String)>, Option<ReadError>) {
    let mut found = Vec::new();
    match read(name, bytes, &ReadOptions::default()) {
        Err(error) => (found, Some(error)),
        Ok(documents) => {
            for document in documents {
                match document {
                    Ok(document) => found.push((document.id, document.text)),
                    Err(error) => return (found, Some(error)),
                }
            }
            (found, None)
        }
    }
}

fn fixtures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            fixtures(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn readers_that_dawdle_give_the_same_and_those_that_fail_say_so() {
    let mut paths = Vec::new();
    fixtures(Path::new(&desk::of_project("tests/documents")), &mut paths);
    let mut n_sound = 0;
    for path in paths {
        let (name, bytes) = (path.display().to_string(), std::fs::read(&path).expect("a fixture"));
        let (sound, None) = documents(&name, std::io::Cursor::new(bytes.clone())) else { continue };
        n_sound += 1;
        let faulty = |fails_at| Faulty { bytes: bytes.clone(), at: 0, fails_at, interrupted: false };
        let (dawdled, error) = documents(&name, faulty(usize::MAX));
        assert!(error.is_none() && dawdled == sound, "{name}: {error:?}");
        for fails_at in (0..8).map(|part| part * bytes.len() / 8) {
            let (before, error) = documents(&name, faulty(fails_at));
            assert!(sound.starts_with(&before), "{name}: other documents before a fault at byte {fails_at}");
            match error.map(|e| e.to_string()) {
                Some(error) => assert!(error.contains("the disk is scratched") && error.contains(&name), "{error}"),
                // What stands behind the last row of Arrow is not needed.
                None => assert!(before == sound, "{name}: a fault at byte {fails_at} goes unseen"),
            }
        }
    }
    assert!(n_sound > 35, "{n_sound} fixtures");
}
