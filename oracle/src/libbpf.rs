//! libbpf, as much of it as the oracle asks: open, choose one program, load, close. The only unsafe code here.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::sync::Mutex;

use libbpf_sys as sys;

use crate::needed::Needed;

/// Level 1 with the statistics, and the statistics without the walk.
pub(crate) const LOG_LEVELS: [u32; 2] = [1 | 4, 4];
/// Bytes of a log, as libbpf's own.
const LOG_SIZE: usize = 16 << 20;

/// Entries of a map whose number its object leaves to the program that loads it, and the types where that is usual.
const ENTRIES: u32 = 64;
const SIZED: &[u32] = &[
    sys::BPF_MAP_TYPE_HASH,
    sys::BPF_MAP_TYPE_PERCPU_HASH,
    sys::BPF_MAP_TYPE_LRU_HASH,
    sys::BPF_MAP_TYPE_LRU_PERCPU_HASH,
    sys::BPF_MAP_TYPE_ARRAY,
    sys::BPF_MAP_TYPE_PERCPU_ARRAY,
    sys::BPF_MAP_TYPE_STACK_TRACE,
    sys::BPF_MAP_TYPE_CPUMAP,
    sys::BPF_MAP_TYPE_DEVMAP,
    sys::BPF_MAP_TYPE_DEVMAP_HASH,
    sys::BPF_MAP_TYPE_XSKMAP,
    sys::BPF_MAP_TYPE_BLOOM_FILTER,
    sys::BPF_MAP_TYPE_ARRAY_OF_MAPS,
    sys::BPF_MAP_TYPE_HASH_OF_MAPS,
];
/// Bytes of a ring buffer that does not say.
const RING_SIZE: u32 = 4096;
/// Bytes of a stack in a map that does not say: 127 addresses.
const STACK_SIZE: u32 = 127 * 8;

/// What libbpf warned of since it was last taken.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// An object that libbpf has opened.
pub(crate) struct Object(*mut sys::bpf_object);

/// A program as libbpf names it.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) prog_type: String,
}

/// How a load went.
pub(crate) struct Outcome {
    /// 0, or what libbpf answered.
    pub(crate) errno: i32,
    /// What the verifier wrote.
    pub(crate) log: String,
    /// What libbpf warned of.
    pub(crate) said: Vec<String>,
    /// The kernel refused the program (not something that libbpf does before or after).
    pub(crate) refused: bool,
}

unsafe extern "C" {
    fn vsnprintf(to: *mut c_char, size: usize, format: *const c_char, args: *mut sys::__va_list_tag) -> c_int;
}

/// Keeps warnings.
unsafe extern "C" fn keep(level: u32, format: *const c_char, args: *mut sys::__va_list_tag) -> c_int {
    if level != sys::LIBBPF_WARN {
        return 0;
    }
    let mut text = vec![0_u8; 4096];
    // SAFETY: libbpf gives a format and its arguments; the buffer is as long as said, and ends in zero.
    unsafe { vsnprintf(text.as_mut_ptr().cast(), text.len(), format, args) };
    let text = CStr::from_bytes_until_nul(&text).unwrap_or_default().to_string_lossy();
    if let Ok(mut said) = SAID.lock() {
        said.extend(text.lines().map(|line| line.strip_prefix("libbpf: ").unwrap_or(line).to_owned()));
    }
    0
}

fn said() -> Vec<String> {
    SAID.lock().map(|mut said| std::mem::take(&mut *said)).unwrap_or_default()
}

