//! Any `.BTF` or `.BTF.ext`: an error, or types that can all be measured, decoded, written and laid out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use skep_btf::{Btf, Ext, Kind, KindId, Merge, Scan};
use skep_isa::spec::BtfFeature;

/// What people might write for a value.
const TEXTS: [&str; 8] = ["1", "-1", "{1, 2}", "10.0.0.0/8", "{{1, 2}, fd77::1}", "[1, 2]", "{a: 1}", "x"];
/// What people might write for a part of one.
const PATHS: [&str; 4] = ["", "[1]", ".a", ".a[0].b"];

fuzz_target!(|bytes: &[u8]| {
    if let Ok(ext) = Ext::parse(bytes) {
        let records = ext.funcs.len() * 8 + ext.lines.len() * 16 + ext.cores.len() * 16;
        assert!(records <= 3 * bytes.len());
    }
    let scan = Scan::new(bytes);
    let Ok(mut btf) = Btf::parse(bytes) else { return };
    // What parses can be scanned, and says the same.
    let scan = scan.expect("the parser took it");
    for (id, kind) in btf.types() {
        assert_eq!(scan.get(id).as_ref().filter(|_| id.0 > 0), Some(kind).filter(|_| id.0 > 0));
        let _ = (scan.spell(id).len(), scan.prototype(id).map(|p| p.to_string().len()));
        let name = scan.name(id);
        assert!(scan.record(id).map(|r| (r.to_string(), serde_json::to_string(&r).is_ok())).is_some() == (id.0 > 0));
        let _ = scan.named(name).count();
    }
    // The same bytes as a module's types.
    if let Ok(module) = Scan::split(bytes, &scan) {
        for id in module.ids() {
            let _ = (module.record(id).map(|r| r.to_string().len()), module.spell(id).len(), module.named(module.name(id)).count());
        }
    }
    let _ = (scan.find(KindId::Func, "f"), scan.tagged("bpf_kfunc").len());
    // For a kernel that has none of the later kinds, one that has all, and one that has some.
    for lacks in [0, u16::MAX, bytes.len() as u16] {
        let has = |feature: BtfFeature| lacks >> feature as u16 & 1 == 0;
        let old = Btf::parse(&btf.sanitize(has).bytes).expect("sanitized types parse");
        assert_eq!(old.types().count(), btf.types().count());
        assert!(old.sanitize(has).changes.is_empty());
    }
    let mut data = [0_u8; 64];
    data.iter_mut().enumerate().for_each(|(at, byte)| *byte = at as u8);
    let ids: Vec<_> = btf.types().map(|(id, _)| id).collect();
    for id in ids.iter().copied() {
        let _ = (btf.name(id).len(), btf.resolve(id).is_some(), btf.decl_tags(id, -1).count());
        let size = btf.size_of(id);
        let value = btf.value(id, &data);
        let _ = (value.to_string().len(), serde_json::to_string(&value).map(|json| json.len()));
        for text in TEXTS {
            if let Ok(written) = btf.parse_value(id, text) {
                assert_eq!(Some(written.len() as u64), size);
                let _ = btf.value(id, &written);
            }
        }
    }
    for (id, path) in ids.iter().flat_map(|id| PATHS.map(|path| (*id, path))) {
        if let Ok(part) = btf.part(id, path) {
            let _ = btf.write_part(part, "1", &mut data);
        }
    }
    // Twice the same types are as many as once.
    let mut merge = Merge::new();
    if let (Ok(one), Ok(other)) = (merge.append(&btf), merge.append(&btf)) {
        let (builder, numbers) = merge.finish();
        let is_single = |kind: &Kind| matches!(kind, Kind::Var { .. } | Kind::Func { .. } | Kind::Datasec { .. });
        if !btf.types().any(|(_, found)| is_single(&found.kind)) {
            assert!(ids.iter().all(|id| numbers.get(one.id(*id)) == numbers.get(other.id(*id))));
        }
        let _ = builder.encode().map(|bytes| Btf::parse(&bytes).expect("what is encoded can be read"));
    }
    for id in ids {
        let Some(Kind::Datasec { vars, .. }) = btf.get(id).map(|t| &t.kind) else { continue };
        let count = vars.len();
        btf.set_section_layout(id, 64, |name| Some(name.len() as u32));
        let again = Btf::parse(btf.bytes()).expect("only sizes and offsets were written");
        assert_eq!(again.get(id), btf.get(id));
        assert!(matches!(btf.get(id).map(|t| &t.kind), Some(Kind::Datasec { size: 64, vars }) if vars.len() == count));
    }
});
