//! The kernel's formatting for programs (`bpf_trace_printk`, `bpf_snprintf`): `%d %i %u %x %X %p %s %c %%`, `l` and
//! `ll`, flags and widths, no precision.

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
pub(crate) fn format(vm: &Vm<'_>, template: &[u8], args: &[u64]) -> Result<String, Bad> {
    let end = template.iter().position(|byte| *byte == 0).unwrap_or(template.len());
    let mut rest = template.get(..end).unwrap_or_default().iter().copied().peekable();
    let mut args = args.iter().copied();
    let mut out = String::new();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            let shown = byte.is_ascii_graphic() || byte.is_ascii_whitespace() || byte == 0x0b;
            out.push(if shown { char::from(byte) } else { return Err(Bad) });
            continue;
        }
        if rest.next_if_eq(&b'%').is_some() {
            out.push('%');
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
            b'c' if wide == 0 => spec.pad(&mut out, &char::from(value as u8).to_string()),
            b's' if wide == 0 => {
                let text = vm.take_string(value).unwrap_or_default();
                spec.pad(&mut out, &String::from_utf8_lossy(&text));
            }
            b'p' if wide == 0 => {
                // %pK and %px print the number; others name kernel data.
                rest.next_if(|b| matches!(b, b'K' | b'x'));
                if rest.peek().is_some_and(u8::is_ascii_alphanumeric) {
                    return Err(Bad);
                }
                spec.pad(&mut out, &format!("{value:016x}"));
            }
            _ => return Err(Bad),
        }
    }
    out.truncate(out.floor_char_boundary(LONGEST - 1));
    Ok(out)
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

impl Spec {
    fn number(&self, out: &mut String, negative: bool, digits: String) {
        let sign = match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        if self.zeros && !self.left {
            out.push_str(sign);
            out.extend(std::iter::repeat_n('0', self.width.saturating_sub(sign.len() + digits.len())));
            out.push_str(&digits);
        } else {
            self.pad(out, &format!("{sign}{digits}"));
        }
    }

    fn pad(&self, out: &mut String, text: &str) {
        let fill = std::iter::repeat_n(' ', self.width.saturating_sub(text.len()));
        if self.left {
            out.push_str(text);
            out.extend(fill);
        } else {
            out.extend(fill);
            out.push_str(text);
        }
    }
}
