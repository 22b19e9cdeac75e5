//! A few calls of bpf(2), just enough to load a program and test-run it.
#![allow(unsafe_code, reason = "bpf(2) has no safe form here; this is test code")]
#![allow(dead_code, reason = "each test uses its own part")]

use skep_isa::Insn;
use skep_object::MapSpec;
use skep_vm::{Config, Machine, Outcome, Packet};

use crate::support;

fn bpf(command: i32, attr: &mut [u64; 20]) -> Result<i64, i32> {
    // SAFETY: the attribute outlives the call and its addresses are of live buffers of the sizes given.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr.as_mut_ptr(), size_of_val(attr)) };
    if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
}

fn close(fd: i64) {
    // SAFETY: the descriptor came from bpf(2) above and is closed once.
    unsafe { libc::close(fd as i32) };
}

fn two(low: u64, high: u64) -> u64 {
    low | high << 32
}

/// Keeps this thread on CPU 0: the kernel's lists of what was used are partly each CPU's own.
pub(crate) fn stay_on_one_cpu() {
    // SAFETY: a set of zeros is a set; it is only read by the call.
    let result = unsafe {
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(0, &mut one);
        libc::sched_setaffinity(0, size_of_val(&one), &one)
    };
    assert_eq!(result, 0, "a thread may stay on CPU 0");
}

/// CPUs that per-CPU values have copies for.
pub(crate) fn possible_cpus() -> usize {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible").expect("the kernel says");
    let last = text.trim().rsplit(['-', ',']).next().and_then(|last| last.parse::<usize>().ok());
    last.expect("a range of CPUs from 0") + 1
}

/// A map of the kernel's.
pub(crate) struct KernelMap {
    fd: i64,
    key_size: usize,
    /// Bytes of a value as user space has it.
    value_size: usize,
}

impl KernelMap {
    pub(crate) fn new(spec: &MapSpec) -> KernelMap {
        let mut attr = [0; 20];
        attr[0] = two(spec.map_type.id().into(), spec.key_size.into());
        attr[1] = two(spec.value_size.into(), spec.max_entries.into());
        attr[2] = spec.flags.into();
        attr[8] = spec.extra;
        let fd = bpf(0, &mut attr).unwrap_or_else(|errno| panic!("map create: errno {errno}"));
        let value_size = spec.value_size as usize;
        let value_size =
            if spec.map_type.is_per_cpu() { value_size.next_multiple_of(8) * possible_cpus() } else { value_size };
        KernelMap { fd, key_size: spec.key_size as usize, value_size }
    }

    /// The key after another.
    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, i32> {
        let mut next = vec![0_u8; self.key_size];
        let mut attr = [0; 20];
        attr[0] = self.fd as u64;
        attr[1] = key.map_or(0, |key| key.as_ptr() as u64);
        attr[2] = next.as_mut_ptr() as u64;
        bpf(4, &mut attr).map(|_| next)
    }

    /// Looks a value up that is asked about, as bloom filters do.
    pub(crate) fn has(&self, value: &[u8]) -> Result<(), i32> {
        self.call(1, &[], value.as_ptr(), 0)
    }

    /// Removes a key; the value it had.
    pub(crate) fn take(&self, key: &[u8]) -> Result<Vec<u8>, i32> {
        let mut value = vec![0; self.value_size];
        self.call(21, key, value.as_mut_ptr(), 0).map(|()| value)
    }

    /// Forbids user space to write.
    pub(crate) fn freeze(&self) -> Result<(), i32> {
        let mut attr = [0; 20];
        attr[0] = self.fd as u64;
        bpf(22, &mut attr).map(|_| ())
    }

    fn batch(&self, command: i32, cursor: [u64; 2], bytes: [u64; 2], count: &mut usize, flags: u64) -> Result<(), i32> {
        let mut attr = [0; 20];
        attr[..2].copy_from_slice(&cursor);
        attr[2..4].copy_from_slice(&bytes);
        attr[4] = two(*count as u64, self.fd as u64);
        attr[5] = flags;
        let result = bpf(command, &mut attr);
        *count = attr[4] as u32 as usize;
        result.map(|_| ())
    }

    /// Sets many: how many were set, and the error.
    pub(crate) fn update_batch(
        &self,
        keys: &[u8],
        values: &[u8],
        count: usize,
        flags: u64,
    ) -> (usize, Result<(), i32>) {
        let mut done = count;
        let result = self.batch(26, [0; 2], [keys.as_ptr() as u64, values.as_ptr() as u64], &mut done, flags);
        (done, result)
    }

