//! A scan says the same as the parser, on the kernel's own types where there are any.

use skep_btf::{Btf, Builder, Kind, KindId, Scan, TypeId};

fn small() -> Vec<u8> {
    let mut builder = Builder::new();
    let int = builder.add("int", Kind::Int { size: 4, bits: 32, signed: true, char: false, bool: false });
    let task = builder.add("task_struct", Kind::Fwd { union: false });
    let pointer = builder.add("", Kind::Ptr(task));
    let constant = builder.add("", Kind::Const(pointer));
    let (p, nr) = (builder.string("p"), builder.string("nr"));
    let proto = builder.add("", Kind::FuncProto { ret: pointer, params: vec![(p, constant), (nr, int)] });
    let func = builder.add("bpf_task_acquire", Kind::Func { proto, linkage: 0 });
    builder.add("bpf_kfunc", Kind::DeclTag { type_id: func, component: -1 });
    builder.encode().expect("small")
}

#[test]
fn functions_are_found_by_name_and_tag_and_told_as_c() {
    let bytes = small();
    let scan = Scan::new(&bytes).expect("well-formed");
    let func = scan.find(KindId::Func, "bpf_task_acquire").expect("there");
    assert_eq!(scan.tagged("bpf_kfunc"), [func]);
    let text = scan.prototype(func).expect("a function").to_string();
    assert_eq!(text, "struct task_struct *bpf_task_acquire(struct task_struct * const p, int nr)");
    assert_eq!(scan.find(KindId::Func, "bpf_task"), None, "a beginning is no name");
    assert_eq!(scan.find(KindId::Struct, "bpf_task_acquire"), None, "another kind");
    assert!(scan.get(TypeId(0)).is_none() && scan.get(TypeId(99)).is_none());
}

#[test]
fn damaged_types_are_refused_and_never_read_beyond() {
    let bytes = small();
    for len in 0..bytes.len() {
        assert_eq!(Scan::new(&bytes[..len]).is_ok(), Btf::parse(&bytes[..len]).is_ok(), "cut at {len}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let (Ok(scan), parsed) = (Scan::new(&bytes), Btf::parse(&bytes)) else { continue };
            let parsed = parsed.expect("both walk the same records");
            for (id, _) in parsed.types() {
                let _ = (scan.spell(id), scan.prototype(id).map(|p| p.to_string()), scan.name(id).len());
            }
        }
    }
}

#[test]
fn a_scan_agrees_with_the_parser_on_this_kernel() {
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        assert!(!std::path::Path::new("/sys/kernel/btf").exists(), "the kernel's types cannot be read");
        return;
    };
    let (scan, parsed) = (Scan::new(&bytes).expect("scan"), Btf::parse(&bytes).expect("parse"));
    assert!(parsed.types().skip(1).all(|(id, t)| scan.get(id).as_ref() == Some(t)));
    let task = parsed.find("task_struct", |kind| matches!(kind, Kind::Struct { .. }));
    assert_eq!(scan.find(KindId::Struct, "task_struct"), task);
}

#[test]
fn many_names_are_found_in_one_walk_as_one_by_one() {
    let bytes = small();
    let scan = Scan::new(&bytes).expect("well-formed");
    let wanted = [(KindId::Func, "bpf_task"), (KindId::Func, "bpf_task_acquire"), (KindId::DeclTag, "bpf_kfunc")];
    let each: Vec<_> = wanted.iter().map(|(kind, name)| scan.find(*kind, name)).collect();
    assert_eq!(scan.find_all(&wanted), each);
    assert!(each[0].is_none() && each[1].is_some() && each[2].is_some());
    assert!(scan.find_all(&[]).is_empty());
}

#[test]
fn this_kernel_s_types_are_open_within_milliseconds() {
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else { return };
    let median = |mut work: Box<dyn FnMut()>| {
        let mut times: Vec<_> = (0..9)
            .map(|_| {
                let start = std::time::Instant::now();
                work();
                start.elapsed()
            })
            .collect();
        times.sort();
        times[4]
    };
    let read = median(Box::new(|| assert!(std::fs::read("/sys/kernel/btf/vmlinux").is_ok())));
    let own = bytes.clone();
    let walk = median(Box::new(move || assert!(Scan::new(&own).is_ok())));
    let own = bytes.clone();
    let index = median(Box::new(move || {
        let scan = Scan::new(&own).expect("walked");
        assert!(scan.named("task_struct").next().is_some());
    }));
    println!("{} bytes: read in {read:?}, walked in {walk:?}, walked and indexed in {index:?}", bytes.len());
    if !cfg!(debug_assertions) {
        assert!((read + index).as_millis() <= 8, "{read:?} + {index:?}");
    }
}

#[test]
fn types_of_a_module_continue_the_kernel_s() {
    let kernel = small();
    let base = Scan::new(&kernel).expect("well-formed");
    let last = base.ids().last().expect("types").0;
    // A module's numbers and offsets go on where the kernel's end; the builder's begin at 1, so they are moved.
    let strings = kernel.len() as u32 - 24 - u32::from_le_bytes(kernel[12..16].try_into().expect("four bytes"));
    let mut module = vec![0x9f, 0xeb, 1, 0];
    let own_strings = b"\0module_state\0nr___v2\0";
    let records: [&[u32]; 3] = [
        // struct module_state { struct task_struct *; int nr___v2; }
        &[strings + 1, 4 << 24 | 2, 16, 0, 3, 0, strings + 14, 1, 64],
        &[0, 2 << 24, last + 1],
        // typedef int module_state
        &[strings + 1, 8 << 24, 1],
    ];
    let types: Vec<u8> = records.iter().flat_map(|r| r.iter()).flat_map(|word| word.to_le_bytes()).collect();
    for word in [24, 0, types.len() as u32, types.len() as u32, own_strings.len() as u32] {
        module.extend(word.to_le_bytes());
    }
    module.extend(&types);
    module.extend(own_strings);
    let scan = Scan::split(&module, &base).expect("well-formed");
    assert_eq!(scan.ids().map(|id| id.0).collect::<Vec<_>>(), [last + 1, last + 2, last + 3]);
    let state = scan.find(KindId::Struct, "module_state").expect("its own");
    assert_eq!((state.0, scan.name(state)), (last + 1, "module_state"));
    assert_eq!(scan.find(KindId::Func, "bpf_task_acquire"), base.find(KindId::Func, "bpf_task_acquire"));
    assert_eq!(scan.spell(TypeId(last + 2)), "struct module_state *");
    assert_eq!(scan.get(TypeId(1)), base.get(TypeId(1)));
    assert_eq!(scan.named("module_state").map(|id| id.0).collect::<Vec<_>>(), [last + 1, last + 3]);
    assert_eq!(scan.named("task_struct").count(), 0, "the index is of its own types");
    let text = scan.record(state).expect("there").to_string();
    let expected = format!(
        "[{}] STRUCT 'module_state' size=16 vlen=2\n\t'(anon)' type_id=3 bits_offset=0\n\t'nr___v2' type_id=1 bits_offset=64",
        last + 1
    );
    assert_eq!(text, expected);
    assert!(scan.get(TypeId(last + 4)).is_none() && scan.string(u32::MAX).is_none());
    assert_eq!(scan.base().map(|b| b.ids().count()), Some(last as usize));
}
