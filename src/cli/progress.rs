//! Progress on stderr: a bar on a terminal, lines elsewhere if asked for, else nothing.

use super::{RunArgs, When, say};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What is counted.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Bytes of input.
    Bytes,
    /// Steps of training.
    Steps,
}

/// Shows how far the work has come.
pub enum Progress {
    /// A bar on a terminal.
    Bar(ProgressBar),
    /// A line now and then.
    Lines(Mutex<Instant>, Unit),
    /// Nothing.
    Silent,
}

impl Progress {
    /// Progress as the arguments ask for it; a total of 0 is unknown.
    pub fn new(args: &RunArgs, unit: Unit, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        match args.progress {
            _ if args.quiet => Self::Silent,
            When::Never => Self::Silent,
            When::Auto | When::Always if terminal => Self::Bar(bar(unit, total)),
            When::Auto => Self::Silent,
            When::Always => Self::Lines(Mutex::new(Instant::now()), unit),
        }
    }

    /// The work has come to `done` of `total`.
    pub fn set(&self, done: u64, total: u64) {
        match self {
            Self::Bar(bar) => {
                if total > 0 {
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            Self::Lines(last, unit) => {
                let Ok(mut last) = last.lock() else { return };
                if last.elapsed() < Duration::from_secs(1) && done < total {
                    return;
                }
                *last = Instant::now();
                match unit {
                    Unit::Bytes => {
                        say(&format!("{} of {} read", indicatif::HumanBytes(done), indicatif::HumanBytes(total)))
                    }
                    Unit::Steps => say(&format!("step {done} of {total}")),
                }
            }
            Self::Silent => {}
        }
    }

    /// So many of so many files are read.
    pub fn files(&self, done: usize, total: usize) {
        if let Self::Bar(bar) = self {
            bar.set_message(format!("{done}/{total} files"));
        }
    }

    /// The work is done; a bar goes away.
    pub fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar(unit: Unit, total: u64) -> ProgressBar {
    let template = match unit {
        Unit::Bytes => "{wide_bar} {msg} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}",
        Unit::Steps => "{wide_bar} {pos}/{len} steps, {elapsed}",
    };
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
