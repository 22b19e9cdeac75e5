//! What helpers take and give, as the kernel's checker of programs tells kinds apart.

/// The kind of an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum ArgKind {
    /// Any value that was written before.
    Anything,
    /// Not looked at; need not be written before.
    Unchecked,
    /// The context of the program, unchanged.
    Context,
    /// The context of the program, or zero.
    ContextOrNull,
    /// A map that the instruction names.
    ConstMap,
    /// Memory with a key of the map.
    MapKey,
    /// Memory with a value of the map.
    MapValue,
    /// Memory for a value of the map; need not be written before.
    MapValueOut,
    /// Memory with a value of the map, or zero.
    MapValueOrNull,
    /// Memory that is read; the next argument is its size.
    MemIn,
    /// Memory that is read, or zero; the next argument is its size.
    MemInOrNull,
    /// Memory that is written and must have been written before; the next argument is its size.
    MemInOut,
    /// The same, or zero.
    MemInOutOrNull,
    /// Memory that is written, and need not have been before; the next argument is its size.
    MemOut,
    /// So many bytes of memory that are read.
    FixedIn(u32),
    /// So many bytes of aligned memory that are read and written.
    FixedInOut(u32),
    /// So many bytes of aligned memory that are written, and need not have been before.
    FixedOut(u32),
    /// The size of the memory before it; the greatest it can be is known, and it is not zero.
    Size,
    /// The size of the memory before it; the greatest it can be is known.
    SizeOrZero,
    /// The size of the memory that the helper gives: a known number.
    AllocSize,
    /// A string that ends in zero, in a frozen read-only map.
    ConstString,
    /// Memory of the stack, or zero.
    StackOrNull,
    /// A function of the program.
    Callback,
    /// A lock in a map value or an object.
    SpinLock,
    /// A timer in a map value.
    Timer,
    /// A place for a pointer in a map value or an object.
    KptrSlot,
    /// A pointer of the type that the place is for, owned by the program, or zero.
    KptrOrNull,
    /// A socket of the program's context or of a lookup, of any state.
    SockCommon,
    /// A full socket, or zero.
    SocketOrNull,
    /// A socket of any state, also one pointed to by type.
    Sock,
    /// The same, or zero.
    SockOrNull,
    /// A kernel structure of this name, pointed to by type.
    Btf(&'static str),
    /// The same, or zero.
    BtfOrNull(&'static str),
    /// A per-CPU variable of the kernel, or object of the program.
    PerCpu,
    /// A record that was got of a ring buffer.
    RingbufRecord,
    /// A dynptr.
    Dynptr,
    /// Room on the stack for a dynptr.
    DynptrOut,
    /// A dynptr of a ring buffer's record.
    RingbufDynptr,
    /// Room on the stack for a dynptr of a ring buffer's record.
    RingbufDynptrOut,
}

impl ArgKind {
    /// How signatures spell it.
    pub fn text(self) -> String {
        use ArgKind::*;
        let text = match self {
            Anything => "anything",
            Unchecked => "unchecked",
            Context => "ctx",
            ContextOrNull => "ctx_or_null",
            ConstMap => "const_map_ptr",
            MapKey => "map_key",
            MapValue => "map_value",
            MapValueOut => "map_value_out",
            MapValueOrNull => "map_value_or_null",
            MemIn => "mem_in",
            MemInOrNull => "mem_in_or_null",
            MemInOut => "mem_in_out",
            MemInOutOrNull => "mem_in_out_or_null",
            MemOut => "mem_out",
            FixedIn(size) => return format!("mem_in[{size}]"),
            FixedInOut(size) => return format!("mem_in_out[{size}]"),
            FixedOut(size) => return format!("mem_out[{size}]"),
            Size => "size",
            SizeOrZero => "size_or_zero",
            AllocSize => "const_size_or_zero",
            ConstString => "const_string",
            StackOrNull => "stack_or_null",
            Callback => "callback",
            SpinLock => "spin_lock",
            Timer => "timer",
            KptrSlot => "kptr_slot",
            KptrOrNull => "kptr_or_null",
            SockCommon => "sock_common",
            SocketOrNull => "socket_or_null",
            Sock => "sock",
            SockOrNull => "sock_or_null",
            Btf(name) => return format!("btf:{name}"),
            BtfOrNull(name) => return format!("btf_or_null:{name}"),
            PerCpu => "per_cpu",
            RingbufRecord => "ringbuf_record",
            Dynptr => "dynptr",
            DynptrOut => "dynptr_out",
            RingbufDynptr => "ringbuf_dynptr",
            RingbufDynptrOut => "ringbuf_dynptr_out",
        };
        text.to_owned()
    }

    /// What it means, in a few words.
    pub fn what(self) -> &'static str {
        use ArgKind::*;
        match self {
            Anything => "any value that was written before",
            Unchecked => "not looked at, need not be written before",
            Context => "the program's context",
            ContextOrNull => "the program's context, or zero",
            ConstMap => "a map that the instruction names",
            MapKey => "memory with a key of the map",
            MapValue => "memory with a value of the map",
            MapValueOut => "memory for a value of the map",
            MapValueOrNull => "memory with a value of the map, or zero",
            MemIn => "memory to read, of the size that follows",
            MemInOrNull => "memory to read, of the size that follows, or zero",
            MemInOut => "written memory to read and write, of the size that follows",
            MemInOutOrNull => "written memory to read and write, of the size that follows, or zero",
            MemOut => "memory to write, of the size that follows",
            FixedIn(_) => "so many bytes of memory to read",
            FixedInOut(_) => "so many bytes of written, aligned memory to read and write",
            FixedOut(_) => "so many bytes of aligned memory to write",
            Size => "a number with a known bound, not zero",
            SizeOrZero => "a number with a known bound",
            AllocSize => "a known number",
            ConstString => "a string in a frozen read-only map",
            StackOrNull => "memory of the stack, or zero",
            Callback => "a function of the program",
            SpinLock => "a lock in a map value or an object",
            Timer => "a timer in a map value",
            KptrSlot => "a place for a pointer in a map value or an object",
            KptrOrNull => "an owned pointer of the place's type, or zero",
            SockCommon => "a socket of any state, not pointed to by type",
            SocketOrNull => "a full socket, or zero",
            Sock => "a socket of any state",
            SockOrNull => "a socket of any state, or zero",
            Btf(_) => "a kernel structure of this name",
            BtfOrNull(_) => "a kernel structure of this name, or zero",
            PerCpu => "a per-CPU variable or object",
            RingbufRecord => "a record got of a ring buffer",
            Dynptr => "a dynptr",
            DynptrOut => "room on the stack for a dynptr",
            RingbufDynptr => "a dynptr of a ring buffer's record",
            RingbufDynptrOut => "room on the stack for a dynptr of a ring buffer's record",
        }
    }
}

