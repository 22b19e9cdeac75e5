//! Text turned into bytes by type: how people write keys and values (`10.0.0.0/8`, `TCP`, `{1, 2}`).

use crate::btf::{Btf, DEPTH};
use crate::kind::{Kind, Member, TypeId};

impl Btf {
    /// The bytes of a value of this type, written as people write it.
    ///
    /// Integers are decimal or `0x` hex; enumerations also take their constants' names; character arrays take the text;
    /// byte arrays of 4, 6 and 16 take an IPv4, MAC or IPv6 address; structures and arrays take `{a, b, …}`, one item
    /// for each member; a structure `{ prefixlen, address }` takes `10.0.0.0/8`.
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

    fn write(&self, id: TypeId, text: &str, out: &mut [u8], depth: usize) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("the type is nested too deeply")?;
        let (_, kind) = self.resolve(id).ok_or("the type leads nowhere")?;
        match kind {
            Kind::Int { bool: true, .. } if text == "true" => write_int(1, out),
            Kind::Int { bool: true, .. } if text == "false" => write_int(0, out),
            Kind::Int { size, signed, .. } => {
                let number = number(text).ok_or_else(|| format!("`{text}` is not a number"))?;
                fits(number, *size, *signed).ok_or_else(|| format!("{text} does not fit {size} bytes"))?;
                write_int(number, out)
            }
            Kind::Enum { values, size, signed } => {
                let named = values.iter().find(|v| self.string(v.name_off) == Some(text)).map(|v| i128::from(v.value));
                let number = named.or_else(|| number(text)).ok_or_else(|| {
                    let names: Vec<_> = values.iter().filter_map(|v| self.string(v.name_off)).take(12).collect();
                    format!("`{text}` is none of {}", names.join(", "))
                })?;
                fits(number, *size, *signed).ok_or_else(|| format!("{text} does not fit {size} bytes"))?;
                write_int(number, out)
            }
            Kind::Array { element, len } => self.write_array(*element, *len as usize, text, out, depth),
            Kind::Struct { members, .. } => self.write_struct(members, text, out, depth),
            _ => Err("only integers, enumerations, arrays and structures can be written".to_owned()),
        }
    }

    fn write_array(&self, element: TypeId, len: usize, text: &str, out: &mut [u8], depth: usize) -> Result<(), String> {
        let size = self.size_of(element).and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
        let is_char = matches!(self.resolve(element), Some((id, Kind::Int { size: 1, char, .. })) if *char || self.name(id) == "char");
        if is_char {
            let room = out.get_mut(..text.len()).ok_or_else(|| format!("`{text}` is longer than {len} characters"))?;
            room.copy_from_slice(text.as_bytes());
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
        if items.len() != members.len() {
            return Err(format!("`{text}` has {} items, the structure has {} members", items.len(), members.len()));
        }
        members.iter().zip(items).try_for_each(|(member, item)| self.write_member(member, item, out, depth))
    }

    fn write_member(&self, member: &Member, text: &str, out: &mut [u8], depth: usize) -> Result<(), String> {
        let name = self.string(member.name_off).unwrap_or("");
        if member.bit_size > 0 {
            return Err(format!("`{name}` is a bit-field, which cannot be written"));
        }
        let size = self.size_of(member.type_id).and_then(|s| usize::try_from(s).ok()).unwrap_or(0);
        let start = member.bit_offset as usize / 8;
        let place = out.get_mut(start..start.saturating_add(size)).ok_or("the structure is cut short")?;
        self.write(member.type_id, text, place, depth)
            .map_err(|e| if name.is_empty() { e } else { format!("{name}: {e}") })
    }
}

fn number(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn fits(number: i128, size: u32, signed: bool) -> Option<()> {
    let bits = size.checked_mul(8).filter(|b| (1..=64).contains(b))?;
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

/// The items of `{a, b, …}`, split at the commas that stand in no inner braces.
fn items(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let mut items = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
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
