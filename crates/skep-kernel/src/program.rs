//! Live programs: what the kernel says of them, and test runs.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use skep_isa::spec::ProgType;

use crate::error::Error;
use crate::map::ids;
use crate::name;
use skep_isa::spec::Command;

use crate::sys;

/// A program in the kernel; it lives while this value, a link or another process holds it.
#[derive(Debug)]
pub struct Program {
    fd: OwnedFd,
    name: String,
    prog_type: Option<ProgType>,
    /// Its test runs turned out to take no context: those of XDP on older kernels.
    is_bare: AtomicBool,
}

/// What the kernel says of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramInfo {
    /// Its number.
    pub id: u32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Its type as a number; [`ProgramInfo::prog_type`] is the same by name.
    pub type_number: u32,
    /// Its type, `None` when it is newer than skep.
    pub prog_type: Option<ProgType>,
    /// Hash over its instructions.
    pub tag: [u8; 8],
    /// Bytes of machine code, 0 when it is interpreted.
    pub jited_len: u32,
    /// Bytes of its instructions as the kernel rewrote them.
    pub translated_len: u32,
    /// Instructions the verifier processed, 0 before Linux 5.16.
    pub verified_insns: u32,
    /// Numbers of the maps it uses.
    pub map_ids: Vec<u32>,
    /// Id of its types, 0 for none.
    pub btf_id: u32,
    /// User who loaded it.
    pub uid: u32,
    /// When it was loaded, in nanoseconds since boot.
    pub load_time_ns: u64,
    /// How often it ran while anybody measured.
    pub run_count: u64,
    /// How long it ran while anybody measured, in nanoseconds.
    pub run_time_ns: u64,
}

/// What a test run is given. An empty field is not passed to the kernel.
#[derive(Clone, Debug, Default)]
pub struct TestRun<'a> {
    /// The frame, for programs that see packets.
    pub data: &'a [u8],
    /// The context (`struct xdp_md`, `struct __sk_buff`, arguments of a raw tracepoint).
    pub ctx: &'a [u8],
    /// Room for a longer frame than was given, in bytes.
    pub data_room: usize,
    /// True when the frame is not wanted back.
    pub no_data: bool,
    /// How often to run it, 0 for once.
    pub repeat: u32,
}

/// What a frame may grow by in a test run: more than any socket buffer of it can hold.
const GROWTH: usize = 16 << 10;
/// Shortest and longest frame that every test run takes (an IPv6 header behind Ethernet; what an XDP program sees of one
/// page): outside, `EINVAL` is about the length.
const LEAST: usize = 54;
const MOST: usize = 3_520;

/// What a test run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutput {
    /// What the program returned.
    pub retval: u32,
    /// The frame afterwards.
    pub data: Vec<u8>,
    /// The context afterwards, as long as the one given.
    pub ctx: Vec<u8>,
    /// Mean time of one run in nanoseconds.
    pub duration_ns: u32,
}

impl Program {
    pub(crate) fn new(fd: OwnedFd, name: String, prog_type: Option<ProgType>) -> Program {
        Program { fd, name, prog_type, is_bare: AtomicBool::new(false) }
    }

    /// Opens the program with this number.
    ///
    /// # Errors
    /// [`Error::NoPrivilege`], or [`Error::Call`] when there is none.
    pub fn from_id(id: u32) -> Result<Program, Error> {
        let object = || format!("program {id}");
        let fd =
            sys::fd_by_id(Command::ProgGetFdById, id).map_err(|e| Error::by_id(Command::ProgGetFdById, object(), e))?;
        let raw = sys::prog_info(fd.as_fd(), &mut [])
            .map_err(|e| Error::call(Command::ObjGetInfoByFd.constant(), object(), e))?;
        Ok(Program::new(fd, name::from_kernel(&raw.name), ProgType::from_id(raw.prog_type)))
    }

    /// Numbers of all programs there are, ascending.
    ///
    /// # Errors
    /// [`Error::NoPrivilege`].
    pub fn ids() -> Result<Vec<u32>, Error> {
        ids(Command::ProgGetNextId)
    }

    /// Its name: the object's, or the kernel's where it was opened by id.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type, `None` when it is newer than skep.
    pub fn prog_type(&self) -> Option<ProgType> {
        self.prog_type
    }

    /// What the kernel says of it.
    ///
    /// # Errors
    /// [`Error::Call`].
    pub fn info(&self) -> Result<ProgramInfo, Error> {
        let failed = |e| Error::call(Command::ObjGetInfoByFd.constant(), format!("program `{}`", self.name), e);
        let count = sys::prog_info(self.as_fd(), &mut []).map_err(failed)?.nr_map_ids;
        let mut map_ids = vec![0; count as usize];
        let raw = sys::prog_info(self.as_fd(), &mut map_ids).map_err(failed)?;
        map_ids.truncate(raw.nr_map_ids as usize);
        Ok(ProgramInfo {
            id: raw.id,
            name: name::from_kernel(&raw.name),
            type_number: raw.prog_type,
            prog_type: ProgType::from_id(raw.prog_type),
            tag: raw.tag,
            jited_len: raw.jited_prog_len,
            translated_len: raw.xlated_prog_len,
            verified_insns: raw.verified_insns,
            map_ids,
            btf_id: raw.btf_id,
            uid: raw.created_by_uid,
            load_time_ns: raw.load_time,
            run_count: raw.run_cnt,
            run_time_ns: raw.run_time_ns,
        })
    }