/// The kind of a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Gives {
    /// A number.
    Integer,
    /// Nothing to be used.
    Void,
    /// A map value.
    MapValue,
    /// A map value, or null.
    MapValueOrNull,
    /// A full socket, or null.
    SocketOrNull,
    /// A socket of any state, or null.
    SockCommonOrNull,
    /// The TCP fields of a socket, or null.
    TcpSockOrNull,
    /// Memory of a ring buffer's record, or null.
    RingbufRecordOrNull,
    /// Memory of a dynptr, or null.
    DynptrDataOrNull,
    /// A per-CPU variable's copy: memory, of a structure a pointer by type.
    PerCpu,
    /// A per-CPU variable's copy, or null.
    PerCpuOrNull,
    /// A pointer of the place's type, or null.
    KptrOrNull,
    /// A kernel structure of this name, pointed to by type; what it holds may be gone.
    Btf(&'static str),
    /// The same, or null.
    BtfOrNull(&'static str),
    /// A kernel structure of this name that is sure to be there.
    Trusted(&'static str),
}

impl Gives {
    /// How signatures spell it.
    pub fn text(self) -> String {
        let text = match self {
            Gives::Integer => "integer",
            Gives::Void => "void",
            Gives::MapValue => "map_value",
            Gives::MapValueOrNull => "map_value_or_null",
            Gives::SocketOrNull => "socket_or_null",
            Gives::SockCommonOrNull => "sock_common_or_null",
            Gives::TcpSockOrNull => "tcp_sock_or_null",
            Gives::RingbufRecordOrNull => "ringbuf_record_or_null",
            Gives::DynptrDataOrNull => "dynptr_data_or_null",
            Gives::PerCpu => "per_cpu_mem",
            Gives::PerCpuOrNull => "per_cpu_mem_or_null",
            Gives::KptrOrNull => "kptr_or_null",
            Gives::Btf(name) => return format!("btf:{name}"),
            Gives::BtfOrNull(name) => return format!("btf_or_null:{name}"),
            Gives::Trusted(name) => return format!("trusted:{name}"),
        };
        text.to_owned()
    }
}
