//! Text to bytes by type: the forms people write, what does not fit, and one part of a value alone.

mod support;

use skep_btf::{Btf, TypeId};
use support::{BOOL, CHAR, SIGNED, Types, kind};

/// `struct { u16 low; union { u8 high; char letter; }; u32 steps[3]; char name[4]; u8 on : 1; u8 mode : 3; }`.
fn limits() -> (Btf, TypeId) {
    let mut t = Types::default();
    let (small, short, word) = (t.int("u8", 1, 0), t.int("u16", 2, 0), t.int("u32", 4, 0));
    let letter = t.int("char", 1, CHAR);
    let either = t.composite(kind::UNION, "", 1, &[("high", small, 0), ("letter", letter, 0)]);
    let (steps, name) = (t.array(word, 3), t.array(letter, 4));
    let members = [
        ("low", short, 0, 0),
        ("", either, 16, 0),
        ("steps", steps, 32, 0),
        ("name", name, 128, 0),
        ("on", small, 160, 1),
        ("mode", small, 161, 3),
    ];
    let id = t.bits(24, &members);
    (t.btf(), id)
}

/// The whole value after one part of all ones was written.
fn put(path: &str, text: &str) -> Result<Vec<u8>, String> {
    let (btf, id) = limits();
    let mut bytes = vec![0xff; 24];
    btf.write_part(btf.part(id, path)?, text, &mut bytes).map(|()| bytes)
}

/// All ones, but for some bytes.
fn ones(at: usize, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut all = vec![0xff; 24];
    all[at..at + bytes.len()].copy_from_slice(bytes);
    Ok(all)
}

#[test]
fn a_part_is_written_and_all_else_stays() {
    assert_eq!(put(".low", "258"), ones(0, &[2, 1]));
    assert_eq!(put(".high", "7"), ones(2, &[7]), "a member of an anonymous member");
    assert_eq!(put(".letter", "x"), ones(2, b"x"));
    assert_eq!(put(".letter", "'7'"), ones(2, b"7"));
    assert_eq!(put(".letter", "7"), ones(2, &[7]));
    assert_eq!(put(".steps", "[1, 2,3]"), ones(4, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]));
    assert_eq!(put(".steps[1]", "0x10"), ones(8, &[16, 0, 0, 0]));
    assert_eq!(put(".name", "ab"), ones(16, b"ab\0\0"), "what a text does not fill is zeros");
    assert_eq!(put(".name", "\"a, b\""), ones(16, b"a, b"));
    assert_eq!(put(".name[0]", "z"), ones(16, b"z"));
    assert_eq!(put(".on", "0"), ones(20, &[0b1111_1110]));
    assert_eq!(put(".mode", "2"), ones(20, &[0b1111_0101]));
}

#[test]
fn structures_are_written_in_order_or_by_name_and_what_is_not_named_is_zero() {
    let mut whole = vec![0; 24];
    whole[..4].copy_from_slice(&[1, 0, 2, 0]);
    whole[4..8].copy_from_slice(&[3, 0, 0, 0]);
    whole[16..19].copy_from_slice(b"a:b");
    whole[20] = 0b1101;
    assert_eq!(put("", "{1, {high: 2}, [3, 0, 0], a:b, 1, 6}"), Ok(whole.clone()));
    assert_eq!(put("", "{name: a:b, low: 1, steps: {3, 0, 0}, mode: 6, on: 1}").map(|b| b[2]), Ok(0));
    assert_eq!(put("", "{mode:5}").map(|b| (b[0], b[20])), Ok((0, 0b1010)));
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let refused = |path: &str, text: &str| put(path, text).expect_err(text);
    assert_eq!(refused(".low", "65536"), "65536 does not fit 2 bytes");
    assert_eq!(refused(".low", "-1"), "-1 does not fit 2 bytes");
    assert_eq!(refused(".high", "256"), "256 does not fit 1 byte");
    assert_eq!(refused(".low", "0x+1"), "`0x+1` is not a number");
    assert_eq!(refused(".mode", "8"), "8 does not fit 3 bits");
    assert_eq!(refused(".name", "abcde"), "`abcde` is longer than 4 characters");
    assert_eq!(refused(".steps", "[1, 2]"), "`[1, 2]` has 2 items, the array has 3");
    assert_eq!(refused(".steps[3]", "1"), "the array has 3 elements, counted from 0: `[3]` is none of them");
    assert_eq!(refused(".steps[x]", "1"), "`x` is not the number of an element");
    assert_eq!(refused(".steps[1", "1"), "`[1` has no `]`");
    assert_eq!(refused(".low[1]", "1"), "`[1]` asks for an element of what is no array");
    assert_eq!(refused(".low.x", "1"), "`.x` asks for a member of what is no structure");
    assert_eq!(refused(".lwo", "1"), "there is no member `lwo`, but `low`");
    assert_eq!(refused("", "{lwo: 1}"), "there is no member `lwo`, but `low`");
    assert_eq!(refused("", "{low: 1, 2}"), "`2` does not name its member as the first does");
    assert_eq!(refused("x", "1"), "`x` is neither `.member` nor `[number]`");
    assert_eq!(refused("", "{1, 2, [3, 0, 0], a, 1, 6}"), "`2` is not a union `{member: value}`");
}

#[test]
fn every_kind_of_number_is_written() {
    let mut t = Types::default();
    let (flag, wide, long) = (t.int("_Bool", 1, BOOL), t.int("__int128", 16, SIGNED), t.int("s64", 8, SIGNED));
    let (float, double) =
        (t.add("float", kind::FLOAT, 0, false, 4, &[]), t.add("double", kind::FLOAT, 0, false, 8, &[]));
    let top = t.string("TOP");
    let most = t.add("most", kind::ENUM64, 1, false, 8, &[top, u32::MAX, u32::MAX]);
    let pointer = t.to(kind::PTR, "", long);
    let btf = t.btf();
    assert_eq!(btf.parse_value(flag, "true"), Ok(vec![1]));
    assert_eq!(btf.parse_value(flag, "0"), Ok(vec![0]));
    assert_eq!(btf.parse_value(flag, "2"), Err("`2` is neither true nor false".to_owned()));
    assert_eq!(btf.parse_value(wide, "-2"), Ok((-2_i128).to_le_bytes().to_vec()));
    assert_eq!(btf.parse_value(long, "-9223372036854775808"), Ok(i64::MIN.to_le_bytes().to_vec()));
    assert_eq!(btf.parse_value(long, "9223372036854775808"), Err("9223372036854775808 does not fit 8 bytes".into()));
    assert_eq!(btf.parse_value(float, "1.5"), Ok(1.5_f32.to_le_bytes().to_vec()));
    assert_eq!(btf.parse_value(double, "-0.25"), Ok((-0.25_f64).to_le_bytes().to_vec()));
    assert_eq!(btf.parse_value(most, "TOP"), Ok(vec![0xff; 8]));
    assert_eq!(btf.parse_value(most, "-1"), Err("-1 does not fit 8 bytes".to_owned()));
    let only = "only integers, enumerations, arrays, structures and unions can be written";
    assert_eq!(btf.parse_value(pointer, "1"), Err(only.to_owned()));
}
