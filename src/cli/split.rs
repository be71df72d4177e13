//! later
#[derive(clap::Args)]
/// later
pub struct Split {}
impl Split { /// later
pub fn run(self)->anyhow::Result<super::Exit>{ Ok(super::Exit::Done) } }
