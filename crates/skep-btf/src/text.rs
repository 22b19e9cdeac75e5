//! Text turned into bytes by type: how people write keys and values (`10.0.0.0/8`, `TCP`, `{1, 2}`).

use crate::btf::{Btf, DEPTH};
use crate::kind::{Kind, Member, TypeId};

impl Btf {
    /// The bytes of a value of this type, written as people write it.
    ///
    /// Integers are decimal or `0x` hex; a `char` is also the character itself; enumerations also take their constants'
    /// names; character arrays take the text, in quotes or without; byte arrays of 4, 6 and 16 take an IPv4, MAC or IPv6
    /// address; arrays take `{a, b, …}` or `[a, b, …]`; structures take `{a, b, …}`, one item for each member, or
    /// `{name: a, …}`, where what is not named is 0; a structure `{ prefixlen, address }` takes `10.0.0.0/8`.
    ///
    /// # Errors
    /// One sentence that says which part does not fit which type.
    pub fn parse_value(&self, id: TypeId, text: &str) -> Result<Vec<u8>, String> {
        let size = self.size_of(id).ok_or("the type has no size")?;
        let size = usize::try_from(size).ok().filter(|s| *s <= 1 << 24).ok_or("the type is too large to write")?;
        let mut bytes = vec![0; size];
        self.write(id, text.trim(), &mut bytes, DEPTH)?;
        Ok(bytes)
    }

