//! skep-net: see ARCHITECTURE.md.
