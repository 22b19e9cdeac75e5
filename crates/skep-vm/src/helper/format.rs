//! The kernel's formatting for programs (`bpf_trace_printk`, `bpf_snprintf`): `%d %i %u %x %X %p %s %c %%`, `l` and
//! `ll`, flags and widths, no precision; behind `%p` addresses of IP (`i4 I4 i6 I6`), symbols (`s S B`) and strings of the
//! kernel or the user (`ks us`).

use crate::host::{Space, Symbol};
use crate::interpreter::Vm;

/// A template or argument that the kernel refuses with `EINVAL`.
pub(crate) struct Bad;

/// Longest text (`MAX_BPRINTF_BUF`).
const LONGEST: usize = 1024;

impl Vm<'_> {
    /// Bytes of a string up to its zero, `None` where there is none.
    pub(crate) fn take_string(&self, address: u64) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        while text.len() < LONGEST {
            match self.load::<1>(address.wrapping_add(text.len() as u64)).ok()? {
                0 => return Some(text),
                byte => text.push(byte as u8),
            }
        }
        Some(text)
    }
}

/// Fills in a template, whose zero at the end may be part of it.
pub(crate) fn format(vm: &mut Vm<'_>, template: &[u8], args: &[u64]) -> Result<Vec<u8>, Bad> {
    let end = template.iter().position(|byte| *byte == 0).unwrap_or(template.len());
    let mut rest = template.get(..end).unwrap_or_default().iter().copied().peekable();
    let mut args = args.iter().copied();
    let mut out = Vec::new();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            let shown = byte.is_ascii_graphic() || byte.is_ascii_whitespace() || byte == 0x0b;
            out.push(if shown { byte } else { return Err(Bad) });
            continue;
        }
        if rest.next_if_eq(&b'%').is_some() {
            out.push(b'%');
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = rest.next_if(|b| matches!(b, b'0' | b'+' | b'-' | b' ')) {
            match flag {
                b'0' => spec.zeros = true,
                b'+' => spec.plus = true,
                b'-' => spec.left = true,
                _ => spec.space = true,
            }
        }
        while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
            spec.width = (spec.width * 10 + usize::from(digit - b'0')).min(LONGEST);
        }
        let mut wide = 0;
        while wide < 2 && rest.next_if_eq(&b'l').is_some() {
            wide += 1;
        }
        let kind = rest.next().ok_or(Bad)?;
        let value = args.next().ok_or(Bad)?;
        let (signed, unsigned) =
            if wide > 0 { (value as i64, value) } else { ((value as i32).into(), value as u32 as u64) };
        match kind {
            b'd' | b'i' => spec.number(&mut out, signed < 0, signed.unsigned_abs().to_string()),
            b'u' => spec.number(&mut out, false, unsigned.to_string()),
            b'x' => spec.number(&mut out, false, format!("{unsigned:x}")),
            b'X' => spec.number(&mut out, false, format!("{unsigned:X}")),
            b'c' if wide == 0 => spec.pad(&mut out, &[value as u8]),
            b's' if wide == 0 => {
                let space = vm.either(value);
                spec.string(vm, &mut out, space, value, &mut rest)?;
            }
            b'p' if wide == 0 => {
                let what = rest.next_if(u8::is_ascii_alphanumeric);
                match what {
                    None | Some(b'K' | b'x') => spec.pad(&mut out, format!("{value:016x}").as_bytes()),
                    Some(b's' | b'S' | b'B') => spec.pad(&mut out, symbol(vm, value, what != Some(b's')).as_bytes()),
                    Some(kind @ (b'i' | b'I')) => {
                        let version = rest.next().ok_or(Bad)?;
                        let text = address(vm, kind, version, value).ok_or(Bad)?;
                        spec.pad(&mut out, text.as_bytes());
                    }
                    Some(space @ (b'k' | b'u')) if rest.next_if_eq(&b's').is_some() => {
                        let space = if space == b'k' { Space::Kernel } else { Space::User };
                        spec.string(vm, &mut out, space, value, &mut rest)?;
                    }
                    Some(_) => return Err(Bad),
                }
                // The kernel passes over letters and digits that follow.
                while rest.next_if(u8::is_ascii_alphanumeric).is_some() {}
            }
            _ => return Err(Bad),
        }
    }
    out.truncate(LONGEST - 1);
    Ok(out)
}

/// `%pS` is the symbol with the place in it, `%ps` its name, and either the number where there is no symbol.
fn symbol(vm: &mut Vm<'_>, value: u64, with_place: bool) -> String {
    match vm.world.host.symbol(value) {
        Some(Symbol { name, offset, size }) if with_place => format!("{name}+{offset:#x}/{size:#x}"),
        Some(Symbol { name, .. }) => name,
        None => format!("{value:#x}"),
    }
}

/// An address of IP at an address of memory, zeros where that cannot be read; in full with `i`, as people write it or with
/// colons with `I`.
fn address(vm: &mut Vm<'_>, kind: u8, version: u8, at: u64) -> Option<String> {
    let size = match version {
        b'4' => 4,
        b'6' => 16,
        _ => return None,
    };
    let bytes = vm.probe(Space::Kernel, at, size).unwrap_or_else(|_| vec![0; size]);
    let text = |bytes: &[u8], show: fn(&[u8]) -> String, between| {
        bytes.chunks(if size == 4 { 1 } else { 2 }).map(show).collect::<Vec<_>>().join(between)
    };
    let word = |pair: &[u8]| pair.iter().map(|byte| format!("{byte:02x}")).collect();
    let number = |one: &[u8]| one.iter().map(u8::to_string).collect();
    let padded = |one: &[u8]| one.iter().map(|byte| format!("{byte:03}")).collect();
    Some(match (version, kind) {
        (b'4', b'I') => text(&bytes, number, "."),
        (b'4', _) => text(&bytes, padded, "."),
        (_, b'I') => text(&bytes, word, ":"),
        _ => text(&bytes, word, ""),
    })
}

/// Flags and width of one conversion.
#[derive(Default)]
struct Spec {
    zeros: bool,
    plus: bool,
    left: bool,
    space: bool,
    width: usize,
}

/// What is left of a template.
type Rest<'t> = std::iter::Peekable<std::iter::Copied<std::slice::Iter<'t, u8>>>;

impl Spec {
    /// A string, empty where it cannot be read; no letter or digit may follow its sign.
    fn string(
        &self,
        vm: &mut Vm<'_>,
        out: &mut Vec<u8>,
        space: Space,
        at: u64,
        rest: &mut Rest<'_>,
    ) -> Result<(), Bad> {
        if rest.peek().is_some_and(u8::is_ascii_alphanumeric) {
            return Err(Bad);
        }
        let text = vm.probe_string(space, at, LONGEST).unwrap_or_default();
        self.pad(out, &text);
        Ok(())
    }

    fn number(&self, out: &mut Vec<u8>, negative: bool, digits: String) {
        let sign = match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        if self.zeros && !self.left {
            out.extend(sign.bytes());
            out.extend(std::iter::repeat_n(b'0', self.width.saturating_sub(sign.len() + digits.len())));
            out.extend(digits.bytes());
        } else {
            self.pad(out, format!("{sign}{digits}").as_bytes());
        }
    }

    fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let fill = std::iter::repeat_n(b' ', self.width.saturating_sub(text.len()));
        if self.left {
            out.extend(text);
            out.extend(fill);
        } else {
            out.extend(fill);
            out.extend(text);
        }
    }
}
