//! `skep dis`: an object's instructions as text.

use std::io::Write;

use skep_object::Listing;

use crate::args::Dis;
use crate::failure::Failure;

pub(crate) fn run(args: &Dis) -> Result<(), Failure> {
    let path = &args.object;
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::from(skep::Error::File { action: "read", path: path.clone(), error }))?;
    let listing = Listing::parse(&bytes).map_err(|e| e.diagnostic(path))?;
    let text = listing.display(path).to_string();
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
