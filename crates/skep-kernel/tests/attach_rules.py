"""Asks the kernel what its calls allow: attaching, updating and detaching, and which capabilities they want.

Reads questions from standard input, one a line, and answers each with one line: `ok`, or the name of the error; for links
three words, of making, updating and detaching. Everything made is made in namespaces of its own and is gone at the end. Programs that are accepted
are freed slowly, since a kernel can be hurt by many at once.
"""

import ctypes
import errno
import os
import platform
import shutil
import struct
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}[platform.machine()]
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC_PRIVATE = 0x4000 | 0x40000
(MAP_CREATE, PROG_LOAD, PROG_ATTACH, PROG_DETACH, RAW_TRACEPOINT_OPEN, LINK_CREATE, LINK_UPDATE, LINK_DETACH) = (
    0, 5, 8, 9, 17, 28, 29, 34)
EXIT = struct.pack("<BBhi", 0x95, 0, 0, 0)
loaded = 0


def bpf(command, attr):
    """The call: its result, or the error as an exception."""
    attr = ctypes.create_string_buffer(attr + bytes(max(0, 160 - len(attr))), 160)
    result = LIBC.syscall(BPF, command, attr, 160)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def load(prog_type, attach_type, value, btf_id, flags=0, code=None):
    """`return value`, or the code given."""
    global loaded
    code = code or struct.pack("<BBhi", 0xB7, 0, 0, value) + EXIT
    insns, gpl = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    attr = struct.pack("<IIQQIIQII16sII", prog_type, len(code) // 8, ctypes.addressof(insns), ctypes.addressof(gpl),
                       0, 0, 0, 0, flags, b"skep_rules", 0, attach_type)
    attr = attr.ljust(108, b"\0") + struct.pack("<I", btf_id)
    program = bpf(PROG_LOAD, attr)
    loaded += 1
    if loaded % 32 == 0:
        time.sleep(0.05)
    return program


def make_map(map_type, key, value):
    return bpf(MAP_CREATE, struct.pack("<IIIII", map_type, key, value, 1, 0))


