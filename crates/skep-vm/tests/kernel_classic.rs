//! The kernel as the oracle of classic BPF: what it attaches is what the check takes, and what its filters answer is
//! what the vm's do. Needs root; `cargo test -p skep-vm --features kernel-tests`.
//!
//! Each filter the kernel takes is compiled by it, and freed soon after. Freeing very many in a short time can stop a
//! kernel for good, so there are few of them, and pauses between.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]
#![allow(unsafe_code, reason = "sockets with filters and forks have no safe form here; this is test code")]

#[path = "support/classic.rs"]
mod filter;
#[path = "support/kernel.rs"]
mod kernel;
#[path = "support/mod.rs"]
mod support;

use filter::{Random, attach, bytes_of, errno, program_of, taken};
use skep_isa::classic::{self, ClassicInsn, Kind, Target};
use skep_isa::spec::{ancillary, seccomp};
use skep_vm::Packet;
use skep_vm::classic::{Filter, SeccompData, SeccompFilter};
use support::Still;

/// Two sockets; the filters are attached to the second.
struct Pair {
    from: libc::c_int,
    to: libc::c_int,
}

impl Pair {
    fn new() -> Pair {
        let mut fds = [0; 2];
        // SAFETY: room for two descriptors.
        let made = unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_DGRAM, 0, fds.as_mut_ptr()) };
        assert_eq!(made, 0, "socketpair: errno {}", errno());
        Pair { from: fds[0], to: fds[1] }
    }

    /// Attaches a filter in place of the last one; the error number where the kernel refuses.
    fn attach(&self, program: &[ClassicInsn]) -> Result<(), i32> {
        attach(self.to, program)
    }

    /// Sends a datagram; what arrives, `None` when the filter dropped it.
    fn send(&self, data: &[u8]) -> Option<Vec<u8>> {
        // SAFETY: the buffer has that many bytes.
        let sent = unsafe { libc::send(self.from, data.as_ptr().cast(), data.len(), 0) };
        assert_eq!(sent, data.len() as isize, "send: errno {}", errno());
        let mut room = vec![0_u8; data.len() + 1];
        // SAFETY: the buffer has that many bytes.
        let got = unsafe { libc::recv(self.to, room.as_mut_ptr().cast(), room.len(), libc::MSG_DONTWAIT) };
        if got < 0 {
            assert_eq!(errno(), libc::EAGAIN);
            return None;
        }
        room.truncate(got as usize);
        Some(room)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for fd in [self.from, self.to] {
            // SAFETY: the descriptors are ours and are closed once.
            unsafe { libc::close(fd) };
        }
    }
}

/// The kernel's verdict on a socket filter is the check's.
#[track_caller]
fn same_verdict(pair: &Pair, program: &[ClassicInsn]) -> bool {
    let ours = classic::check(program, Target::Socket);
    let theirs = pair.attach(program);
    assert_eq!(ours.is_ok(), theirs.is_ok(), "ours {ours:?}, the kernel's {theirs:?}: {program:?}");
    assert!(matches!(theirs, Ok(()) | Err(libc::EINVAL)), "{theirs:?}: {program:?}");
    theirs.is_ok()
}

/// Every code there can be, with constants that matter to one or another.
#[test]
fn each_code_is_taken_where_the_check_takes_it() {
    let pair = Pair::new();
    let end = ClassicInsn::new(6, 0, 0, 1);
    for k in [0, 1, 16, 32] {
        for code in 0..=u16::MAX {
            // Most high codes are alike.
            if code > 0x1ff && k != 1 {
                break;
            }
            same_verdict(&pair, &[ClassicInsn::new(code, 0, 0, k), end]);
        }
    }
}

