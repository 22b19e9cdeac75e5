//! Kernel options as programs see them: the map `.kconfig`, filled from the kernel's configuration.
//!
//! Enter at [`fill`]. Beside options there are libbpf's own names, which begin with `LINUX_`.

use std::collections::HashMap;
use std::io::Read;

use rustix::io::Errno;
use skep_btf::{Btf, Kind, TypeId};
use skep_isa::spec::{Place, helper, nearest};
use skep_object::{Extern, ExternKind, Object};

use crate::error::Error;
use crate::feature::{Answer, helper_in};
use crate::kallsyms;

/// Longest configuration that is read.
const MAX: u64 = 16 << 20;

/// Writes the value of each option into `bytes`, the value of the map with this index.
///
/// # Errors
/// [`Error::NoSymbol`] for an option that the kernel does not have and the program cannot do without, [`Error::BadObject`]
/// for one whose value does not fit its type.
pub(crate) fn fill(object: &Object, index: usize, bytes: &mut [u8]) -> Result<(), Error> {
    let options = object.externs.iter().filter(|e| matches!(e.kind, ExternKind::Option { map, .. } if map == index));
    let mut config = None;
    for option in options {
        let ExternKind::Option { type_id, offset, size, .. } = option.kind else { continue };
        let Some(room) = bytes.get_mut(offset as usize..).and_then(|rest| rest.get_mut(..size as usize)) else {
            continue;
        };
        let value = match virtual_value(&option.name)? {
            Some(value) => Some(value),
            None => config.get_or_insert_with(read).as_ref().ok().and_then(|c| c.get(option.name.as_str()).cloned()),
        };
        match value {
            Some(value) => {
                let btf = object.btf.as_ref();
                btf.and_then(|btf| encode(btf, type_id, &value, room)).ok_or_else(|| unfit(object, option, &value))?;
            }
            None if option.weak => {}
            None => return Err(missing(&option.name, config.as_ref())),
        }
    }
    Ok(())
}

type Config = HashMap<String, String>;

fn missing(name: &str, config: Option<&Result<Config, String>>) -> Error {
    let (near, why) = match config {
        Some(Ok(config)) => (nearest(name, config.keys().map(String::as_str)).map(str::to_owned), None),
        Some(Err(why)) => (None, Some(why.clone())),
        None => (None, None),
    };
    Error::NoSymbol { what: "option", name: name.to_owned(), near, why }
}

fn unfit(object: &Object, option: &Extern, value: &str) -> Error {
    let what =
        format!("the kernel's option `{}`, whose value `{value}` does not fit the type it has there", option.name);
    Error::BadObject { object: format!("object `{}`", object.name), what }
}

/// The value of one of libbpf's own names, as an option would have it.
fn virtual_value(name: &str) -> Result<Option<String>, Error> {
    /// The x86-64 wrapper of a system call; other machines have others.
    const WRAPPERS: [&str; 2] = ["__x64_sys_bpf", "__arm64_sys_bpf"];
    Ok(match name {
        "LINUX_KERNEL_VERSION" => Some(version_code().to_string()),
        "LINUX_HAS_BPF_COOKIE" => {
            let cookie = helper::named("get_attach_cookie").map(|row| helper_in(Place::Kprobe, row.id));
            Some(u8::from(cookie == Some(Answer::Yes)).to_string())
        }
        "LINUX_HAS_SYSCALL_WRAPPER" => {
            let found = kallsyms::addresses(&WRAPPERS);
            Some(u8::from(!found.is_empty()).to_string())
        }
        _ => None,
    })
}

/// The kernel's version as `KERNEL_VERSION(a, b, c)`.
fn version_code() -> u32 {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next() << 16) | (next() << 8) | next().min(255)
}

