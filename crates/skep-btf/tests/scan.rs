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
