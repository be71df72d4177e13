//! SHA-256 of bytes and files, in hexadecimal, as `sha256sum` writes it.

use sha2::Digest as _;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// A hash in the making; what is written to it is hashed.
///
/// ```
/// use std::io::Write;
/// let mut digest = petition::digest::Digest::default();
/// digest.write_all(b"abc")?;
/// assert!(digest.hex().starts_with("ba7816bf"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Digest(sha2::Sha256);

impl Digest {
    /// Hashes some bytes more.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The hash, in hexadecimal.
    pub fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The hash of some bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.update(bytes);
    digest.hex()
}

/// The hash of a file, and how many bytes it has.
///
/// # Errors
/// The file cannot be read.
pub fn of_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut digest = Digest::default();
    let n_bytes = std::io::copy(&mut File::open(path)?, &mut digest)?;
    Ok((digest.hex(), n_bytes))
}
