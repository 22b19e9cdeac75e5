//! Objects of GCC with an assembler before binutils 2.42: what it leaves in an instruction for the linker holds the symbol's value
//! already, in bytes and for calls too, where every other tool leaves the addend alone.

/// The section in which compilers say who they are.
pub(crate) const COMMENT: &str = ".comment";
/// What it begins with in GCC's objects.
const GCC: &[u8] = b"GCC: ";

/// True for such an object, by its section `.comment`: GCC made it, and every constant that names a symbol of the object is at
/// least the symbol's value. Given are the constants of all such instructions, true for calls, which count from the next
/// instruction, and the symbols' values.
pub(crate) fn holds_values(comment: &[u8], named: impl Iterator<Item = (i32, bool, u64)>) -> bool {
    if !comment.strip_prefix(&[0]).unwrap_or(comment).starts_with(GCC) {
        return false;
    }
    let mut any = false;
    for (constant, is_call, value) in named.filter(|(.., value)| *value > 0) {
        if i64::from(constant) + i64::from(is_call) < value.cast_signed() {
            return false;
        }
        any = true;
    }
    any
}
