//! What stands beside a table so that it can be defended later: `OUT.meta.json`.

use super::output::Output;
use super::reading::InputRead;
use anyhow::Context;
use petition::digest;
use petition::document::Inputs;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// `OUT.meta.json`.
pub fn name(table: &Path) -> PathBuf {
    beside(table, ".meta.json")
}

/// Where what is known of each input is gathered meanwhile, a line each.
pub fn inputs_name(table: &Path) -> PathBuf {
    beside(table, ".inputs")
}

/// A name with this ending added.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What is known of an input that is done, as a line.
pub fn line(read: &InputRead) -> String {
    let (hash, n_bytes) = read.hash().unzip();
    let n_bytes = n_bytes.unwrap_or(read.size);
    let value = json!({
        "path": read.name, "bytes": n_bytes, "sha256": hash, "rows": read.n_rows, "failed": read.n_failed,
    });
    format!("{value}\n")
}

/// Writes the whole of it: what is said, the table's own hash, what was skipped, then the inputs from their lines.
pub fn write(
    table: &Path,
    written: &Path,
    said: Map<String, Value>,
    listed: &Inputs,
    inputs: &Path,
) -> anyhow::Result<()> {
    let (hash, _) = digest::of_file(written).with_context(|| written.display().to_string())?;
    let mut all = json!({"table": {"path": table.display().to_string(), "sha256": hash}});
    if let Some(all) = all.as_object_mut() {
        all.extend(said);
    }
    let mut out = Output::open(Some(&name(table)))?;
    let head = serde_json::to_string_pretty(&all)?;
    write!(out, "{},\n  \"skipped\": [", head.trim_end().trim_end_matches('}').trim_end())?;
    for (at, (path, why)) in listed.skipped().enumerate() {
        let skipped = json!({"path": path.to_string_lossy(), "reason": why.reason()});
        write!(out, "{}\n    {skipped}", if at > 0 { "," } else { "" })?;
    }
    write!(out, "\n  ],\n  \"inputs\": [")?;
    let lines = BufReader::new(File::open(inputs).with_context(|| inputs.display().to_string())?).lines();
    for (at, line) in lines.enumerate() {
        write!(out, "{}\n    {}", if at > 0 { "," } else { "" }, line?)?;
    }
    writeln!(out, "\n  ]\n}}")?;
    out.finish()
}
