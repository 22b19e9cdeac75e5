//! Assembly to objects and back; with the feature `corpus-tests` what the listing says of every real object that
//! Debian's packages hold is assembled again, and our bytes are compared with `llvm-mc-19`'s.

use skep_isa::spec::MapType;
use skep_isa::{Insn, asm};
use skep_object::{Listing, MapRole, Object, RelocTarget, write};

#[cfg(feature = "corpus-tests")]
mod corpus;

const SOURCE: &str = include_str!("../../../tests/programs/assembly.bpf.s");

fn object() -> (Vec<u8>, Object) {
    let assembly = asm::assemble("assembly.bpf.s", SOURCE).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let bytes = write(&assembly).unwrap_or_else(|error| panic!("{error}"));
    let object = Object::parse("assembly.bpf.o", &bytes).unwrap_or_else(|error| panic!("{error}"));
    (bytes, object)
}

#[test]
fn an_assembled_object_is_read_back_with_maps_programs_functions_and_lines() {
    let (_, object) = object();
    assert_eq!(object.license, "GPL");
    let maps: Vec<_> =
        object.maps.iter().map(|m| (m.name.as_str(), m.map_type, m.key_size, m.value_size, m.max_entries)).collect();
    assert_eq!(
        maps,
        [
            ("protocols", MapType::Array, 4, 8, 256),
            ("lengths", MapType::Hash, 4, 8, 64),
            ("flows", MapType::Hash, 8, 16, 4096),
            ("words", MapType::Array, 4, 64, 1),
            ("assembly.rodata", MapType::Array, 4, 16, 1),
            ("assembly.data", MapType::Array, 4, 16, 1),
        ]
    );
    assert!(matches!(object.maps[4].role, MapRole::Data { read_only: true, .. }));
    let names: Vec<_> = object.programs.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["classify"]);
    let program = &object.programs[0];
    let functions: Vec<_> = program.funcs.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(functions, ["classify", "power_of_two", "mix", "tail_of_mix"]);
    assert!(program.funcs.iter().all(|f| f.type_id.is_some()));
    let sum = program.relocs.iter().filter(|r| r.target == RelocTarget::MapValue { map: 5, offset: 8 });
    assert_eq!(sum.count(), 1);
    // Every instruction has the line it was written in.
    let btf = object.btf.as_ref().expect("types");
    let wide = program.code.iter().filter(|insn| insn.is_wide()).count();
    assert_eq!(program.lines.len(), program.code.len() - wide);
    for line in &program.lines {
        let text = btf.string(line.text_off).expect("a text");
        assert_eq!(SOURCE.lines().nth(line.line as usize - 1), Some(text));
        assert_eq!(btf.string(line.file_off), Some("assembly.bpf.s"));
    }
}

#[test]
fn data_sections_have_the_types_of_their_labels() {
    let (_, object) = object();
    let btf = object.btf.as_ref().expect("types");
    let data = object.maps[5].value_type.expect("a type");
    let bytes = [1_u64.to_le_bytes(), 2_u64.to_le_bytes()].concat();
    assert_eq!(btf.value(data, &bytes).to_string(), "{frames: 1, sum: 2}");
}

#[test]
fn an_assembled_object_is_listed() {
    let (bytes, _) = object();
    let listing = Listing::parse(&bytes).expect("in order").display("x.o").to_string();
    assert!(listing.contains("<classify>:\n       0:\tbf 16 00 00 00 00 00 00\tr6 = r1\n"), "{listing}");
    assert!(listing.contains("<tail_of_mix>:"));
}

