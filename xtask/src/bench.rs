//! `xtask bench`: the figures of docs/performance.md.

use anyhow::{Result, bail};

pub(crate) fn run() -> Result<()> {
    bail!("no benchmark yet")
}
