//! A folder to run the program in, as its users would, and what a run came to. Each test file needs a part of it.
#![allow(dead_code)]

use assert_cmd::Command;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use tempfile::TempDir;

/// A folder to work in.
pub struct Desk(TempDir);

/// What a run came to.
pub struct Run {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("started");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            exit: output.status.code().expect("no signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Desk {
    /// An empty one.
    pub fn empty() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("readable")
    }

    /// The names of what is in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("listed");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The program, to be run here.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("petition").expect("built");
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).write_stdin(""))
    }

    /// Runs a line of arguments that hold no spaces.
    pub fn run_line(&self, arguments: &str) -> Run {
        self.run(&arguments.split(' ').collect::<Vec<_>>())
    }
}

/// A running `petition review`; it is killed when dropped, as by SIGKILL.
pub struct Served {
    program: Child,
    /// The address that it printed.
    pub address: String,
}

impl Served {
    pub fn pid(&self) -> u32 {
        self.program.id()
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Desk {
    /// Starts a `petition review` here, and waits for its address.
    pub fn serve(&self, arguments: &[&str]) -> Served {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_petition"))
            .current_dir(self.0.path())
            .args(arguments)
            .arg("-q")
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut address = String::new();
        let stdout = program.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("an address");
        Served { program, address: address.trim().to_owned() }
    }
}

/// A path within the project.
pub fn of_project(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}
