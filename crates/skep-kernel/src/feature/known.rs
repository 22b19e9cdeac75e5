//! What loading must know of the kernel: each answer is asked for once, when something was refused that may be missing.
//!
//! Enter at [`Features::has`]. Whoever loads owns the answers and lends them to one load after the other; nothing here
//! outlives that value. The programs that ask are such as the verifier refuses: none is ever compiled.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use rustix::io::Errno;
use skep_btf::{Builder, EnumValue, Kind, SectionVar, TypeId};
use skep_isa::Insn;
use skep_isa::insn::{CALL, EXIT};
use skep_isa::spec::{AttachType, BtfFeature, MapType, ProgType, helper, map_flag};

use super::{Answer, MISSING, UNPRIVILEGED, kernel_version};
use crate::error::{Error, is_privileged, words};
use crate::lower::encode;
use crate::name::kernel_name;
use crate::sys::{self, attr};
use crate::token;

/// What an older kernel may lack, and a loader can do without.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Feature {
    /// Types that say this.
    Btf(BtfFeature),
    /// Names of maps and programs.
    Names,
    /// `expected_attach_type` of a program.
    AttachType,
    /// Arrays that user space may map.
    MmapableArrays,
    /// `bpf_probe_read_kernel` and its like, which `bpf_probe_read` can stand for.
    ProbeRead,
    /// The memory of maps and programs is charged to a control group, and not held against `RLIMIT_MEMLOCK`.
    Charging,
}

/// Answers about the running kernel, and the token that they were asked with.
#[derive(Debug, Default)]
pub struct Features {
    token: OnceLock<Option<OwnedFd>>,
    answers: [OnceLock<Answer>; Feature::COUNT],
}

impl Feature {
    const COUNT: usize = Feature::OTHERS.len() + BtfFeature::COUNT;
    const OTHERS: [Feature; 5] =
        [Feature::Names, Feature::AttachType, Feature::MmapableArrays, Feature::ProbeRead, Feature::Charging];

    /// All there are.
    pub fn all() -> impl Iterator<Item = Feature> {
        BtfFeature::all().map(Feature::Btf).chain(Feature::OTHERS)
    }

    fn place(self) -> usize {
        Feature::all().position(|feature| feature == self).unwrap_or(0)
    }
}

impl Features {
    /// Nothing is known yet.
    pub fn new() -> Features {
        Features::default()
    }

    /// As if the kernel lacked these, to see what an older one is given.
    pub fn lacking(features: impl IntoIterator<Item = Feature>) -> Features {
        let known = Features::new();
        for feature in features {
            known.place(feature).map(|place| place.set(missing()));
        }
        known
    }

    /// Whether the kernel has it, and why not.
    pub fn answer(&self, feature: Feature) -> Answer {
        self.place(feature).map_or_else(missing, |place| place.get_or_init(|| self.ask(feature)).clone())
    }

    /// Whether the kernel has it. It has what it cannot be asked for: a process without privilege is refused anyway.
    pub fn has(&self, feature: Feature) -> bool {
        !matches!(self.answer(feature), Answer::No(_))
    }

    /// Whether the kernel is known to lack it; it is not asked.
    pub(crate) fn lacks(&self, feature: Feature) -> bool {
        matches!(self.place(feature).and_then(OnceLock::get), Some(Answer::No(_)))
    }

    /// True when the kernel turns out to lack one of these and was not known to: what was refused is worth another try.
    pub(crate) fn finds_lacking(&self, features: &[Feature]) -> bool {
        let news = features.iter().filter(|feature| !self.lacks(**feature));
        // All are asked: the next try is then the last.
        news.filter(|feature| !self.has(**feature)).count() > 0
    }

    /// Takes the token of a bpf file system, once; see [`token::open`].
    pub(crate) fn take_token(&self, path: Option<&Path>) -> Result<(), Error> {
        if self.token.get().is_none() {
            let token = token::open(path)?;
            self.token.get_or_init(|| token);
        }
        Ok(())
    }

