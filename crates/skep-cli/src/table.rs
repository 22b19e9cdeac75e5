//! Values as tables for people.

use comfy_table::{CellAlignment, Table, presets};
use skep::{Entry, Value};

/// Rows of a map that a table shows at most; the JSON has them all.
const MAX_ROWS: usize = 40;
/// Members of a structure that become columns at most; a larger one stands in one column.
const MAX_COLUMNS: usize = 64;

/// An empty table in our style.
pub(crate) fn new(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.into_iter().collect::<Vec<_>>());
    table
}

/// Aligns a column to the right.
pub(crate) fn right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// The entries of a map: members of structures are columns, the values of a `per_cpu` map are summed, rows that hold only
/// zeros are left out. What the table leaves out is said in the last line.
pub(crate) fn entries(name: &str, per_cpu: bool, entries: &[Entry]) -> String {
    let value = |e: &Entry| if per_cpu { sum(&e.value) } else { e.value.clone() };
    let summed: Vec<(&Value, Value)> = entries.iter().map(|e| (&e.key, value(e))).collect();
    let shown: Vec<&(&Value, Value)> = summed.iter().filter(|(_, v)| !is_zero(v)).collect();
    if shown.is_empty() {
        let zeros = if entries.is_empty() { "empty" } else { "all zeros" };
        return format!("{name}: {zeros}\n");
    }
    let mut keys = Vec::new();
    let mut values = Vec::new();
    for (key, value) in &shown {
        columns("key", key, &mut keys);
        columns("value", value, &mut values);
    }
    let mut table = new(keys.iter().chain(&values).cloned());
    for (key, value) in shown.iter().take(MAX_ROWS) {
        let cells = keys.iter().map(|c| cell("key", key, c)).chain(values.iter().map(|c| cell("value", value, c)));
        table.add_row(cells.collect::<Vec<_>>());
    }
    for (at, _) in keys.iter().enumerate().filter(|(_, c)| shown.iter().all(|(k, _)| is_number("key", k, c))) {
        right(&mut table, at);
    }
    for (at, _) in values.iter().enumerate().filter(|(_, c)| shown.iter().all(|(_, v)| is_number("value", v, c))) {
        right(&mut table, keys.len() + at);
    }
    let mut text = format!("{name}\n{}\n", trim(&table));
    let (hidden, zeros) = (shown.len().saturating_sub(MAX_ROWS), summed.len() - shown.len());
    if hidden > 0 {
        text.push_str(&format!("  … {hidden} more (--json shows all)\n"));
    }
    if zeros > 0 {
        let entries = if zeros == 1 { "entry holds" } else { "entries hold" };
        text.push_str(&format!("  {zeros} {entries} only zeros\n"));
    }
    text
}

/// A table's text, indented, without blanks at the ends of lines.
pub(crate) fn trim(table: &Table) -> String {
    table.to_string().lines().map(|line| format!(" {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

/// A number of things: `1 frame`, `2 frames`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// The columns of a value, members of inner structures as `outer.inner`.
fn columns(word: &str, value: &Value, names: &mut Vec<String>) {
    flatten(word, value, &mut |name, _| {
        if !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        }
    });
}

fn cell(word: &str, value: &Value, column: &str) -> String {
    let mut text = String::new();
    flatten(word, value, &mut |name, field| {
        if name == column {
            text = field.to_string();
        }
    });
    text
}

/// Hands out each member that is no structure itself, with its name; the value itself where they are too many.
fn flatten(word: &str, value: &Value, each: &mut dyn FnMut(&str, &Value)) {
    let mut count = 0;
    members(word, value, &mut |_, _| count += 1);
    if count <= MAX_COLUMNS { members(word, value, each) } else { each(word, value) }
}

/// Hands out each member that is no structure itself, with its name.
fn members(word: &str, value: &Value, each: &mut dyn FnMut(&str, &Value)) {
    fn inner(prefix: &str, fields: &[(String, Value)], each: &mut dyn FnMut(&str, &Value)) {
        for (name, value) in fields {
            let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Struct(fields) => inner(&name, fields, each),
                _ => each(&name, value),
            }
        }
    }
    match value {
        Value::Struct(fields) => inner("", fields, each),
        _ => each(word, value),
    }
}

/// The variables of a data section, one a line.
pub(crate) fn variables(name: &str, value: &Value) -> String {
    let mut table = new(["variable", "value"].map(str::to_owned));
    members("value", value, &mut |name, value| {
        table.add_row([name.to_owned(), value.to_string()]);
    });
    format!("{name}\n{}\n", trim(&table))
}

fn is_number(word: &str, value: &Value, column: &str) -> bool {
    let mut number = true;
    flatten(word, value, &mut |name, field| {
        let is = matches!(field, Value::Int(_) | Value::Uint(_) | Value::Wide(_) | Value::Float(_));
        number &= name != column || is;
    });
    number
}

/// Per-CPU values added up where they are numbers, so that people read one; other lists as they are.
fn sum(value: &Value) -> Value {
    let Value::List(items) = value else { return value.clone() };
    let mut items = items.iter();
    let Some(first) = items.next() else { return value.clone() };
    items.try_fold(first.clone(), |total, item| add(&total, item)).unwrap_or_else(|| value.clone())
}

fn add(a: &Value, b: &Value) -> Option<Value> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(*b)),
        (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.wrapping_add(*b)),
        (Value::Struct(a), Value::Struct(b)) => {
            let fields = a.iter().zip(b).map(|((name, a), (_, b))| Some((name.clone(), add(a, b)?)));
            Value::Struct(fields.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Int(v) => *v == 0,
        Value::Uint(v) | Value::Address(v) => *v == 0,
        Value::Wide(v) => *v == 0,
        Value::Bool(v) => !v,
        Value::Float(v) => *v == 0.0,
        Value::Text(v) => v.is_empty(),
        Value::Bytes(v) => v.iter().all(|b| *b == 0),
        Value::Constant(_) => false,
        Value::List(items) => items.iter().all(is_zero),
        Value::Struct(fields) => fields.iter().all(|(_, v)| is_zero(v)),
        Value::Shown { value, .. } => is_zero(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(packets: u64) -> Value {
        Value::Struct(vec![("packets".into(), Value::Uint(packets)), ("bytes".into(), Value::Uint(packets * 60))])
    }

    #[test]
    fn members_are_columns_and_numbers_stand_to_the_right() {
        let rows = [
            Entry { key: Value::Constant("TCP".into()), value: traffic(1200) },
            Entry { key: Value::Constant("ICMP".into()), value: traffic(7) },
            Entry { key: Value::Constant("UDP".into()), value: traffic(0) },
        ];
        let expected = "\
protocols
  key   packets  bytes
  TCP      1200  72000
  ICMP        7    420
  1 entry holds only zeros
";
        assert_eq!(entries("protocols", false, &rows), expected);
    }

    #[test]
    fn a_structure_of_thousands_of_members_stands_in_one_column() {
        let members = (0..65_535).map(|at| (format!("m{at}"), Value::Uint(1))).collect();
        let text = entries("wide", false, &[Entry { key: Value::Uint(7), value: Value::Struct(members) }]);
        assert!(text.starts_with("wide\n  key  value"), "{}", &text[..40]);
        assert!(text.contains("m65534: 1}"));
    }

    #[test]
    fn values_of_cpus_are_added_up() {
        let rows = [Entry { key: Value::Uint(1), value: Value::List(vec![Value::Uint(2), Value::Uint(40)]) }];
        assert_eq!(entries("calls", true, &rows), "calls\n  key  value\n    1     42\n");
    }
}
