//! Pages of helpers.

use super::{Noun, Page};
use crate::spec::helper::{self, Arg, Helper};
use crate::spec::{Place, PlaceSet, ProgType};

pub(super) fn pages() -> Vec<Page> {
    helper::TABLE.iter().map(page).collect()
}

fn page(row: &Helper) -> Page {
    let offered: Vec<Place> = Place::all().filter(|place| row.offered_in(*place)).collect();
    let mut types: Vec<ProgType> = offered.iter().map(|place| place.row().prog_type).collect();
    types.dedup();
    let takes = row.args.iter().map(|a| vec![a.name.to_owned(), a.kind.text(), meaning(a)]).collect();
    let elsewhere = row.other.iter().map(|o| vec![names(o.places, row), signature(row, o.args)]).collect();
    let yes = |is: bool| if is { "yes" } else { "no" };
    let needs: Vec<&str> = row.needs.into_iter().collect();
    let by_target = Some(names(row.by_target, row)).filter(|names| !names.is_empty());
    Page::new(Noun::Helper, row.name, row.what)
        .also(format!("bpf_{}", row.name))
        .also(format!("BPF_FUNC_{}", row.name))
        .also(row.id)
        .since(row.since)
        .text("number", row.id)
        .text("signature", signature(row, row.args))
        .table("arguments", &["name", "kind", "meaning"], takes)
        .table("other arguments", &["places", "signature"], elsewhere)
        .list("map types", row.maps)
        .text("result", result(row))
        .list("answers", row.errors)
        .text("GPL only", gpl(row))
        .text("may sleep", yes(row.may_sleep))
        .text("changes packet", yes(row.changes_packet))
        .text("keeps registers", yes(row.fastcall))
        .list("needs", needs)
        .list("only some functions or hooks of", by_target)
        .table("program types", &["program type", "where", "since"], types.iter().map(|t| at_type(row, *t)).collect())
        .see(Noun::Prog, types.iter().map(|t| t.name()))
}

/// `bpf_map_lookup_elem(const_map_ptr map, map_key key) -> map_value_or_null`.
fn signature(row: &Helper, args: &[Arg]) -> String {
    let args: Vec<String> = args.iter().map(|a| format!("{} {}", a.kind.text(), a.name)).collect();
    format!("bpf_{}({}) -> {}", row.name, args.join(", "), row.gives.text())
}

fn meaning(arg: &Arg) -> String {
    let released = if arg.released { "; the program no longer owns it afterwards" } else { "" };
    format!("{}{released}", arg.kind.what())
}

fn result(row: &Helper) -> String {
    let owned = if row.acquires { "; the program owns it and has to give it back" } else { "" };
    format!("{}{owned}", row.gives.text())
}

fn gpl(row: &Helper) -> String {
    let (mut with, mut without) = (PlaceSet::NONE, PlaceSet::NONE);
    for place in Place::all().filter(|place| row.offered_in(*place)) {
        let set = if row.gpl_only(place) { &mut with } else { &mut without };
        *set = set.and(PlaceSet::of(&[place]));
    }
    match (with.is_empty(), without.is_empty()) {
        (true, _) => "no".to_owned(),
        (_, true) => "yes".to_owned(),
        _ => format!("yes, but not at {}", names(without, row)),
    }
}

/// The places of a set that are offered the helper; a program type's name stands for all that it has.
fn names(set: PlaceSet, row: &Helper) -> String {
    let offered = |place: &Place| row.offered_in(*place);
    let mut names: Vec<&str> = Vec::new();
    for place in set.iter().filter(offered) {
        let prog_type = place.row().prog_type;
        let all = PlaceSet::of_types(&[prog_type]).iter().filter(offered).all(|other| set.has(other));
        let name = if all { prog_type.name() } else { place.name() };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The row of one program type: its name, where in it, since when.
fn at_type(row: &Helper, prog_type: ProgType) -> Vec<String> {
    let places: Vec<Place> = PlaceSet::of_types(&[prog_type]).iter().collect();
    let offered: Vec<(Place, String)> =
        places.iter().filter_map(|place| row.offered_since(*place).map(|since| (*place, since.to_string()))).collect();
    let oldest = offered.first().map(|(_, since)| since.clone()).unwrap_or_default();
    let detail = |(place, since): &(Place, String)| {
        let name = place.name().strip_prefix(prog_type.name()).unwrap_or(place.name());
        let name = name.strip_prefix('/').unwrap_or(name);
        let name = if name.is_empty() { "plain" } else { name };
        if *since == oldest { name.to_owned() } else { format!("{name} ({since})") }
    };
    let is_all = offered.len() == places.len() && offered.iter().all(|(_, since)| *since == oldest);
    let at = if is_all { "all".to_owned() } else { offered.iter().map(detail).collect::<Vec<_>>().join(", ") };
    vec![prog_type.name().to_owned(), at, oldest]
}

#[cfg(test)]
mod tests {
    use super::super::{Fact, Value, find};
    use super::*;

    fn fact(name: &str, label: &str) -> Option<Value> {
        let page = find(Some(Noun::Helper), name).into_iter().next()?;
        page.facts.into_iter().find(|Fact { label: l, .. }| *l == label).map(|f| f.value)
    }

    fn text(name: &str, label: &str) -> String {
        match fact(name, label) {
            Some(Value::Text(text)) => text,
            other => panic!("{name} {label}: {other:?}"),
        }
    }

    #[test]
    fn a_signature_names_kinds_arguments_and_result() {
        let lookup = "bpf_map_lookup_elem(const_map_ptr map, map_key key) -> map_value_or_null";
        assert_eq!(text("bpf_map_lookup_elem", "signature"), lookup);
        assert_eq!(text("7", "signature"), "bpf_get_prandom_u32() -> integer");
    }

    #[test]
    fn the_licence_is_told_by_place_where_it_differs() {
        assert_eq!(text("trace_printk", "GPL only"), "yes");
        assert_eq!(text("get_stackid", "GPL only"), "yes, but not at perf_event");
        assert_eq!(text("map_lookup_elem", "GPL only"), "no");
    }

    #[test]
    fn program_types_tell_where_and_since_when_as_far_as_it_is_known() {
        let Some(Value::Table { rows, .. }) = fact("bind", "program types") else { panic!("no table") };
        assert_eq!(rows, [["cgroup_sock_addr", "connect4, connect6", "6.1 at the latest"]]);
        let Some(Value::Table { rows, .. }) = fact("skb_vlan_push", "program types") else { panic!("no table") };
        assert_eq!(rows, [["sched_cls", "all", "6.1 at the latest"], ["sched_act", "all", "6.1 at the latest"]]);
    }
}
