//! What tests of classic filters share: programs that are random and the same in every run, and the way to the kernel.
#![allow(unsafe_code, reason = "sockets with filters have no safe form here; this is test code")]
#![allow(dead_code, reason = "each test uses its own part")]

use std::sync::Mutex;

use skep_isa::classic::{self, ClassicInsn, Kind, Op, Target};
use skep_isa::spec::ancillary;

/// Filters the kernel has taken so far, in all tests of this file.
static TAKEN: Mutex<usize> = Mutex::new(0);

/// Notes that the kernel took a filter; rests now and then, and fails before there are too many.
pub(crate) fn taken() {
    let mut count = TAKEN.lock().expect("no holder panicked");
    *count += 1;
    assert!(*count < 1_500, "too many filters for one run");
    if count.is_multiple_of(32) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The kernel's `struct sock_fprog`, of bytes that outlive it.
pub(crate) fn program_of(bytes: &[[u8; 8]]) -> libc::sock_fprog {
    libc::sock_fprog { len: bytes.len() as u16, filter: bytes.as_ptr().cast_mut().cast() }
}

pub(crate) fn bytes_of(program: &[ClassicInsn]) -> Vec<[u8; 8]> {
    program.iter().map(|insn| insn.to_bytes()).collect()
}

pub(crate) fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Attaches a filter to a socket in place of the last one; the error number where the kernel refuses.
pub(crate) fn attach(socket: libc::c_int, program: &[ClassicInsn]) -> Result<(), i32> {
    let bytes = bytes_of(program);
    let fprog = program_of(&bytes);
    let size = size_of_val(&fprog) as libc::socklen_t;
    let option = (&raw const fprog).cast();
    // SAFETY: the option is a live struct of that size, and the bytes it names live too.
    let result = unsafe { libc::setsockopt(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, option, size) };
    let errno = errno();
    // A long one may be more than the socket has memory for; that is asked when it is checked and compiled.
    if result == 0 || errno == libc::ENOMEM {
        taken();
        return Ok(());
    }
    Err(errno)
}

/// Numbers that are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub(crate) fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// A constant: small, or at a corner, or any.
    pub(crate) fn constant(&mut self) -> u32 {
        match self.below(4) {
            0 => self.of(&[0, 1, 31, 0x7fff_ffff, 0x8000_0000, u32::MAX]),
            1 => self.next() as u32,
            _ => self.below(80) as u32,
        }
    }

    /// A program that the check takes more often than not when `wild` is 0; of 100 instructions `wild` are anything.
    pub(crate) fn program(&mut self, target: Target, wild: usize) -> Vec<ClassicInsn> {
        let rows: Vec<&Op> = classic::TABLE.iter().filter(|op| op.is_for(target)).collect();
        let len = 2 + self.below(24);
        let mut program = Vec::with_capacity(len + 1);
        let mut cells: Vec<u32> = Vec::new();
        for at in 0..len {
            if self.below(100) < wild {
                let code = if self.below(2) == 0 {
                    self.of(&classic::TABLE.iter().collect::<Vec<_>>()).code
                } else {
                    self.below(256) as u16
                };
                let (jt, jf, k) = (self.below(20) as u8, self.below(20) as u8, self.constant());
                program.push(ClassicInsn { code, jt, jf, k });
                continue;
            }
            let op = self.of(&rows);
            let left = len - at;
            let jump = |random: &mut Random| random.below(left.min(6)) as u8;
            let k = match op.kind {
                Kind::LoadAbs(_) if target == Target::Seccomp => {
                    4 * self.of(&[0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
                }
                Kind::LoadAbs(_) => match self.below(4) {
                    0 => ancillary::BASE + self.of(&[8, 20, 24, 32, 40, 44, 48, 60]),
                    _ => self.below(70) as u32,
                },
                Kind::LoadInd(_) | Kind::LoadHeaderLen => self.below(40) as u32,
                Kind::LoadCell(_) if !cells.is_empty() => self.of(&cells),
                Kind::StoreCell(_) => {
                    let cell = self.below(16) as u32;
                    cells.push(cell);
                    cell
                }
                Kind::Alu { .. } if op.name == "lsh" || op.name == "rsh" => self.below(32) as u32,
                Kind::Alu { .. } if op.name == "div" || op.name == "mod" => self.constant().max(1),
                Kind::Goto => jump(self).into(),
                // Ends are for the end, or programs would be short.
                Kind::ReturnImm | Kind::ReturnA if self.below(4) != 0 => {
                    program.push(ClassicInsn::new(0x07, 0, 0, 0));
                    continue;
                }
                _ => self.constant(),
            };
            let (jt, jf) = (jump(self), jump(self));
            program.push(op.encode(jt, jf, k));
        }
        if self.below(100) >= wild {
            program.push(ClassicInsn::new(0x16, 0, 0, 0));
        }
        program
    }
}
