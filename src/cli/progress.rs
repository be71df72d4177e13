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

/// What lines are written from.
pub struct Lines {
    started: Instant,
    last: Instant,
    /// What the last line told of.
    done: u64,
    files: Option<(usize, usize)>,
}

/// Shows how far the work has come.
pub enum Progress {
    /// A bar on a terminal.
    Bar(ProgressBar),
    /// A line now and then.
    Lines(Mutex<Lines>, Unit),
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
            When::Always => {
                let now = Instant::now();
                Self::Lines(Mutex::new(Lines { started: now, last: now, done: 0, files: None }), unit)
            }
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
            Self::Lines(lines, unit) => {
                let Ok(mut lines) = lines.lock() else { return };
                let is_last = done >= total && lines.done != done;
                if lines.last.elapsed() < Duration::from_secs(1) && !is_last {
                    return;
                }
                (lines.last, lines.done) = (Instant::now(), done);
                match unit {
                    Unit::Bytes => {
                        let files = lines.files.map(|(n, of)| format!(", {n} of {of} files")).unwrap_or_default();
                        let left = left(lines.started.elapsed(), done, total).map(|s| format!(", about {s} s left"));
                        let (done, total) = (indicatif::HumanBytes(done), indicatif::HumanBytes(total));
                        say(&format!("{done} of {total} read{files}{}", left.unwrap_or_default()));
                    }
                    Unit::Steps => say(&format!("step {done} of {total}")),
                }
            }
            Self::Silent => {}
        }
    }

    /// So many of so many files are read.
    pub fn files(&self, done: usize, total: usize) {
        match self {
            Self::Bar(bar) => bar.set_message(format!("{done}/{total} files")),
            Self::Lines(lines, _) => {
                if let Ok(mut lines) = lines.lock() {
                    lines.files = Some((done, total));
                }
            }
            Self::Silent => {}
        }
    }

    /// The work is done; a bar goes away.
    pub fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Whole seconds that the rest takes, if it goes on as it went.
fn left(elapsed: Duration, done: u64, total: u64) -> Option<u64> {
    let rest = total.checked_sub(done).filter(|&rest| rest > 0 && done > 0)?;
    Some((elapsed.as_secs_f64() * rest as f64 / done as f64).ceil() as u64)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_was_done() {
        let seconds = Duration::from_secs(10);
        assert_eq!(left(seconds, 100, 400), Some(30));
        assert_eq!([left(seconds, 0, 400), left(seconds, 400, 400), left(seconds, 5, 0)], [None; 3]);
    }
}
