//! later
#[derive(clap::Args)]
/// later
pub struct Classify {}
impl Classify { /// later
pub fn run(self)->anyhow::Result<super::Exit>{ Ok(super::Exit::Done) } }