#[test]
fn each_limit_is_where_the_check_has_it() {
    let pair = Pair::new();
    let end = ClassicInsn::new(6, 0, 0, 1);
    for len in [0, 1, 4095, 4096, 4097, 65535] {
        assert_eq!(same_verdict(&pair, &vec![end; len]), (1..=4096).contains(&len));
    }
    for code in [0x05, 0x15, 0x2d] {
        for (jt, jf, k) in [(2, 0, 2), (3, 0, 3), (0, 2, 2), (0, 3, 3), (255, 0, u32::MAX), (0, 0, u32::MAX - 1)] {
            same_verdict(&pair, &[ClassicInsn::new(code, jt, jf, k), end, end, end]);
        }
    }
    for code in [0x20, 0x28, 0x30] {
        for place in (ancillary::BASE - 2..ancillary::BASE + 70).chain([0x7fff_ffff, 0x8000_0000, u32::MAX]) {
            same_verdict(&pair, &[ClassicInsn::new(code, 0, 0, place), end]);
        }
    }
    // What is known of cells after an end.
    let odd = classic::parse("jeq #1 jt 1 jf 3\nst M[0]\nja 4\nret #1\nld M[0]\nret #1").expect("a listing");
    assert!(!same_verdict(&pair, &odd));
}

#[test]
fn random_programs_have_the_kernel_s_verdict_and_its_answers() {
    let pair = Pair::new();
    let mut random = Random(0x0123_4567_89ab_cdef);
    const ACCEPTED: usize = 420;
    let (mut accepted, mut refused, mut kept, mut dropped) = (0, 0, 0, 0);
    for round in 0..20_000 {
        let program = random.program(Target::Socket, if round % 4 == 0 { 0 } else { round % 7 });
        // Refusals cost nothing, the others are few.
        if classic::check(&program, Target::Socket).is_ok() && accepted == ACCEPTED {
            continue;
        }
        if !same_verdict(&pair, &program) {
            refused += 1;
            continue;
        }
        accepted += 1;
        let Ok(mut filter) = Filter::new(&program, Box::new(Still::default())) else { continue };
        let asks = |names: &[&str]| {
            let is = |insn: &ClassicInsn| ancillary::at(insn.k).is_some_and(|row| names.contains(&row.name));
            program.iter().any(is)
        };
        // They tell of another device and CPU here than there.
        if asks(&["proto", "type", "cpu", "random"]) {
            continue;
        }
        for size in [0, 1, 7, 40, 64, 200] {
            let data: Vec<u8> = (0..size).map(|_| random.of(&[0, 1, 0x45, 0x80, 0xff, random_byte(size)])).collect();
            let mut packet = Packet::new();
            packet.info.ifindex = 0;
            packet.set_frame(&data);
            let verdict = filter.run(&mut packet).unwrap_or_else(|fault| panic!("{fault}: {program:?}"));
            let wanted = (verdict != 0).then(|| data[..data.len().min(verdict as usize)].to_vec());
            let arrived = pair.send(&data);
            assert_eq!(arrived, wanted, "{verdict}\n{}\n{data:02x?}", classic::text::listing(&program));
            *(if arrived.is_some() { &mut kept } else { &mut dropped }) += 1;
        }
    }
    println!("{accepted} programs taken, {refused} refused; {kept} datagrams kept, {dropped} dropped");
    assert!(accepted == ACCEPTED && refused > 2_000 && kept > 500 && dropped > 500);
}

fn random_byte(seed: usize) -> u8 {
    (seed * 37) as u8
}

/// What is translated is an eBPF program that the kernel's verifier takes, with the classic one's answers.
#[test]
fn translated_programs_are_loaded_and_answer_as_in_the_vm() {
    let mut random = Random(0xfeed_beef_1234_5678);
    let mut loaded = 0;
    while loaded < 220 {
        let program = random.program(Target::Socket, 0);
        let asks = |name: &str| program.iter().any(|insn| ancillary::at(insn.k).is_some_and(|row| row.name == name));
        if asks("cpu") || asks("random") || asks("rxhash") {
            continue;
        }
        let Ok(code) = classic::translate(&program, Target::Socket) else { continue };
        let mut filter = Filter::new(&program, Box::new(Still::default())).expect("it is translated");
        // An experimental EtherType; the kernel's test run hands a filter what follows it.
        let mut frame = vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xb5];
        frame.extend((0..60).map(|_| random.next() as u8));
        taken();
        let theirs = kernel::test_run("socket", &code, &frame)
            .unwrap_or_else(|why| panic!("{why}\n{}", classic::text::listing(&program)));
        let mut packet = Packet::new();
        packet.set_frame(&frame[14..]);
        let ours = filter.run(&mut packet);
        assert_eq!(ours, Ok(theirs.0), "{}\n{frame:02x?}", classic::text::listing(&program));
        loaded += 1;
    }
}

