//! skep: see ARCHITECTURE.md.