    /// Runs it once, or `repeat` times, on what is given. Frames of packet programs have at least 14 bytes; programs
    /// of socket-buffer types see them from the IP header on only in socket filters.
    ///
    /// # Errors
    /// [`Error::Call`], with the limits of the program's type where they are the likely cause.
    pub fn test_run(&self, run: &TestRun<'_>) -> Result<TestOutput, Error> {
        // XDP and tc programs may push headers; 256 bytes is the room the kernel itself leaves.
        let room = if run.data.is_empty() || run.no_data { 0 } else { run.data.len() + run.data_room.max(256) };
        let mut data = vec![0; room];
        let mut ctx_in = run.ctx.to_vec();
        let mut ctx_out = if self.writes_ctx_apart() { vec![0; ctx_in.len()] } else { Vec::new() };
        let (out, result) = sys::test_run(
            self.as_fd(),
            sys::TestRunParts {
                data_in: run.data,
                data_out: &mut data,
                ctx_in: &mut ctx_in,
                ctx_out: &mut ctx_out,
                repeat: run.repeat,
                flags: 0,
            },
        );
        match result {
            Ok(()) => {}
            Err(errno) => {
                let cause = match errno {
                    Errno::INVAL => Some(
                        "the frame is shorter or longer than test runs of this program type take, \
                         or the context has a field set that may not be",
                    ),
                    Errno::OPNOTSUPP | sys::ENOTSUPP => Some("programs of this type have no test run"),
                    Errno::NOSPC => Some("the frame grew beyond the room given"),
                    _ => None,
                };
                let (call, object) = (Command::ProgTestRun.constant(), format!("program `{}`", self.name));
                return Err(match errno {
                    Errno::PERM => Error::call(call, object, errno),
                    _ => Error::Call { call, object, errno, cause },
                });
            }
        }
        data.truncate(out.data_size_out as usize);
        ctx_out.truncate(out.ctx_size_out as usize);
        let ctx = if self.writes_ctx_apart() { ctx_out } else { ctx_in };
        Ok(TestOutput { retval: out.retval, data, ctx, duration_ns: out.duration })
    }

    /// True for types whose test runs give the context back in a buffer of its own; others refuse one.
    fn writes_ctx_apart(&self) -> bool {
        matches!(
            self.prog_type,
            Some(
                ProgType::Xdp
                    | ProgType::SocketFilter
                    | ProgType::SchedCls
                    | ProgType::SchedAct
                    | ProgType::CgroupSkb
                    | ProgType::LwtIn
                    | ProgType::LwtOut
                    | ProgType::LwtXmit
                    | ProgType::LwtSeg6local
            )
        )
    }
}

impl Program {
    /// Runs it once over a frame; `None` when the kernel has no test run for a frame like this (too short or too long).
    /// With `want_frame` the frame comes back without the metadata an XDP program may have put in front of it.
    ///
    /// # Errors
    /// [`Error::Call`] for everything else.
    pub fn test_frame(&self, frame: &[u8], want_frame: bool) -> Result<Option<TestOutput>, Error> {
        // `struct xdp_md`: data, data_end, data_meta and three numbers of devices and queues.
        let mut xdp = [0; 24];
        let [_, _, _, _, end @ ..] = &mut xdp;
        if let (Some(end), Ok(len)) = (end.first_chunk_mut(), u32::try_from(frame.len())) {
            *end = len.to_ne_bytes();
        }
        let has_ctx = self.prog_type == Some(ProgType::Xdp) && !self.is_bare.load(Ordering::Relaxed);
        let ctx = if has_ctx { &xdp[..] } else { &[] };
        let data_room = if want_frame { GROWTH } else { 0 };
        let run = TestRun { data: frame, ctx, data_room, no_data: !want_frame, ..TestRun::default() };
        let mut ran = self.test_run(&run);
        let is_fit = (LEAST..=MOST).contains(&frame.len());
        if has_ctx && is_fit && matches!(ran, Err(Error::Call { errno: Errno::INVAL, .. })) {
            ran = self.test_run(&TestRun { ctx: &[], ..run });
            self.is_bare.store(ran.is_ok(), Ordering::Relaxed);
        }
        match ran {
            Err(Error::Call { errno: Errno::INVAL, .. }) if !is_fit => Ok(None),
            Err(error) => Err(error),
            Ok(mut output) => {
                // Afterwards `data` tells how far the frame stands behind its metadata.
                let meta = output.ctx.first_chunk().map_or(0, |data| u32::from_ne_bytes(*data) as usize);
                output.data.drain(..meta.min(output.data.len()));
                Ok(Some(output))
            }
        }
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
