//! The command line: parse, run, report, exit. Each command is a file in `cli`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
