//! The verbs, one file each.

pub(crate) mod completion;
pub(crate) mod dis;
pub(crate) mod feature;
pub(crate) mod man;
pub(crate) mod map;
pub(crate) mod prog;
pub(crate) mod run;