#[test]
fn two_sections_with_programs_and_shared_subprograms_are_linked() {
    let text = "
        .section xdp
        one: call shared\n exit
        .section tc
        two: r1 = shared ll\n call shared\n exit
        .text
        shared: r0 = 0\n exit
    ";
    let assembly = asm::assemble("two.s", text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    let object = Object::parse("two.o", &write(&assembly).expect("small")).expect("in order");
    let code: Vec<_> = object.programs.iter().map(|p| (p.name.as_str(), p.code.clone())).collect();
    let call = |distance| Insn::new(0x85, 0, 1, 0, distance);
    let (mov, exit) = (Insn::new(0xb7, 0, 0, 0, 0), Insn::new(0x95, 0, 0, 0, 0));
    assert_eq!(code[0], ("one", vec![call(1), exit, mov, exit]));
    let wide = [Insn::new(0x18, 1, 4, 0, 3), Insn::default()];
    assert_eq!(code[1], ("two", [&wide[..], &[call(1), exit, mov, exit]].concat()));
}

#[test]
fn whatever_is_assembled_is_written_and_read_or_refused_but_never_a_panic() {
    const WORDS: &[&str] = &[
        "\n",
        "\n",
        "\n",
        "a:",
        "b:",
        "c:",
        "exit",
        "r0 = 1",
        "r1 = a ll",
        "r1 = m ll",
        "call a",
        "call b",
        "goto c",
        ".section xdp\n",
        ".section tc\n",
        ".text\n",
        ".data\n",
        ".bss\n",
        ".section \"\"\n",
        ".global b\n",
        ".zero 9\n",
        ".byte 1,2\n",
        ".map m hash key=3 value=100 entries=4294967295\n",
        ".map n ringbuf entries=1\n",
        ".license X\n",
        ".map o arena\n",
        "call 1",
        ".type c,@object\n",
        ".section license\n",
        ".asciz \"GPL\"\n",
        ".section .rodata.x\n",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut written = 0;
    for _ in 0..4_000 {
        let text: String = (0..random() % 24).map(|_| WORDS[random() % WORDS.len()].to_owned() + "\n").collect();
        let Ok(assembly) = asm::assemble("random.s", &text) else { continue };
        let bytes = write(&assembly).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let listing = Listing::parse(&bytes).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let _ = listing.display("random.o").to_string();
        if let Err(error) = Object::parse("random.o", &bytes) {
            assert!(!error.to_string().is_empty());
        }
        written += 1;
    }
    assert!(written > 200, "{written}");
}

#[cfg(feature = "corpus-tests")]
mod again {
    use std::process::Command;

    use skep_isa::opcode::{self, Kind, Source};
    use skep_isa::{Insn, asm, disasm};
    use skep_object::Listing;

    use super::corpus::{directory, objects, run};

    /// Instructions of a listing, with their text: slots as the bytes have them.
    fn listed(object: &[u8]) -> Vec<(String, Vec<Insn>)> {
        let text = Listing::parse(object).expect("a real object").display("x").to_string();
        let mut lines = Vec::new();
        for line in text.lines() {
            let mut columns = line.splitn(3, '\t');
            let (Some(_), Some(bytes), Some(text)) = (columns.next(), columns.next(), columns.next()) else { continue };
            let bytes: Option<Vec<u8>> = bytes.split(' ').map(|b| u8::from_str_radix(b, 16).ok()).collect();
            if let Some(bytes) = bytes.filter(|bytes| bytes.len() % 8 == 0) {
                lines.push((text.to_owned(), Insn::slots(&bytes)));
            }
        }
        lines
    }

    /// The slots as far as LLVM's text tells them.
    fn told(slots: &[Insn]) -> Vec<Insn> {
        let mut slots = slots.to_vec();
        let kind = opcode::decode(slots[0]).map(|op| op.kind);
        match kind {
            Ok(Kind::Call(_)) => (slots[0].src, slots[0].off) = (0, 0),
            Ok(Kind::LoadPacketInd(_)) => slots[0].imm = 0,
            Ok(Kind::LoadImm(source)) if source != Source::Const => slots[1].imm = 0,
            _ => {}
        }
        slots
    }

    fn assembled(text: &str) -> Vec<Insn> {
        asm::instructions(text).unwrap_or_else(|errors| panic!("{}", errors[0]))
    }

    #[test]
    fn the_listing_of_every_real_object_is_assembled_to_the_same_bytes() {
        let (mut count, mut unknown) = (0, 0);
        for object in objects() {
            let lines = listed(&object);
            let (known, rest): (Vec<_>, Vec<_>) = lines.iter().partition(|(text, _)| text != disasm::UNKNOWN);
            unknown += rest.len();
            let text: String = known.iter().map(|(text, _)| format!("{text}\n")).collect();
            let expected: Vec<Insn> = known.iter().flat_map(|(_, slots)| told(slots)).collect();
            assert!(assembled(&text) == expected);
            // The kernel's spelling tells all but the upper half of a function's address.
            let text: String =
                lines.iter().map(|(_, slots)| disasm::kernel::text(slots[0], slots.get(1).copied()) + "\n").collect();
            let expected: Vec<Insn> = lines.iter().flat_map(|(_, slots)| slots.clone()).collect();
            assert!(assembled(&text) == expected);
            count += expected.len();
        }
        println!("{count} slots, {unknown} of them unknown to LLVM 19");
        assert!(count > 25_000, "{count}");
    }

    /// The bytes that llvm-mc makes of instructions.
    fn llvm_mc(name: &str, text: &str) -> Vec<Insn> {
        let directory = directory("assembly");
        let (source, object) = (directory.join(format!("{name}.s")), directory.join(format!("{name}.o")));
        std::fs::write(&source, format!(".section words,\"ax\",@progbits\nf:\n{text}")).expect("a file");
        let mut mc = Command::new("llvm-mc-19");
        run(mc.args(["-triple=bpf", "-mcpu=v4", "-filetype=obj"]).arg(&source).arg("-o").arg(&object));
        let bytes = directory.join(format!("{name}.bin"));
        let mut copy = Command::new("llvm-objcopy-19");
        run(copy.args(["-O", "binary", "--only-section=words"]).arg(&object).arg(&bytes));
        Insn::slots(&std::fs::read(&bytes).expect("written"))
    }

    #[test]
    fn llvm_mc_makes_the_same_bytes_of_every_row_with_all_registers_and_corners() {
        let corners = [0, 1, -1, 0x7f, 0x1234, i16::MAX.into(), i16::MIN.into(), i32::MAX, i32::MIN];
        let mut text = String::new();
        for op in opcode::TABLE {
            // LLVM 19 has no acquire, no release and no jump through a register; its calls by number are of helpers.
            if matches!(op.kind, Kind::LoadAcquire(_) | Kind::StoreRelease(_) | Kind::GotoReg) {
                continue;
            }
            for registers in 0..121_u8 {
                for corner in corners {
                    // llvm-mc takes no long distance as a number.
                    if matches!(op.kind, Kind::Goto(_)) && i16::try_from(corner).is_err() {
                        continue;
                    }
                    let value = |field, value: i32| if field == opcode::Field::Value { value } else { 0 };
                    let register = |field, number| match field {
                        opcode::Field::Read | opcode::Field::Write | opcode::Field::Update => number,
                        _ => 0,
                    };
                    let (dst, src) = (register(op.dst, registers % 11), register(op.src, registers / 11));
                    let encoded = op.encode(dst, src, value(op.off, corner) as i16, value(op.imm, corner));
                    let Ok(insn) = encoded else { continue };
                    disasm::write(&mut text, op, insn, corner >> 3).expect("a String takes all");
                    text.push('\n');
                }
            }
        }
        let (ours, theirs) = (assembled(&text), llvm_mc("rows", &text));
        assert!(ours.len() > 100_000, "{}", ours.len());
        assert_eq!(ours.len(), theirs.len());
        let differing = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        assert_eq!(differing, None);
    }

    #[test]
    fn llvm_mc_makes_the_same_bytes_of_what_people_write() {
        let text = "
            r1 = 5\n w1 = -5\n r1 += 0x10\n r1 = *(u32 *)(r2 + 4)\n w1 = *(u8 *)(r10 - 4)\n *(u64 *)(r10 - 8) = 0
            *(u32 *)(r1 + 0) = w2\n lock *(u64 *)(r1 + 0) += r2\n if r1 s> 3 goto +1\n if w1 & 8 goto -3\n goto -1
            gotol +2\n may_goto +1\n r1 = be16 r1\n r2 = bswap64 r2\n r1 = -r1\n r3 s>>= 63\n w3 s/= w4\n call 1\n exit
            r1 = (s8)r2\n w1 = (s16)w2\n r1 = -1 ll\n r1 = 0x123456789abcdef0 ll\n r0 = *(u16 *)skb[12]
            r2 = xchg_64(r1 + 8, r2)\n w0 = cmpxchg32_32(r1 + 8, w0, w2)\n r2 = atomic_fetch_or((u64 *)(r1 + 0), r2)
        ";
        assert_eq!(assembled(text), llvm_mc("people", text));
    }
}
