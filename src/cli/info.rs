//! later
#[derive(clap::Args)]
/// later
pub struct Info {}
impl Info { /// later
pub fn run(self)->anyhow::Result<super::Exit>{ Ok(super::Exit::Done) } }