    /// Writes a value over the bytes of another.
    pub(crate) fn write(&self, id: TypeId, text: &str, out: &mut [u8], depth: usize) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("the type is nested too deeply")?;
        let (resolved, kind) = self.resolve(id).ok_or("the type leads nowhere")?;
        match kind {
            Kind::Int { .. } | Kind::Enum { .. } => {
                let (number, size, signed) = self.scalar(resolved, text)?;
                fits(number, size.saturating_mul(8), signed)
                    .ok_or_else(|| format!("{text} does not fit {}", bytes(size)))?;
                write_int(number, out)
            }
            Kind::Float { size } => {
                let number: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
                let encoded = match size {
                    4 => (number as f32).to_le_bytes().to_vec(),
                    8 => number.to_le_bytes().to_vec(),
                    _ => return Err(format!("a float of {} cannot be written", bytes(*size))),
                };
                out.get_mut(..encoded.len()).ok_or("the number is cut short")?.copy_from_slice(&encoded);
                Ok(())
            }
            Kind::Array { element, len } => self.write_array(*element, *len as usize, text, out, depth),
            Kind::Struct { members, .. } => {
                out.fill(0);
                self.write_struct(members, text, out, depth)
            }
            Kind::Union { members, .. } => {
                out.fill(0);
                let items = items(text).ok_or_else(|| format!("`{text}` is not a union `{{member: value}}`"))?;
                self.write_named(members, &items, out, depth)?.ok_or_else(|| {
                    format!("`{text}` does not say which member of the union it is: `{{member: value}}`")
                })
            }
            _ => Err("only integers, enumerations, arrays, structures and unions can be written".to_owned()),
        }
    }

    /// The number that a text is for an integer or an enumeration, with the type's size and whether it is signed.
    fn scalar(&self, id: TypeId, text: &str) -> Result<(i128, u32, bool), String> {
        match self.get(id).map(|t| &t.kind) {
            Some(Kind::Int { size, bool: true, .. }) => match text {
                "true" | "1" => Ok((1, *size, false)),
                "false" | "0" => Ok((0, *size, false)),
                _ => Err(format!("`{text}` is neither true nor false")),
            },
            Some(Kind::Int { size, signed, .. }) => {
                let character = self.is_char(id).then(|| character(text)).flatten();
                let number = character.or_else(|| number(text)).ok_or_else(|| format!("`{text}` is not a number"))?;
                Ok((number, *size, *signed))
            }
            Some(Kind::Enum { values, size, signed }) => {
                // Constants above the middle of 64 bits are kept as negative numbers.
                let unsigned = |value: i64| if *signed { i128::from(value) } else { i128::from(value as u64) };
                let named = values.iter().find(|v| self.string(v.name_off) == Some(text)).map(|v| unsigned(v.value));
                let number = named.or_else(|| number(text)).ok_or_else(|| {
                    let names: Vec<_> = values.iter().filter_map(|v| self.string(v.name_off)).take(12).collect();
                    format!("`{text}` is none of {}", names.join(", "))
                })?;
                Ok((number, *size, *signed))
            }
            _ => Err("only integers and enumerations have bit-fields".to_owned()),
        }
    }

    /// True for `char`, by its encoding or its name.
    pub(crate) fn is_char(&self, id: TypeId) -> bool {
        match self.resolve(id) {
            Some((id, Kind::Int { size: 1, char, .. })) => *char || self.name(id) == "char",
            _ => false,
        }
    }

    fn write_array(&self, element: TypeId, len: usize, text: &str, out: &mut [u8], depth: usize) -> Result<(), String> {
        let size = self.size_of(element).and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
        if self.is_char(element) && !text.starts_with('[') {
            let text = quoted(text, '"').unwrap_or(text);
            let (room, rest) = out
                .split_at_mut_checked(text.len())
                .ok_or_else(|| format!("`{text}` is longer than {len} characters"))?;
            room.copy_from_slice(text.as_bytes());
            rest.fill(0);
            return Ok(());
        }
        if size == 1
            && let Some(address) = address(text)
        {
            if address.len() != len {
                return Err(format!("`{text}` is an address of {} bytes, here stands one of {len}", address.len()));
            }
            out.get_mut(..len).ok_or("the array is cut short")?.copy_from_slice(&address);
            return Ok(());
        }
        let items = items(text).ok_or_else(|| match (size, len) {
            (1, 4) => format!("`{text}` is neither an IPv4 address nor a list `{{a, b, c, d}}`"),
            (1, 6) => format!("`{text}` is neither a MAC address nor a list `{{a, b, …}}`"),
            (1, 16) => format!("`{text}` is neither an IPv6 address nor a list `{{a, b, …}}`"),
            _ => format!("`{text}` is not a list `{{a, b, …}}`"),
        })?;
        if items.len() != len || size == 0 {
            return Err(format!("`{text}` has {} items, the array has {len}", items.len()));
        }
        items
            .into_iter()
            .zip(out.chunks_exact_mut(size))
            .try_for_each(|(item, out)| self.write(element, item, out, depth))
    }

    fn write_struct(&self, members: &[Member], text: &str, out: &mut [u8], depth: usize) -> Result<(), String> {
        if let ([length, address], Some((network, bits))) = (members, text.split_once('/'))
            && self.string(length.name_off) == Some("prefixlen")
        {
            // First the address: of one of the other family, the prefix is not what is wrong.
            self.write_member(address, network, out, depth)?;
            let whole = self.size_of(address.type_id).unwrap_or(0).saturating_mul(8);
            if bits.parse::<u64>().is_ok_and(|bits| bits > whole) {
                return Err(format!("a prefix of {bits} bits is longer than the {whole} bits of the address"));
            }
            return self.write_member(length, bits, out, depth);
        }
        let items = items(text).ok_or_else(|| format!("`{text}` is not a structure `{{a, b, …}}`"))?;
        if let Some(()) = self.write_named(members, &items, out, depth)? {
            return Ok(());
        }
        if items.len() != members.len() {
            return Err(format!("`{text}` has {} items, the structure has {} members", items.len(), members.len()));
        }
        members.iter().zip(items).try_for_each(|(member, item)| self.write_member(member, item, out, depth))
    }

    /// Writes the members that the items name; `None` when the first item names none.
    fn write_named(
        &self,
        members: &[Member],
        items: &[&str],
        out: &mut [u8],
        depth: usize,
    ) -> Result<Option<()>, String> {
        let named = |item: &str| {
            let (name, value) = item.split_once(':')?;
            let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            let is_member = || members.iter().any(|m| self.string(m.name_off) == Some(name));
            // `fe:0:…` is an address.
            (is_name && (value.starts_with(' ') || is_member())).then(|| (name.to_owned(), value.trim().to_owned()))
        };
        if items.first().is_none_or(|item| named(item).is_none()) {
            return Ok(None);
        }
        for item in items {
            let (name, value) =
                named(item).ok_or_else(|| format!("`{item}` does not name its member as the first does"))?;
            let member = members.iter().find(|m| self.string(m.name_off) == Some(name.as_str()));
            let member = member.ok_or_else(|| {
                let names = members.iter().filter_map(|m| self.string(m.name_off)).filter(|n| !n.is_empty());
                format!("there is no member `{name}`{}", or_near(&name, names))
            })?;
            self.write_member(member, &value, out, depth)?;
        }
        Ok(Some(()))
    }

    fn write_member(&self, member: &Member, text: &str, out: &mut [u8], depth: usize) -> Result<(), String> {
        let name = self.string(member.name_off).unwrap_or("");
        let written = if member.bit_size > 0 {
            self.write_bits(member.type_id, (member.bit_offset.into(), member.bit_size), text, out)
        } else {
            let size = self.size_of(member.type_id).and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
            let start = member.bit_offset as usize / 8;
            let place = out.get_mut(start..start.saturating_add(size)).ok_or("the structure is cut short")?;
            self.write(member.type_id, text, place, depth)
        };
        written.map_err(|e| if name.is_empty() { e } else { format!("{name}: {e}") })
    }

    /// Writes a bit-field that begins at a bit and has a width.
    pub(crate) fn write_bits(
        &self,
        id: TypeId,
        (at, width): (u64, u8),
        text: &str,
        out: &mut [u8],
    ) -> Result<(), String> {
        let (id, _) = self.resolve(id).ok_or("the type leads nowhere")?;
        let (number, _, signed) = self.scalar(id, text)?;
        let width = u32::from(width);
        fits(number, width, signed).ok_or_else(|| format!("{text} does not fit {width} bits"))?;
        for bit in 0..width {
            let place = at.saturating_add(bit.into());
            let byte = usize::try_from(place / 8).ok().and_then(|byte| out.get_mut(byte));
            let byte = byte.ok_or("the structure is cut short")?;
            let mask = 1 << (place % 8);
            *byte = if number >> bit & 1 == 1 { *byte | mask } else { *byte & !mask };
        }
        Ok(())
    }
}