/// Memory that a child and its parent share.
struct Shared(*mut i32);

impl Shared {
    fn new() -> Shared {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping that nothing else knows.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
        assert_ne!(at, libc::MAP_FAILED);
        Shared(at.cast())
    }

    fn set(&self, value: i32) {
        // SAFETY: the mapping lives as long as this and is aligned to pages.
        unsafe { self.0.write_volatile(value) };
    }

    fn get(&self) -> i32 {
        // SAFETY: the mapping lives as long as this and is aligned to pages.
        unsafe { self.0.read_volatile() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and of that size.
        unsafe { libc::munmap(self.0.cast(), 4096) };
    }
}

/// Runs something in a child, which then ends; its wait status. It may make system calls only: no memory is allocated.
fn in_child(run: impl FnOnce()) -> i32 {
    // SAFETY: the child makes system calls and writes shared memory, nothing else.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: errno {}", errno());
    if child == 0 {
        // SAFETY: a flag of this process alone: whatever ends it, no core file is written.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
        run();
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: the child is ours and is waited for once.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status
}

/// Installs a filter for this thread; the error number where the kernel refuses.
fn install(program: &libc::sock_fprog) -> Result<(), i32> {
    const SET_MODE_FILTER: libc::c_long = 1;
    // SAFETY: a flag of this process alone.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: the program and its bytes live.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0_usize, &raw const *program) };
    // SAFETY: the address of this thread's own number.
    if result == 0 { Ok(()) } else { Err(unsafe { *libc::__errno_location() }) }
}

/// A call no kernel has.
const CALL: libc::c_long = 1000;
const ARCH: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// What the kernel's filter answers to a call with these arguments: the error number it makes it fail with.
fn answer(program: &[ClassicInsn], args: [u64; 6]) -> Result<i32, i32> {
    const REFUSED: i32 = 1 << 20;
    let (shared, bytes) = (Shared::new(), bytes_of(program));
    let fprog = program_of(&bytes);
    shared.set(-1);
    let status = in_child(|| {
        if let Err(errno) = install(&fprog) {
            return shared.set(REFUSED + errno);
        }
        let [a, b, c, d, e, f] = args;
        // SAFETY: the kernel has no such call.
        let result = unsafe { libc::syscall(CALL, a, b, c, d, e, f) };
        // SAFETY: the address of this thread's own number.
        shared.set(if result == 0 { 0 } else { unsafe { *libc::__errno_location() } });
    });
    assert_eq!(status, 0, "the child did not end by itself: {program:?}");
    match shared.get() {
        refused if refused >= REFUSED => Err(refused - REFUSED),
        errno => {
            taken();
            Ok(errno)
        }
    }
}

/// A program for system calls whose every end makes the call fail with a number: A's low bits, or a constant's.
fn failing(random: &mut Random) -> Vec<ClassicInsn> {
    let errno = |k: u32| 0x0005_0000 | k & 0xfff;
    // The child must be able to end.
    let exit = format!("ld [0]\njeq #{:#x} jt 2 jf 3\nret #{:#x}\nldx #0x3", libc::SYS_exit_group, 0x7fff_0000);
    let mut program = classic::parse(&exit).expect("a listing");
    let mut body = random.program(Target::Seccomp, 0);
    // The last `ret`, and any before it.
    for insn in &mut body {
        if matches!(classic::decode(*insn).map(|op| op.kind), Some(Kind::ReturnImm | Kind::ReturnA)) {
            *insn = ClassicInsn::new(6, 0, 0, errno(insn.k));
        }
    }
    body.pop();
    program.extend(body);
    program.extend(classic::parse("and #0xfff\nor #0x50000\nret").expect("a listing"));
    program
}

#[test]
fn seccomp_s_filters_answer_as_in_the_vm() {
    let mut random = Random(0xabcd_ef01_2345_6789);
    let (mut ran, mut answers) = (0, std::collections::BTreeSet::new());
    while ran < 220 {
        let program = failing(&mut random);
        let args = [0; 6].map(|_: u64| match random.below(3) {
            0 => random.below(40) as u64,
            _ => random.next() << 16 ^ random.next(),
        });
        let Ok(mut filter) = SeccompFilter::new(&program) else { continue };
        let call = SeccompData { nr: CALL as u32, arch: ARCH, instruction_pointer: 0, args };
        let ours = filter.run(&call).unwrap_or_else(|fault| panic!("{fault}: {program:?}"));
        let shown = || format!("{ours:#x}\n{}\n{args:x?}", classic::text::listing(&program));
        // A division by 0 ends it with 0, which kills.
        if ours & seccomp::ACTION != 0x0005_0000 {
            assert_eq!(ours, 0, "{}", shown());
            continue;
        }
        ran += 1;
        answers.insert(ours);
        assert_eq!(answer(&program, args), Ok((ours & seccomp::ACTION_DATA) as i32), "{}", shown());
    }
    assert!(answers.len() > 40, "{} different answers", answers.len());
}

#[test]
fn seccomp_refuses_what_the_check_refuses() {
    let end = ClassicInsn::new(6, 0, 0, 0x7fff_0000);
    let mut programs: Vec<Vec<ClassicInsn>> = Vec::new();
    // Places and codes first, then what is random.
    for k in [0, 1, 4, 16, 60, 61, 64, 0x8000_0000, ancillary::BASE, ancillary::BASE + 36] {
        programs.extend((0..0x200).map(|code| vec![ClassicInsn::new(code, 0, 0, k), end]));
    }
    programs.extend([0, 4097].map(|len| vec![end; len]));
    let mut random = Random(0x1111_2222_3333_4444);
    programs.extend((0..20_000).map(|round| {
        let target = if round % 5 == 0 { Target::Socket } else { Target::Seccomp };
        random.program(target, round % 9)
    }));
    let (good, bad): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| classic::check(program, Target::Seccomp).is_ok());
    // One child tries all that should be refused, since none changes it.
    let shared = Shared::new();
    let bytes: Vec<Vec<[u8; 8]>> = bad.iter().map(|program| bytes_of(program)).collect();
    let programs: Vec<libc::sock_fprog> = bytes.iter().map(|bytes| program_of(bytes)).collect();
    shared.set(-1);
    in_child(|| {
        for (index, program) in programs.iter().enumerate() {
            shared.set(index as i32);
            if install(program) != Err(libc::EINVAL) {
                return;
            }
        }
        shared.set(-2);
    });
    let last = shared.get();
    assert_eq!(last, -2, "the kernel does not refuse {:?}", usize::try_from(last).ok().and_then(|at| bad.get(at)));
    assert!(bad.len() > 5_000, "{}", bad.len());
    // A few of those that should be taken; what they answer to the child's end is their own matter.
    let all_codes = good.len().min(100);
    let step = (good.len() / 100).max(1);
    for program in good[..all_codes].iter().chain(good.iter().skip(all_codes).step_by(step).take(100)) {
        let (bytes, shared) = (bytes_of(program), Shared::new());
        let fprog = program_of(&bytes);
        shared.set(0);
        in_child(|| {
            if let Err(errno) = install(&fprog) {
                shared.set(errno);
            }
        });
        taken();
        assert_eq!(shared.get(), 0, "the kernel refuses {program:?}");
    }
}
