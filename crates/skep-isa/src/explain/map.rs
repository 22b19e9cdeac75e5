//! Pages of map types, of the flags they are made with and of the flags of updates.

use super::{Noun, Page};
use crate::spec::map_type::{self, Op, Row};
use crate::spec::{MapType, map_flag};

pub(super) fn pages() -> Vec<Page> {
    map_type::TABLE.iter().filter(|row| row.id != MapType::Unspec).map(page).collect()
}

/// Pages of the flags of `BPF_MAP_CREATE` and of updates.
pub(super) fn flags() -> Vec<Page> {
    let created = map_flag::TABLE.iter().map(|flag| {
        let takes = |row: &&Row| row.flags & flag.value != 0 || flag.value == map_flag::TOKEN_FD;
        let needs = map_type::TABLE.iter().filter(|row| row.needs & flag.value != 0).map(|row| row.id);
        Page::new(Noun::MapFlag, &format!("BPF_F_{}", flag.name), flag.what)
            .also(flag.name)
            .since(flag.since)
            .text("value", format!("{:#x} (bit {})", flag.value, flag.value.trailing_zeros()))
            .text("call", "BPF_MAP_CREATE")
            .list("map types", named(takes))
            .list("needed by", needs)
    });
    let updates = map_flag::UPDATE.iter().map(|flag| {
        Page::new(Noun::MapFlag, flag.name, flag.what)
            .since(flag.since)
            .text("value", flag.value)
            .text("call", "BPF_MAP_UPDATE_ELEM and the helpers that write")
            .list("map types", named(|row| row.update.contains(&flag.value)))
    });
    created.chain(updates).collect()
}

fn named(accept: impl Fn(&&Row) -> bool) -> Vec<MapType> {
    map_type::TABLE.iter().filter(|row| row.id != MapType::Unspec).filter(accept).map(|row| row.id).collect()
}

fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn page(row: &'static Row) -> Page {
    let flag = |name: &str| format!("BPF_F_{name}");
    let updates = map_flag::UPDATE.iter().filter(|flag| row.update.contains(&flag.value)).map(|flag| flag.name);
    Page::new(Noun::Map, row.name, row.what)
        .also(row.id.constant())
        .since(row.since)
        .text("number", row.id.id())
        .text("key", row.key.words())
        .text("value", row.value.words())
        .text("entries", row.entries.words())
        .text("copies of a value", if row.per_cpu { "one for each CPU" } else { "one" })
        .list("flags", map_flag::names(row.flags).map(flag))
        .list("flags it needs", map_flag::names(row.needs).map(flag))
        .text("map_extra", row.extra.words())
        .text("types", row.types.words())
        .list("user space", row.ops.iter().copied().map(Op::name))
        .list("flags of updates", updates)
        .list("helpers", row.helpers)
        .text("used by programs", yes(row.in_programs))
        .text("used by programs that sleep", yes(row.sleepable))
        .text("inner map", yes(row.inner))
        .text("needs", row.privilege.words())
        .see(Noun::Helper, row.helpers)
        .see(Noun::MapFlag, map_flag::names(row.flags).map(flag))
}