def cgroup():
    """An empty cgroup, in a mount that no other process sees."""
    where = tempfile.mkdtemp(prefix="skep-rules")
    if LIBC.mount(b"none", where.encode(), b"cgroup2", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    path = f"{where}/skep-rules-{os.getpid()}"
    os.mkdir(path)
    return path


def target(kind):
    """The number that names a target of a kind."""
    if kind == "cgroup":
        return os.open(CGROUP, os.O_RDONLY)
    if kind == "netns":
        return os.open("/proc/self/ns/net", os.O_RDONLY)
    if kind == "sockmap":
        return make_map(15, 4, 4)
    if kind == "device":
        return 1
    if kind == "perf_event":
        # A software clock that counts nothing and is never enabled.
        attr = struct.pack("<IIQQQQQ", 1, 112, 0, 1, 0, 0, 1)
        attr = ctypes.create_string_buffer(attr + bytes(112 - len(attr)), 112)
        return LIBC.syscall(PERF_EVENT_OPEN, attr, -1, 0, -1, 8)
    return 0


def attach_target(kind):
    """The same for BPF_PROG_ATTACH, which takes no other network namespace than the caller's."""
    return 0 if kind == "netns" else target(kind)


def link(kind, program, at, attach_type):
    """A link by the call that a kind of target asks for."""
    keep, more = [], b""
    if kind == "raw_tracepoint":
        name = ctypes.create_string_buffer(b"sched_process_exec")
        return bpf(RAW_TRACEPOINT_OPEN, struct.pack("<QI", ctypes.addressof(name), program))
    if kind == "as_loaded":
        return bpf(RAW_TRACEPOINT_OPEN, struct.pack("<QI", 0, program))
    if kind == "netfilter":
        more = struct.pack("<IIiI", 2, 1, -150, 0)
    if kind == "functions":
        name = ctypes.create_string_buffer(b"bpf_fentry_test1")
        names = (ctypes.c_uint64 * 1)(ctypes.addressof(name))
        keep += [name, names]
        more = struct.pack("<IIQ", 0, 1, ctypes.addressof(names))
    if kind == "places":
        path, offsets = ctypes.create_string_buffer(COPY.encode()), (ctypes.c_uint64 * 1)(0x1000)
        keep += [path, offsets]
        more = struct.pack("<QQQQII", ctypes.addressof(path), ctypes.addressof(offsets), 0, 0, 1, 0)
    return bpf(LINK_CREATE, struct.pack("<IIII", program, at, attach_type, 0) + more)


def only(capabilities):
    """Keeps these capabilities and gives up all others."""
    bits = sum(1 << c for c in capabilities)
    header = struct.pack("<Ii", 0x20080522, 0)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    data = struct.pack("<IIIIII", low, low, 0, high, high, 0)
    if LIBC.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def with_only(capabilities, ask):
    """The answer of `ask` in a child that has these capabilities alone."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            only(capabilities)
            os.write(writer, answer(ask).encode())
        finally:
            os._exit(0)
    os.close(writer)
    text = os.read(reader, 64).decode()
    os.close(reader)
    os.waitpid(child, 0)
    return text


def answer(ask):
    try:
        ask()
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def question(words):
    """One question: what it is, then its numbers."""
    what, kind, numbers = words[0], words[1], [int(w) for w in words[2:]]
    if what == "attach":
        # Is BPF_PROG_ATTACH possible?
        prog_type, attach_type, at_load, value, btf_id = numbers
        program, at = load(prog_type, at_load, value, btf_id), attach_target(kind)
        attr = struct.pack("<III", at, program, attach_type)
        said = answer(lambda: bpf(PROG_ATTACH, attr))
        if said == "ok":
            bpf(PROG_DETACH, attr)
        os.close(program)
        return said
    if what == "link":
        # Is a link made, can it be updated, can it be detached?
        prog_type, attach_type, at_load, value, btf_id = numbers
        program = load(prog_type, at_load, value, btf_id)
        try:
            held = link(kind, program, target(kind), attach_type)
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error.errno))
        said = [answer(lambda: bpf(LINK_UPDATE, struct.pack("<II", held, program))),
                answer(lambda: bpf(LINK_DETACH, struct.pack("<I", held)))]
        os.close(held)
        os.close(program)
        return " ".join(["ok", *said])
    if what == "load":
        # Does a load get past the check of capabilities? The program is always refused: it never writes r0.
        prog_type, flags, *capabilities = numbers
        return with_only(capabilities, lambda: load(prog_type, 0, 0, 0, flags, EXIT))
    if what == "command":
        # Does a command get past the check of capabilities? Its numbers name nothing.
        command, *capabilities = numbers
        return with_only(capabilities, lambda: bpf(command, bytes.fromhex(kind) if kind != "-" else b""))
    if what == "attach_with":
        # Is BPF_PROG_ATTACH possible with few capabilities, for a program loaded with all?
        prog_type, attach_type, value, *capabilities = numbers
        program, at = load(prog_type, attach_type, value, 0), attach_target(kind)
        attr = struct.pack("<III", at, program, attach_type)
        said = with_only(capabilities, lambda: bpf(PROG_ATTACH, attr))
        if said == "ok":
            bpf(PROG_DETACH, attr)
        return said
    if what == "link_with":
        prog_type, attach_type, value, *capabilities = numbers
        program, at = load(prog_type, attach_type, value, 0), target(kind)
        return with_only(capabilities, lambda: link(kind, program, at, attach_type))
    raise ValueError(what)


if LIBC.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0 or LIBC.mount(b"none", b"/", None, MS_REC_PRIVATE, None) != 0:
    sys.exit("root is needed")
CGROUP = cgroup()
COPY = tempfile.mkdtemp(prefix="skep-rules") + "/true"
shutil.copy("/bin/true", COPY)
try:
    for line in sys.stdin.read().splitlines():
        try:
            print(question(line.split()))
        except OSError as error:
            print("load:" + errno.errorcode.get(error.errno, str(error.errno)))
finally:
    shutil.rmtree(os.path.dirname(COPY))
    for _ in range(50):
        try:
            os.rmdir(CGROUP)
            break
        except OSError:
            time.sleep(0.02)
    LIBC.umount2(os.path.dirname(CGROUP).encode(), 2)
    os.rmdir(os.path.dirname(CGROUP))
