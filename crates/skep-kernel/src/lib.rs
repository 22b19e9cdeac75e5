//! skep-kernel: see ARCHITECTURE.md.