    /// The right by which all is made and loaded, where one was lent.
    pub(crate) fn token(&self) -> Option<BorrowedFd<'_>> {
        self.token.get()?.as_ref().map(AsFd::as_fd)
    }

    fn place(&self, feature: Feature) -> Option<&OnceLock<Answer>> {
        self.answers.get(feature.place())
    }
}

impl Features {
    fn ask(&self, feature: Feature) -> Answer {
        match feature {
            Feature::Btf(feature) => takes(&sys::btf_load(&sample(feature), self.token(), &mut [])),
            Feature::MmapableArrays => {
                let (map_type, map_flags) = (MapType::Array.id(), map_flag::MMAPABLE);
                let (key_size, value_size, max_entries) = (4, 4, 1);
                let attr =
                    attr::MapCreate { map_type, key_size, value_size, max_entries, map_flags, ..Default::default() };
                takes(&sys::map_create(&token::map(attr, self.token())))
            }
            Feature::Names => {
                let prog_type = ProgType::SocketFilter.id();
                self.reaches(attr::ProgLoad { prog_type, prog_name: kernel_name("skep_probe"), ..Default::default() })
            }
            Feature::AttachType => {
                let (prog_type, place) = (ProgType::CgroupSock.id(), AttachType::CgroupInetSockCreate.id());
                self.reaches(attr::ProgLoad { prog_type, expected_attach_type: place, ..Default::default() })
            }
            Feature::ProbeRead => self.has_helper(ProgType::Tracepoint, "probe_read_kernel"),
            Feature::Charging => match self.has_helper(ProgType::SocketFilter, CHARGING) {
                // Where no more memory may be locked, not even a question can be loaded.
                Answer::Unknown(why) => match helper::named(CHARGING).zip(kernel_version()) {
                    Some((row, version)) if version < row.since => missing(),
                    _ => Answer::Unknown(why),
                },
                answer => answer,
            },
        }
    }

    /// Whether programs of a type are offered a helper.
    fn has_helper(&self, prog_type: ProgType, name: &str) -> Answer {
        let Some(row) = helper::named(name) else { return missing() };
        let call = Insn::new(CALL, 0, 0, 0, row.id.cast_signed());
        let attr = attr::ProgLoad { prog_type: prog_type.id(), ..Default::default() };
        match self.refused(attr, &[call]) {
            (errno, log) if log.is_empty() => Answer::Unknown(words(errno)),
            (_, log) if ["invalid func", "unknown func"].iter().any(|said| log.contains(said)) => missing(),
            _ => Answer::Yes,
        }
    }

    /// Whether the attributes are such that the verifier has its say.
    fn reaches(&self, attr: attr::ProgLoad) -> Answer {
        let (errno, log) = self.refused(attr, &[]);
        if log.is_empty() { takes::<()>(&Err(errno)) } else { Answer::Yes }
    }

    /// How a program is refused that begins with this code and then ends without a result.
    fn refused(&self, attr: attr::ProgLoad, code: &[Insn]) -> (Errno, String) {
        let code = encode(&[code, &[Insn::new(0xbf, 0, 9, 0, 0), Insn::new(EXIT, 0, 0, 0, 0)]].concat());
        let parts = sys::ProgramParts { code: &code, license: c"GPL", funcs: &[], lines: &[], modules: &[] };
        let mut log = vec![0; 4096];
        let errno = sys::prog_load(&token::program(attr, self.token()), &parts, &mut log).err();
        let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
        log.truncate(end);
        (errno.unwrap_or(Errno::NOTSUP), String::from_utf8_lossy(&log).into_owned())
    }
}

/// The helper that came in the same kernel as charging, by which libbpf finds it out too.
const CHARGING: &str = "ktime_get_coarse_ns";

/// Whether the kernel took it, or refused it for a reason that says nothing of what it has.
fn takes<T>(answer: &Result<T, Errno>) -> Answer {
    match answer {
        Ok(_) => Answer::Yes,
        Err(Errno::INVAL | Errno::TOOBIG | Errno::NOSYS | Errno::OPNOTSUPP | sys::ENOTSUPP) => missing(),
        Err(Errno::PERM | Errno::ACCESS) if !is_privileged() => Answer::Unknown(UNPRIVILEGED.to_owned()),
        Err(errno) => Answer::Unknown(words(*errno)),
    }
}

