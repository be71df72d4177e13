//! later
#[derive(clap::Args)]
/// later
pub struct Explain {}
impl Explain { /// later
pub fn run(self)->anyhow::Result<super::Exit>{ Ok(super::Exit::Done) } }