/// The kernel's configuration: what it shows itself, else the file beside its image.
fn read() -> Result<Config, String> {
    const OWN: &str = "/proc/config.gz";
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let beside = format!("/boot/config-{release}");
    let mut text = String::new();
    let own = std::fs::File::open(OWN).map(|file| flate2::read::GzDecoder::new(file).take(MAX));
    let done = match own {
        Ok(mut reader) => reader.read_to_string(&mut text),
        Err(_) => std::fs::File::open(&beside).and_then(|file| file.take(MAX).read_to_string(&mut text)),
    };
    done.map_err(|e| {
        let why = Errno::from_io_error(&e).map_or_else(|| e.to_string(), crate::error::words);
        format!("neither {OWN} nor {beside} can be read: {why}")
    })?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Config {
    let line = |line: &str| {
        let (name, value) = line.split_once('=')?;
        name.starts_with("CONFIG_").then(|| (name.to_owned(), value.trim().to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// Writes an option's text as its type has it; `None` where it does not fit.
fn encode(btf: &Btf, type_id: TypeId, value: &str, room: &mut [u8]) -> Option<()> {
    let (_, kind) = btf.resolve(type_id)?;
    match (kind, value) {
        (Kind::Array { .. }, text) => {
            let text = text.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
            // A text that is too long is cut, and ends in 0.
            let len = text.len().min(room.len().checked_sub(1)?);
            room.get_mut(..len)?.copy_from_slice(text.get(..len)?);
            Some(())
        }
        (Kind::Int { bool: true, .. }, "y" | "1") => put(1, room),
        (Kind::Int { bool: true, .. }, "n" | "0") => put(0, room),
        (Kind::Int { size: 1, bool: false, .. }, "y" | "m" | "n") => put(u64::from(*value.as_bytes().first()?), room),
        // libbpf's `enum libbpf_tristate`.
        (Kind::Enum { .. }, "n") => put(0, room),
        (Kind::Enum { .. }, "y") => put(1, room),
        (Kind::Enum { .. }, "m") => put(2, room),
        (Kind::Int { bool: false, signed, .. }, number) => {
            let (negative, digits) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
            let value = match digits.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            let bits = u32::try_from(room.len() * 8).ok()?;
            let fits = match (*signed, negative) {
                (true, true) => value <= 1 << (bits - 1),
                (true, false) => value < 1 << (bits - 1),
                (false, true) => false,
                (false, false) => bits >= 64 || value < 1 << bits,
            };
            let value = if negative { value.wrapping_neg() } else { value };
            if fits { put(value, room) } else { None }
        }
        _ => None,
    }
}

fn put(value: u64, room: &mut [u8]) -> Option<()> {
    let bytes = value.to_ne_bytes();
    let part = if cfg!(target_endian = "little") { bytes.get(..room.len())? } else { bytes.get(8 - room.len()..)? };
    room.copy_from_slice(part);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_btf::Builder;

    #[test]
    fn options_are_written_as_their_types_have_them() {
        let mut builder = Builder::new();
        let int = |size, bits, signed, bool| Kind::Int { size, bits, signed, char: false, bool };
        let flag = builder.add("_Bool", int(1, 8, false, true));
        let byte = builder.add("char", int(1, 8, true, false));
        let number = builder.add("int", int(4, 32, true, false));
        let unsigned = builder.add("unsigned int", int(4, 32, false, false));
        let text = builder.add("", Kind::Array { element: byte, len: 8 });
        let state = builder.add("libbpf_tristate", Kind::Enum { size: 4, signed: false, values: vec![] });
        let btf = Btf::parse(&builder.encode().expect("small")).expect("types");
        let value = |id, value: &str, size: usize| {
            let mut room = vec![0xff; size];
            encode(&btf, id, value, &mut room).map(|()| room)
        };
        assert_eq!(value(flag, "y", 1), Some(vec![1]));
        assert_eq!(value(flag, "m", 1), None);
        assert_eq!(value(byte, "m", 1), Some(vec![b'm']));
        assert_eq!(value(state, "m", 4), Some(vec![2, 0, 0, 0]));
        assert_eq!(value(number, "-250", 4), Some((-250_i32).to_le_bytes().to_vec()));
        assert_eq!(value(number, "0x80000000", 4), None);
        assert_eq!(value(unsigned, "0x80000000", 4), Some(vec![0, 0, 0, 0x80]));
        assert_eq!(value(unsigned, "-1", 4), None);
        assert_eq!(value(number, "ten", 4), None);
        let mut room = [0; 8];
        assert_eq!(encode(&btf, text, "\"(none) and more\"", &mut room), Some(()));
        assert_eq!(&room, b"(none) \0");
        assert_eq!(value(text, "unquoted", 8), None);
        assert_eq!(value(TypeId(99), "y", 1), None);
    }

    #[test]
    fn a_configuration_is_its_lines_that_set_something() {
        let config = parse("# a comment\nCONFIG_HZ=250\n# CONFIG_X is not set\nCONFIG_NAME=\"a=b\"\nother=1\n");
        assert_eq!(config.len(), 2);
        assert_eq!(config.get("CONFIG_NAME").map(String::as_str), Some("\"a=b\""));
    }
}
