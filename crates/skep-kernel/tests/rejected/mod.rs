//! Asks the verifier with programs it always rejects: what is asked about stands first, and behind it a read of a
//! register that was never written. The log tells which of the two was refused; nothing is ever loaded or compiled.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unsafe_code, reason = "bpf(2) with attributes of the test's own")]

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use skep_isa::Insn;
use skep_isa::insn::EXIT;
use skep_isa::spec::{AttachType, ProgType};

/// A register that no question may write.
const NEVER_WRITTEN: u8 = 9;

/// What a program is loaded as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) prog_type: ProgType,
    pub(crate) attach: Option<AttachType>,
    /// `BPF_PROG_LOAD` flags.
    pub(crate) flags: u32,
    /// Number of the kernel's type it is attached to.
    pub(crate) btf_id: u32,
    /// `expected_attach_type` where it is no attach type (a member's number).
    pub(crate) member: u32,
}

impl Shape {
    pub(crate) fn new(prog_type: ProgType, attach: Option<AttachType>) -> Shape {
        let flags = if prog_type == ProgType::Syscall { skep_isa::spec::section::SLEEPABLE } else { 0 };
        Shape { prog_type, attach, flags, btf_id: 0, member: 0 }
    }
}

/// The verifier's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It came as far as the end: all before is allowed.
    Allowed,
    /// It refused something before: the log's last lines.
    Refused(String),
    /// It said nothing: the error's number.
    Silent(i32),
}

/// Asks the verifier about these instructions, the context in `r1`; `r9` must stay unwritten.
pub(crate) fn ask(shape: Shape, question: &[Insn]) -> Answer {
    let (errno, text) = log(shape, question, 1);
    if text.contains(&format!("R{NEVER_WRITTEN} !read_ok")) {
        return Answer::Allowed;
    }
    let said: Vec<&str> = text.lines().filter(|l| !l.starts_with("processed ") && !l.is_empty()).collect();
    match said.as_slice() {
        [] => Answer::Silent(errno),
        lines => Answer::Refused(lines[lines.len().saturating_sub(2)..].join(" | ")),
    }
}

/// What the verifier holds `register` to be when it has come to the end of these instructions.
pub(crate) fn state(shape: Shape, question: &[Insn], register: u8) -> Option<String> {
    let (_, text) = log(shape, question, 2);
    let states = text.lines().filter_map(|line| line.split_once("; ")).flat_map(|(_, state)| state.split(' '));
    let named = states.filter_map(|word| word.split_once('='));
    let mut of_register = named.filter(|(name, _)| name.trim_end_matches("_w") == format!("R{register}"));
    of_register.next_back().map(|(_, state)| state.split('(').next().unwrap_or(state).to_owned())
}

/// Error and log of the program that consists of these instructions and is then rejected.
fn log(shape: Shape, question: &[Insn], level: u32) -> (i32, String) {
    let mut code: Vec<u8> = Vec::new();
    let end = [Insn::new(0xbf, 0, NEVER_WRITTEN, 0, 0), Insn::new(EXIT, 0, 0, 0, 0)];
    for insn in question.iter().chain(&end) {
        code.extend(insn.to_bytes());
    }
    let mut log = vec![0_u8; 8192];
    let mut attr = Attr::new();
    attr.u32(0, shape.prog_type.id());
    attr.u32(4, (code.len() / 8) as u32);
    attr.pointer(8, code.as_ptr());
    attr.pointer(16, c"GPL".as_ptr().cast());
    attr.u32(24, level);
    attr.u32(28, log.len() as u32);
    attr.pointer(32, log.as_mut_ptr());
    attr.u32(44, shape.flags);
    attr.u32(68, shape.attach.map_or(shape.member, AttachType::id));
    attr.u32(108, shape.btf_id);
    let errno = match bpf(5, &mut attr) {
        Err(errno) => errno,
        Ok(_) => panic!("{shape:?}: a program that reads an unwritten register is loaded: {question:?}"),
    };
    let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
    (errno, String::from_utf8_lossy(&log[..end]).into_owned())
}

/// Attributes of `bpf(2)`, by offset.
pub(crate) struct Attr([u64; 20]);

impl Attr {
    pub(crate) fn new() -> Attr {
        Attr([0; 20])
    }

    pub(crate) fn u32(&mut self, at: usize, value: u32) {
        let shift = (at % 8) * 8;
        self.0[at / 8] |= u64::from(value) << shift;
    }

    pub(crate) fn u64(&mut self, at: usize, value: u64) {
        self.0[at / 8] = value;
    }

    pub(crate) fn pointer(&mut self, at: usize, to: *const u8) {
        self.u64(at, to as u64);
    }

    pub(crate) fn get(&self, at: usize) -> u32 {
        (self.0[at / 8] >> ((at % 8) * 8)) as u32
    }
}

/// Calls `bpf(2)`; what `attr` points to must outlive the call.
pub(crate) fn bpf(command: i32, attr: &mut Attr) -> Result<i64, i32> {
    // SAFETY: the attributes are 160 bytes of our own; their pointers are to buffers the caller keeps, of sizes it says.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr.0.as_mut_ptr(), size_of_val(&attr.0)) };
    if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
}

/// Calls `bpf(2)` for a new descriptor.
pub(crate) fn bpf_fd(command: i32, attr: &mut Attr) -> Result<OwnedFd, i32> {
    let fd = bpf(command, attr)?;
    // SAFETY: the kernel has just given this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// `*(size *)(dst + offset) = src`.
pub(crate) fn store(size: u32, dst: u8, offset: i16, src: u8) -> Insn {
    Insn::new(0x63 | size_bits(size), dst, src, offset, 0)
}

/// `dst = *(size *)(src + offset)`.
pub(crate) fn load(size: u32, dst: u8, src: u8, offset: i16) -> Insn {
    Insn::new(0x61 | size_bits(size), dst, src, offset, 0)
}

/// `dst = *(signed size *)(src + offset)`.
pub(crate) fn load_signed(size: u32, dst: u8, src: u8, offset: i16) -> Insn {
    Insn::new(0x81 | size_bits(size), dst, src, offset, 0)
}

fn size_bits(size: u32) -> u8 {
    match size {
        1 => 0x10,
        2 => 0x08,
        4 => 0x00,
        8 => 0x18,
        _ => panic!("no such size: {size}"),
    }
}

/// Maps one page of what a descriptor stands for, to read, and lets it go again.
pub(crate) fn map_page(fd: &OwnedFd) -> Result<i64, i32> {
    let null = std::ptr::null_mut();
    // SAFETY: the kernel chooses the address, and the page is let go before anybody sees it.
    let page = unsafe { libc::mmap(null, 4096, libc::PROT_READ, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
    if page == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
    }
    // SAFETY: the page was mapped just now and nothing points into it.
    unsafe { libc::munmap(page, 4096) };
    Ok(0)
}

/// Leaves the calling thread no capability but `CAP_BPF`; the thread should end soon.
pub(crate) fn keep_cap_bpf_alone() {
    const VERSION_3: u32 = 0x2008_0522;
    const CAP_BPF: u32 = 39;
    // Effective, permitted and inheritable ones, twice 32 of them.
    let header = [VERSION_3, 0];
    let kept = [0, 0, 0, 1 << (CAP_BPF - 32), 1 << (CAP_BPF - 32), 0_u32];
    // SAFETY: both arrays have the layout and size of the third version, and live until the call is over.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), kept.as_ptr()) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}