    /// Removes many: how many were removed, and the error.
    pub(crate) fn delete_batch(&self, keys: &[u8], count: usize) -> (usize, Result<(), i32>) {
        let mut done = count;
        let result = self.batch(27, [0; 2], [keys.as_ptr() as u64, 0], &mut done, 0);
        (done, result)
    }

    /// The next entries; `cursor` is where to go on.
    pub(crate) fn lookup_batch(
        &self,
        cursor: &mut Option<Vec<u8>>,
        count: usize,
        take: bool,
    ) -> (skep_vm::Entries, Result<(), i32>) {
        let from = cursor.clone();
        let mut next = vec![0_u8; self.key_size.max(8)];
        let mut keys = vec![0_u8; count * self.key_size];
        let mut values = vec![0_u8; count * self.value_size];
        let mut found = count;
        let places = [from.as_ref().map_or(0, |key| key.as_ptr() as u64), next.as_mut_ptr() as u64];
        let bytes = [keys.as_mut_ptr() as u64, values.as_mut_ptr() as u64];
        let result = self.batch(if take { 25 } else { 24 }, places, bytes, &mut found, 0);
        // An operation that is not known, or that had no room, leaves the count as it was.
        let found = if matches!(result, Ok(()) | Err(libc::ENOENT)) { found } else { 0 };
        *cursor = Some(next);
        let entries = keys.chunks(self.key_size).zip(values.chunks(self.value_size)).take(found);
        (entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect(), result)
    }

    /// Its descriptor, for instructions.
    pub(crate) fn descriptor(&self) -> i32 {
        self.fd as i32
    }

    fn call(&self, command: i32, key: &[u8], value: *const u8, flags: u64) -> Result<(), i32> {
        let mut attr = [0; 20];
        attr[0] = self.fd as u64;
        // Where there are no keys, none may be given.
        attr[1] = if self.key_size == 0 { 0 } else { key.as_ptr() as u64 };
        attr[2] = value as u64;
        attr[3] = flags;
        bpf(command, &mut attr).map(|_| ())
    }

    pub(crate) fn lookup(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut value = vec![0; self.value_size];
        self.call(1, key, value.as_mut_ptr(), 0).ok().map(|()| value)
    }

    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), i32> {
        self.call(2, key, value.as_ptr(), flags)
    }

    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), i32> {
        self.call(3, key, std::ptr::null(), 0)
    }

    pub(crate) fn entries(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all = Vec::new();
        let mut last: Option<Vec<u8>> = None;
        loop {
            let mut next = vec![0_u8; self.key_size];
            let mut attr = [0; 20];
            attr[0] = self.fd as u64;
            attr[1] = last.as_ref().map_or(0, |key| key.as_ptr() as u64);
            attr[2] = next.as_mut_ptr() as u64;
            if bpf(4, &mut attr).is_err() {
                return all;
            }
            all.push((next.clone(), self.lookup(&next).expect("the key is there")));
            last = Some(next);
        }
    }
}

impl Drop for KernelMap {
    fn drop(&mut self) {
        close(self.fd);
    }
}