/// `, but NAME` for the nearest of some names.
pub(crate) fn or_near<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    skep_isa::spec::nearest(word, names).map(|near| format!(", but `{near}`")).unwrap_or_default()
}

fn bytes(size: u32) -> String {
    if size == 1 { "1 byte".to_owned() } else { format!("{size} bytes") }
}

/// What stands between two quotes.
fn quoted(text: &str, quote: char) -> Option<&str> {
    text.strip_prefix(quote)?.strip_suffix(quote)
}

/// The number of `x` or `'x'`; a digit alone is a number.
fn character(text: &str) -> Option<i128> {
    let inner = quoted(text, '\'').or_else(|| (!text.starts_with(|c: char| c.is_ascii_digit())).then_some(text))?;
    match inner.as_bytes() {
        [byte] if byte.is_ascii() => Some(i128::from(*byte)),
        _ => None,
    }
}

fn number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

fn fits(number: i128, bits: u32, signed: bool) -> Option<()> {
    if bits == 128 {
        return (signed || number >= 0).then_some(());
    }
    if !(1..=64).contains(&bits) {
        return None;
    }
    let (least, most) =
        if signed { (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) };
    (least..=most).contains(&number).then_some(())
}

fn write_int(number: i128, out: &mut [u8]) -> Result<(), String> {
    out.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
    Ok(())
}

fn address(text: &str) -> Option<Vec<u8>> {
    if let Ok(ip) = text.parse::<std::net::Ipv4Addr>() {
        return Some(ip.octets().to_vec());
    }
    let mac: Option<Vec<u8>> =
        text.split(':').map(|b| (b.len() == 2).then(|| u8::from_str_radix(b, 16).ok()).flatten()).collect();
    if let Some(mac) = mac.filter(|m| m.len() == 6) {
        return Some(mac);
    }
    text.parse::<std::net::Ipv6Addr>().ok().map(|ip| ip.octets().to_vec())
}

/// The items of `{a, b, …}` or `[a, b, …]`, split at the commas that stand in no inner brackets and no quotes.
fn items(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let inner = inner.or_else(|| text.strip_prefix('[')?.strip_suffix(']'))?;
    let mut items = Vec::new();
    let (mut depth, mut start, mut in_quotes) = (0usize, 0, false);
    for (at, c) in inner.char_indices() {
        match c {
            '"' => in_quotes = !in_quotes,
            _ if in_quotes => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                items.push(inner.get(start..at)?.trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(inner.get(start..)?.trim());
    Some(items)
}
