//! Where results go: stdout, or a file that is written beside its final name and renamed when it is whole. What is there and no file,
//! such as a pipe or `/dev/null`, is written to as it stands: a new file must not take its place.

use anyhow::Context;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, StdoutLock, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An open output.
pub enum Output {
    /// Standard output.
    Stdout(BufWriter<StdoutLock<'static>>),
    /// A pipe or device.
    Device(BufWriter<File>),
    /// A file to be.
    File(BufWriter<NamedTempFile>, PathBuf),
    /// A file to be that is gone on with if the program is stopped: what there is of it, its name until then, its name.
    Part(BufWriter<File>, PathBuf, PathBuf),
}

/// The name of a file that is not whole yet.
pub fn part_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

impl Output {
    /// Opens the file, or stdout for none or `-`.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|p| *p != Path::new("-")) else {
            return Ok(Self::Stdout(BufWriter::with_capacity(1 << 16, std::io::stdout().lock())));
        };
        anyhow::ensure!(!path.is_dir(), "{}: is a folder; name a file", path.display());
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            let device = File::options().write(true).open(path).with_context(|| path.display().to_string())?;
            return Ok(Self::Device(BufWriter::with_capacity(1 << 16, device)));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        anyhow::ensure!(folder.is_dir(), "{}: there is no folder {}; make it first", path.display(), folder.display());
        let file = tempfile::Builder::new()
            .prefix(".petition-")
            .permissions_of_new_files()
            .tempfile_in(folder)
            .with_context(|| format!("{}: cannot be written here", path.display()))?;
        Ok(Self::File(BufWriter::with_capacity(1 << 16, file), path.to_owned()))
    }

    /// Opens what there is of a file, as far as `n_bytes`, and holds it for this program alone.
    pub fn open_part(path: &Path, n_bytes: u64) -> anyhow::Result<Self> {
        let part = part_name(path);
        let name = || part.display().to_string();
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&part).with_context(name)?;
        file.try_lock().map_err(|_| anyhow::anyhow!("{}: is in use by another petition", name()))?;
        file.set_len(n_bytes).with_context(name)?;
        file.seek(SeekFrom::End(0)).with_context(name)?;
        Ok(Self::Part(BufWriter::with_capacity(1 << 16, file), part, path.to_owned()))
    }

    /// Brings all that was written to the disk.
    pub fn sync(&mut self) -> std::io::Result<()> {
        self.flush()?;
        match self {
            Self::Part(out, ..) => out.get_ref().sync_data(),
            _ => Ok(()),
        }
    }

    /// Where a file stands until it has its name.
    pub fn place(&self) -> Option<&Path> {
        match self {
            Self::File(out, _) => Some(out.get_ref().path()),
            Self::Part(_, part, _) => Some(part),
            Self::Stdout(_) | Self::Device(_) => None,
        }
    }

    /// Writes what is left and gives a file its name.
    pub fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush().context("stdout"),
            Self::Device(mut out) => out.flush().context("the output"),
            Self::File(out, path) => {
                let name = || path.display().to_string();
                let file = out.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(name)?;
                file.as_file().sync_all().with_context(name)?;
                file.persist(&path).with_context(name)?;
                Ok(())
            }
            Self::Part(mut out, part, path) => {
                let name = || path.display().to_string();
                out.flush().and_then(|()| out.get_ref().sync_all()).with_context(name)?;
                std::fs::rename(&part, &path).with_context(name)
            }
        }
    }
}

/// The permissions that a program's new files usually have, which temporary files do not.
trait NewFilePermissions {
    fn permissions_of_new_files(&mut self) -> &mut Self;
}

impl NewFilePermissions for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_of_new_files(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask still takes its part.
        self.permissions(std::fs::Permissions::from_mode(0o666))
    }

    #[cfg(not(unix))]
    fn permissions_of_new_files(&mut self) -> &mut Self {
        self
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Device(out) => out.write(bytes),
            Self::File(out, _) => out.write(bytes),
            Self::Part(out, ..) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Device(out) => out.flush(),
            Self::File(out, _) => out.flush(),
            Self::Part(out, ..) => out.flush(),
        }
    }
}
