//! Helpers that read numbers from text.

use super::{Answer, Args, EINVAL, ERANGE, error};
use crate::fault::FaultKind;
use crate::interpreter::Vm;

/// Low bits of the flags: the base.
const BASE: u64 = 0x1f;
/// Most characters of a number that are looked at.
const MOST: usize = 63;

/// What the kernel counts as a space: also the no-break space of Latin 1.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0xa0)
}

/// Whether there is a minus, the number behind it, and how many characters they take.
fn parse(text: &[u8], flags: u64) -> Result<(bool, u64, usize), i64> {
    let base = flags & BASE;
    if !matches!(base, 0 | 8 | 10 | 16) || flags & !BASE != 0 || text.is_empty() {
        return Err(EINVAL);
    }
    let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
    let negative = text.get(spaces) == Some(&b'-');
    let begin = spaces + usize::from(negative);
    let rest = text.get(begin..).unwrap_or_default();
    let rest = rest.get(..rest.len().min(MOST)).unwrap_or_default();
    let has_x = matches!(rest, [b'0', b'x' | b'X', ..]);
    let base = match (base, rest) {
        (0, [b'0', _, digit, ..]) if has_x && digit.is_ascii_hexdigit() => 16,
        (0, [b'0', ..]) => 8,
        (0, _) => 10,
        _ => base,
    };
    let prefix = if base == 16 && has_x { 2 } else { 0 };
    let digits = rest.iter().skip(prefix).map_while(|byte| char::from(*byte).to_digit(base as u32));
    let (mut value, mut count) = (Some(0_u64), 0);
    for digit in digits {
        value = value.and_then(|value| value.checked_mul(base)?.checked_add(digit.into()));
        count += 1;
    }
    match value {
        None => Err(ERANGE),
        Some(_) if count == 0 => Err(EINVAL),
        Some(value) => Ok((negative, value, begin + prefix + count)),
    }
}

/// Stores the number, 0 where there is none; the characters it takes.
fn answer(vm: &mut Vm<'_>, to: u64, parsed: Result<(u64, usize), i64>) -> Result<u64, FaultKind> {
    let (value, answer) = match parsed {
        Ok((value, taken)) => (value, taken as u64),
        Err(errno) => (0, error(errno)),
    };
    vm.give(to, &value.to_le_bytes())?;
    Ok(answer)
}

pub(super) fn strtol(vm: &mut Vm<'_>, [text, size, flags, to, _]: Args) -> Answer {
    let text = vm.take(text, size as u32 as usize)?;
    let parsed = parse(text.bytes(), flags).and_then(|(negative, value, taken)| match (negative, value) {
        (false, 0x8000_0000_0000_0000..) | (true, 0x8000_0000_0000_0001..) => Err(ERANGE),
        (false, value) => Ok((value, taken)),
        (true, value) => Ok((value.wrapping_neg(), taken)),
    });
    Ok(answer(vm, to, parsed)?)
}

pub(super) fn strtoul(vm: &mut Vm<'_>, [text, size, flags, to, _]: Args) -> Answer {
    let text = vm.take(text, size as u32 as usize)?;
    let parsed = parse(text.bytes(), flags).and_then(|(negative, value, taken)| match negative {
        true => Err(EINVAL),
        false => Ok((value, taken)),
    });
    Ok(answer(vm, to, parsed)?)
}