fn missing() -> Answer {
    Answer::No(MISSING.to_owned())
}

/// The smallest types that say this.
fn sample(feature: BtfFeature) -> Vec<u8> {
    const STATIC: u16 = 0;
    const GLOBAL: u16 = 1;
    let mut types = Builder::new();
    let int = types.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    let function = |types: &mut Builder, linkage| {
        let argument = types.string("a");
        let proto = types.add("", Kind::FuncProto { ret: TypeId(0), params: vec![(argument, int)] });
        types.add("x", Kind::Func { proto, linkage })
    };
    let section = |types: &mut Builder, name| {
        let var = types.add("x", Kind::Var { type_id: int, linkage: STATIC.into() });
        types.add(name, Kind::Datasec { size: 4, vars: vec![SectionVar { type_id: var, offset: 0, size: 4 }] });
        var
    };
    let enumeration = |types: &mut Builder, size, signed| {
        let name_off = types.string("x");
        types.add("", Kind::Enum { size, signed, values: vec![EnumValue { name_off, value: 1 }] });
    };
    let mut flagged = None;
    match feature {
        BtfFeature::Types | BtfFeature::Layout => {}
        BtfFeature::Func => drop(function(&mut types, STATIC)),
        BtfFeature::GlobalFunc => drop(function(&mut types, GLOBAL)),
        BtfFeature::Datasec => drop(section(&mut types, ".data")),
        BtfFeature::SectionName => drop(section(&mut types, "?.data")),
        BtfFeature::EmptySection => drop(types.add(".rodata", Kind::Datasec { size: 4, vars: vec![] })),
        BtfFeature::Float => drop(types.add("float", Kind::Float { size: 4 })),
        BtfFeature::DeclTag => {
            let type_id = section(&mut types, ".data");
            types.add("tag", Kind::DeclTag { type_id, component: -1 });
        }
        BtfFeature::TypeTag | BtfFeature::TagFlag => {
            let tag = types.add("tag", Kind::TypeTag(int));
            types.add("", Kind::Ptr(tag));
            flagged = Some(FLAG_OF_SECOND).filter(|_| feature == BtfFeature::TagFlag);
        }
        BtfFeature::Enum64 => {
            enumeration(&mut types, 8, false);
            enumeration(&mut types, 4, true);
        }
    }
    let mut bytes = types.encode().unwrap_or_default();
    if feature == BtfFeature::Layout {
        bytes = with_layout(&bytes);
    }
    if let Some(byte) = flagged.and_then(|at| bytes.get_mut(at)) {
        *byte |= 0x80;
    }
    bytes
}

/// The same types with a section that tells of the kinds up to integers: for each the bytes behind the record's first
/// twelve, the bytes of an item, and flags.
fn with_layout(bytes: &[u8]) -> Vec<u8> {
    const HEADER: usize = 24;
    const LAYOUT: [u8; 8] = [0, 0, 0, 0, 4, 0, 0, 0];
    let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    let (type_len, str_len) = (word(12), word(20));
    let types_end = HEADER + type_len as usize;
    let header =
        [HEADER as u32 + 8, 0, type_len, type_len + LAYOUT.len() as u32, str_len, type_len, LAYOUT.len() as u32];
    let magic = bytes.get(..4).unwrap_or_default().iter().copied();
    let (types, strings) = bytes.split_at_checked(types_end).unwrap_or_default();
    let types = types.get(HEADER..).unwrap_or_default();
    magic.chain(header.iter().flat_map(|word| word.to_le_bytes())).chain([types, &LAYOUT, strings].concat()).collect()
}

/// Where the flag of the second type lies behind an integer: its highest byte's highest bit.
const FLAG_OF_SECOND: usize = 24 + 16 + 7;