/// A copy of one of libbpf's strings.
fn text(from: *const c_char) -> String {
    if from.is_null() {
        return String::new();
    }
    // SAFETY: libbpf's strings end in zero and live as long as the object, which the caller holds.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}

impl Object {
    /// Opens an object from its bytes, under its file's name; or what libbpf answered and said.
    pub(crate) fn open(path: &Path, bytes: &[u8]) -> Result<Object, (i32, Vec<String>)> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // As libbpf names an object that it opens by its path.
        let name = CString::new(name.split('.').next().unwrap_or_default()).unwrap_or_default();
        let options = sys::bpf_object_open_opts {
            sz: size_of::<sys::bpf_object_open_opts>() as u64,
            object_name: name.as_ptr(),
            ..Default::default()
        };
        // SAFETY: the callback takes what libbpf hands it; name, options and bytes are read during the call alone.
        let object = unsafe {
            sys::libbpf_set_print(Some(keep));
            said();
            sys::bpf_object__open_mem(bytes.as_ptr().cast(), bytes.len() as u64, &options)
        };
        if object.is_null() {
            let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            return Err((errno, said()));
        }
        Ok(Object(object))
    }

    fn program_pointers(&self) -> Vec<*mut sys::bpf_program> {
        let mut at = std::ptr::null_mut();
        // SAFETY: the object is open, and each program is the one before or null.
        std::iter::from_fn(|| {
            at = unsafe { sys::bpf_object__next_program(self.0, at) };
            (!at.is_null()).then_some(at)
        })
        .collect()
    }

    fn map_pointers(&self) -> Vec<*mut sys::bpf_map> {
        let mut at = std::ptr::null_mut();
        // SAFETY: the object is open, and each map is the one before or null.
        std::iter::from_fn(|| {
            at = unsafe { sys::bpf_object__next_map(self.0, at) };
            (!at.is_null()).then_some(at)
        })
        .collect()
    }

    /// Its programs.
    pub(crate) fn programs(&mut self) -> Vec<Program> {
        let program = |p: *mut sys::bpf_program| {
            // SAFETY: the program is of this object.
            let (name, section, kind) = unsafe {
                let kind = sys::libbpf_bpf_prog_type_str(sys::bpf_program__type(p));
                (sys::bpf_program__name(p), sys::bpf_program__section_name(p), kind)
            };
            Program { name: text(name), section: text(section), prog_type: text(kind) }
        };
        self.program_pointers().into_iter().map(program).collect()
    }

    /// Loads one program with the maps it needs, all of them where that is not known.
    pub(crate) fn load(self, program: &Program, needed: Option<&Needed>, log_level: u32) -> Outcome {
        let mut log = vec![0_u8; LOG_SIZE];
        let mut wanted = std::ptr::null_mut();
        let others: Vec<_> = self
            .program_pointers()
            .into_iter()
            .filter(|&p| {
                // SAFETY: the program is of this object; the log outlives the load below.
                let is_wanted = text(unsafe { sys::bpf_program__name(p) }) == program.name;
                unsafe { sys::bpf_program__set_autoload(p, is_wanted) };
                if is_wanted {
                    wanted = p;
                }
                !is_wanted
            })
            .collect();
        for map in self.map_pointers() {
            self.prepare(map, program, needed, wanted, &others);
        }
        said();
        // SAFETY: program and object are open, the log is as long as said.
        let result = unsafe {
            sys::bpf_program__set_log_buf(wanted, log.as_mut_ptr().cast(), LOG_SIZE as u64);
            sys::bpf_program__set_log_level(wanted, log_level);
            sys::bpf_object__load(self.0)
        };
        let said = said();
        let refused = said.iter().any(|line| line.contains("BPF program load failed"));
        let log = CStr::from_bytes_until_nul(&log).unwrap_or_default().to_string_lossy().into_owned();
        Outcome { errno: -result, log, said, refused }
    }

    /// Loads these programs with all the maps, as whoever ships the object does; 0, or what libbpf answered.
    pub(crate) fn load_all(&self, programs: &[&str]) -> i32 {
        for program in self.program_pointers() {
            // SAFETY: the program is of this object, which is not loaded yet.
            unsafe {
                let name = text(sys::bpf_program__name(program));
                sys::bpf_program__set_autoload(program, programs.contains(&name.as_str()));
            }
        }
        for map in self.map_pointers() {
            // SAFETY: the map is of this object, which is not loaded yet.
            unsafe { sys::bpf_map__set_pin_path(map, std::ptr::null()) };
        }
        // SAFETY: the object is open and not loaded yet.
        -unsafe { sys::bpf_object__load(self.0) }
    }

    /// Has a map made when the program needs it, and never pinned.
    fn prepare(
        &self,
        map: *mut sys::bpf_map,
        program: &Program,
        needed: Option<&Needed>,
        wanted: *mut sys::bpf_program,
        others: &[*mut sys::bpf_program],
    ) {
        // SAFETY: the map is of this object.
        let (name, kind, internal) = unsafe {
            sys::bpf_map__set_pin_path(map, std::ptr::null());
            (text(sys::bpf_map__name(map)), sys::bpf_map__type(map), sys::bpf_map__is_internal(map))
        };
        let make = if kind == sys::BPF_MAP_TYPE_STRUCT_OPS {
            program.prog_type == "struct_ops" && self.keep_only(map, wanted, others)
        } else {
            needed.is_none_or(|needed| match internal {
                true if name.ends_with(".kconfig") => !needed.externs.is_empty(),
                // Named after the object and the section, or after the section alone and cut.
                true => {
                    needed.sections.iter().any(|section| name.ends_with(section.as_str()) || section.starts_with(&name))
                }
                false => {
                    let globals = kind == sys::BPF_MAP_TYPE_ARENA && needed.sections.contains(".addr_space.1");
                    needed.maps.contains(&name) || globals
                }
            })
        };
        // SAFETY: the map is of this object, which is not loaded yet.
        unsafe {
            sys::bpf_map__set_autocreate(map, make);
            let size = match kind {
                sys::BPF_MAP_TYPE_RINGBUF | sys::BPF_MAP_TYPE_USER_RINGBUF => RING_SIZE,
                _ if SIZED.contains(&kind) => ENTRIES,
                _ => 0,
            };
            if sys::bpf_map__max_entries(map) == 0 && size != 0 {
                sys::bpf_map__set_max_entries(map, size);
            }
            if kind == sys::BPF_MAP_TYPE_STACK_TRACE && sys::bpf_map__value_size(map) == 0 {
                sys::bpf_map__set_value_size(map, STACK_SIZE);
            }
        };
    }

    /// Takes all programs but the wanted one out of a struct_ops map; true when it holds that one.
    fn keep_only(
        &self,
        map: *mut sys::bpf_map,
        wanted: *mut sys::bpf_program,
        others: &[*mut sys::bpf_program],
    ) -> bool {
        let mut size = 0;
        // SAFETY: the map is of this object; its initial value is as long as libbpf says, and aligned for pointers.
        let words = unsafe {
            let value: *mut c_void = sys::bpf_map__initial_value(map, &mut size);
            match value.is_null() {
                true => &mut [],
                false => std::slice::from_raw_parts_mut(value.cast::<usize>(), size as usize / size_of::<usize>()),
            }
        };
        let mut holds = false;
        for word in words {
            holds |= *word == wanted as usize;
            if others.iter().any(|other| *word == *other as usize) {
                *word = 0;
            }
        }
        holds
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: it was opened here and is closed once.
        unsafe { sys::bpf_object__close(self.0) };
    }
}
