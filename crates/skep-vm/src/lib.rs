//! skep-vm: see ARCHITECTURE.md.