/// Runs of one program, one after another on the same map, give the same results.
#[track_caller]
pub(crate) fn agree_on_runs(section: &str, code: &[Insn], maps: &[MapSpec], frame: &[u8], runs: usize) {
    let on_kernel: Vec<KernelMap> = maps.iter().map(KernelMap::new).collect();
    let with_fds: Vec<Insn> = code
        .iter()
        .map(|insn| match (insn.is_wide(), insn.src) {
            (true, 1) => Insn { imm: on_kernel[insn.imm as usize].fd as i32, ..*insn },
            _ => *insn,
        })
        .collect();
    let mut machine = support::machine(section, code, maps);
    for run in 0..runs {
        let kernel = test_run(section, &with_fds, frame).unwrap_or_else(|why| panic!("{why}"));
        let mut packet = Packet::new();
        packet.set_frame(frame);
        match machine.run(0, &mut packet) {
            Outcome::Ran { result, .. } => assert_eq!(kernel.0, result as u32, "run {run} of {code:?}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Loads and test-runs a program: what it returned and the frame after it.
pub(crate) fn test_run(section: &str, code: &[Insn], frame: &[u8]) -> Result<(u32, Vec<u8>), String> {
    let prog_type = match section {
        "socket" => 1,
        "tc" => 3,
        "cgroup_skb/ingress" => 8,
        _ => 6,
    };
    let bytes: Vec<u8> = code.iter().flat_map(|insn| insn.to_bytes()).collect();
    let mut log = vec![0_u8; 1 << 20];
    let mut attr = [0; 20];
    attr[0] = two(prog_type, code.len() as u64);
    attr[1] = bytes.as_ptr() as u64;
    attr[2] = c"GPL".as_ptr() as u64;
    let mut loaded = bpf(5, &mut attr);
    if loaded.is_err() {
        attr[3] = two(1, log.len() as u64);
        attr[4] = log.as_mut_ptr() as u64;
        loaded = bpf(5, &mut attr);
    }
    let fd = loaded.map_err(|errno| {
        let text = String::from_utf8_lossy(&log);
        let text = text.trim_end_matches('\0');
        format!("load: errno {errno}: {}", &text[text.len().saturating_sub(300)..])
    })?;
    let mut out = vec![0_u8; 20000];
    let mut attr = [0; 20];
    attr[0] = two(fd as u64, 0);
    attr[1] = two(frame.len() as u64, out.len() as u64);
    attr[2] = frame.as_ptr() as u64;
    attr[3] = out.as_mut_ptr() as u64;
    attr[4] = two(1, 0);
    let ran = bpf(10, &mut attr);
    close(fd);
    ran.map_err(|errno| format!("run: errno {errno}"))?;
    let result = (attr[0] >> 32) as u32;
    out.truncate((attr[1] >> 32) as usize);
    Ok((result, out))
}

fn vm_run(section: &str, code: &[Insn], frame: &[u8]) -> Result<(u32, Vec<u8>), String> {
    let object = support::object(section, code, &[]);
    let config = Config { like_kernel: true, ..Config::default() };
    let mut machine =
        Machine::new(&object, None, config, Box::new(support::Still::default())).map_err(|e| format!("load: {e}"))?;
    let mut packet = Packet::new();
    packet.set_frame(frame);
    match machine.run(0, &mut packet) {
        Outcome::Ran { result, .. } => Ok((result as u32, packet.frame().to_vec())),
        Outcome::Refused(why) => Err(format!("run: {why}")),
        Outcome::Fault(fault) => Err(format!("load: {fault}")),
    }
}

/// Both engines give the same result and frame, or both refuse at the same stage.
#[track_caller]
pub(crate) fn agree(section: &str, code: &[Insn], frame: &[u8]) {
    compare(section, code, frame, "", true);
}

/// Both engines give the same result, or both refuse.
#[track_caller]
pub(crate) fn agree_on_result(section: &str, code: &[Insn], frame: &[u8], what: &str) {
    compare(section, code, frame, what, false);
}

#[track_caller]
fn compare(section: &str, code: &[Insn], frame: &[u8], what: &str, frames: bool) {
    let kernel = test_run(section, code, frame);
    let vm = vm_run(section, code, frame);
    let tail: Vec<_> = code.iter().rev().take(12).rev().collect();
    // The kernel hands XDP metadata out in front of the frame, the vm does not.
    let kernel = match (kernel, &vm) {
        (Ok((k, mut kf)), Ok((_, vf))) if section == "xdp" => {
            let meta = kf.len().saturating_sub(vf.len());
            assert!(meta <= 252 && meta % 4 == 0, "{section} {what}: {meta} bytes more from the kernel");
            kf.drain(..meta);
            Ok((k, kf))
        }
        (kernel, _) => kernel,
    };
    match (&kernel, &vm) {
        (Ok((k, kf)), Ok((v, vf))) => {
            assert_eq!(k, v, "{section} {what}: result; frame of {}; {tail:#?}", frame.len());
            if frames && kf != vf {
                let at = kf.iter().zip(vf).position(|(a, b)| a != b);
                panic!(
                    "{section}: frames differ at {at:?}, lengths kernel {} vm {}\nkernel {:x?}\nvm     {:x?}\n{tail:#?}",
                    kf.len(),
                    vf.len(),
                    &kf[..kf.len().min(64)],
                    &vf[..vf.len().min(64)]
                );
            }
        }
        (Err(k), Err(_)) if frames && k.starts_with("load") => panic!("{section}: the case says nothing: {k}"),
        (Err(k), Err(v)) => assert_eq!(k.get(..3), v.get(..3), "{section} {what}: {k} / {v}; {tail:#?}"),
        _ => panic!("{section} {what}, frame of {}: kernel {kernel:?}, vm {vm:?}; {tail:#?}", frame.len()),
    }
}
