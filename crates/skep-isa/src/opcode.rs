//! The opcode table: one row for each operation code.
