//! Text of instructions.
