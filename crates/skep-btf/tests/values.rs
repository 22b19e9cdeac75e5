//! Bytes and values by type: every kind, and types that nobody would write.

mod support;

use skep_btf::{Btf, Kind, TypeId, Value};
use support::{BOOL, CHAR, SIGNED, Types, kind};

/// A value as people and as programs read it.
fn shown(btf: &Btf, id: TypeId, bytes: &[u8]) -> (String, String) {
    let value = btf.value(id, bytes);
    (value.to_string(), serde_json::to_string(&value).expect("values are JSON"))
}

fn same(btf: &Btf, id: TypeId, bytes: &[u8], text: &str) {
    assert_eq!(shown(btf, id, bytes), (text.to_owned(), text.to_owned()));
}

#[test]
fn integers_keep_their_sign_and_width() {
    let mut t = Types::default();
    let ids: Vec<_> = [1, 2, 4, 8].iter().map(|size| (t.int("u", *size, 0), t.int("s", *size, SIGNED))).collect();
    let wide = t.int("__int128", 16, 0);
    let flag = t.int("_Bool", 1, BOOL);
    let odd = t.int("odd", 3, 0);
    let btf = t.btf();
    let unsigned = ["255", "65535", "4294967295", "18446744073709551615"];
    for ((u, s), text) in ids.iter().zip(unsigned) {
        same(&btf, *u, &[0xff; 8], text);
        same(&btf, *s, &[0xff; 8], "-1");
    }
    same(&btf, wide, &[0xff; 16], "340282366920938463463374607431768211455");
    same(&btf, flag, &[1], "true");
    same(&btf, flag, &[0], "false");
    assert_eq!(btf.value(odd, &[1, 2, 3]), Value::Bytes(vec![1, 2, 3]), "no integer has three bytes");
    assert_eq!(btf.value(wide, &[1; 15]), Value::Bytes(vec![1; 15]), "too few bytes are shown as they are");
}

#[test]
fn floats_are_numbers() {
    let mut t = Types::default();
    let (float, double) =
        (t.add("float", kind::FLOAT, 0, false, 4, &[]), t.add("double", kind::FLOAT, 0, false, 8, &[]));
    let btf = t.btf();
    same(&btf, float, &1.5_f32.to_le_bytes(), "1.5");
    same(&btf, double, &(-0.25_f64).to_le_bytes(), "-0.25");
}

#[test]
fn bit_fields_keep_their_place_and_sign() {
    let mut t = Types::default();
    let (u, s) = (t.int("u32", 4, 0), t.int("s32", 4, SIGNED));
    let id = t.bits(8, &[("low", u, 0, 3), ("neg", s, 3, 5), ("across", u, 12, 20), ("whole", u, 32, 0)]);
    let long = t.int("u64", 8, 0);
    let most = t.bits(16, &[("pad", u, 0, 7), ("all", long, 7, 64)]);
    let btf = t.btf();
    let word = 0b101 | 0b11110 << 3 | 0xabcde << 12_u32;
    let bytes = [(word as u32).to_le_bytes(), 7_u32.to_le_bytes()].concat();
    assert_eq!(shown(&btf, id, &bytes).0, "{low: 5, neg: -2, across: 703710, whole: 7}");
    assert_eq!(shown(&btf, most, &[0xff; 16]).0, "{pad: 127, all: 18446744073709551615}");
    assert_eq!(btf.parse_value(id, "{5, -2, 703710, 7}").as_deref(), Ok(&bytes[..]));
    assert_eq!(btf.parse_value(id, "{8, 0, 0, 0}"), Err("low: 8 does not fit 3 bits".to_owned()));
    assert_eq!(btf.parse_value(id, "{0, -17, 0, 0}"), Err("neg: -17 does not fit 5 bits".to_owned()));
}

#[test]
fn enumerations_of_32_and_64_bits_show_their_constants() {
    let mut t = Types::default();
    let (a, b) = (t.string("LOW"), t.string("HIGH"));
    let narrow = t.add("narrow", kind::ENUM, 2, true, 4, &[a, -1_i32 as u32, b, 7]);
    let wide = t.add("wide", kind::ENUM64, 2, false, 8, &[a, 0, 1, b, 0xffff_ffff, 0xffff_ffff]);
    let btf = t.btf();
    assert_eq!(shown(&btf, narrow, &(-1_i32).to_le_bytes()), ("LOW".into(), "\"LOW\"".into()));
    same(&btf, narrow, &3_u32.to_le_bytes(), "3");
    assert_eq!(shown(&btf, wide, &(1_u64 << 32).to_le_bytes()).0, "LOW");
    assert_eq!(shown(&btf, wide, &u64::MAX.to_le_bytes()).0, "HIGH");
    assert_eq!(btf.parse_value(narrow, "LOW"), Ok(vec![0xff; 4]));
    assert_eq!(btf.parse_value(wide, "LOW"), Ok(vec![0, 0, 0, 0, 1, 0, 0, 0]));
    assert_eq!(btf.parse_value(narrow, "MIDDLE"), Err("`MIDDLE` is none of LOW, HIGH".to_owned()));
}

#[test]
fn members_of_anonymous_members_stand_among_the_others() {
    let mut t = Types::default();
    let (byte, word) = (t.int("u8", 1, 0), t.int("u16", 2, 0));
    let pair = t.structure("", 2, &[("low", byte, 0), ("high", byte, 1)]);
    let either = t.composite(kind::UNION, "", 2, &[("word", word, 0), ("", pair, 0)]);
    let id = t.structure("outer", 3, &[("first", byte, 0), ("", either, 1)]);
    let named = t.structure("named", 2, &[("inner", pair, 0)]);
    let btf = t.btf();
    assert_eq!(shown(&btf, id, &[1, 2, 3]).0, "{first: 1, word: 770, low: 2, high: 3}");
    assert_eq!(shown(&btf, named, &[2, 3]).1, r#"{"inner":{"low":2,"high":3}}"#);
}

#[test]
fn a_flexible_array_takes_what_is_left() {
    let mut t = Types::default();
    let word = t.int("u16", 2, 0);
    let rest = t.array(word, 0);
    let id = t.structure("packet", 2, &[("len", word, 0), ("rest", rest, 2)]);
    let btf = t.btf();
    assert_eq!(btf.size_of(id), Some(2));
    assert_eq!(shown(&btf, id, &[2, 0, 1, 0, 2, 0, 9]).1, r#"{"len":2,"rest":[1,2]}"#);
}

#[test]
fn character_arrays_are_text_up_to_the_nul() {
    let mut t = Types::default();
    let (char, byte) = (t.int("char", 1, SIGNED), t.int("u8", 1, CHAR));
    let (text, bytes) = (t.array(char, 6), t.array(byte, 3));
    let btf = t.btf();
    assert_eq!(shown(&btf, text, b"ab\0cde"), ("ab".into(), "\"ab\"".into()));
    assert_eq!(shown(&btf, text, b"a\xff\xfeb\0\0").1, "\"a\u{fffd}\u{fffd}b\"");
    assert_eq!(shown(&btf, text, b"\x1b[2J\n\0").0, "\\u{1b}[2J\\n", "no control character reaches a terminal");
    assert_eq!(shown(&btf, bytes, b"xyz").0, "xyz", "all of it without a NUL");
    assert_eq!(btf.parse_value(text, "ab"), Ok(b"ab\0\0\0\0".to_vec()));
    assert!(btf.parse_value(text, "abcdefg").is_err());
}

#[test]
fn tags_say_how_people_read_a_value_and_json_gets_the_value() {
    let mut t = Types::default();
    let (byte, word) = (t.int("u8", 1, 0), t.int("u32", 4, 0));
    let (four, six, sixteen) = (t.array(byte, 4), t.array(byte, 6), t.array(byte, 16));
    let id =
        t.structure("s", 34, &[("a", four, 0), ("m", six, 4), ("b", sixteen, 10), ("x", word, 26), ("p", word, 30)]);
    for (text, at) in [("format:ipv4", 0), ("format:mac", 1), ("format:ipv6", 2), ("format:hex", 3), ("format:poem", 4)]
    {
        t.tag(text, id, at);
    }
    let address = t.to(kind::TYPEDEF, "address", word);
    t.tag("format:ipv4", address, -1);
    let constant = t.to(kind::CONST, "", address);
    let btf = t.btf();
    let mut bytes = vec![10, 0, 0, 1, 2, 0, 0, 0, 0, 0xfe];
    bytes.extend([0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0, 5, 0, 0, 0]);
    let (text, json) = shown(&btf, id, &bytes);
    assert_eq!(text, "{a: 10.0.0.1, m: 02:00:00:00:00:fe, b: fd77::1, x: 0xff, p: 5}");
    assert!(json.contains(r#""a":[10,0,0,1]"#) && json.contains(r#""x":255"#), "{json}");
    assert_eq!(shown(&btf, constant, &[10, 0, 0, 1]), ("10.0.0.1".into(), "16777226".into()));
}

#[test]
fn types_that_lead_in_circles_or_nowhere_are_bytes() {
    let mut t = Types::default();
    // 1 and 2 are each other's typedef; 3 leads to itself; 4 to nothing there is.
    t.to(kind::TYPEDEF, "a", TypeId(2));
    t.to(kind::TYPEDEF, "b", TypeId(1));
    t.to(kind::CONST, "", TypeId(3));
    t.to(kind::VOLATILE, "", TypeId(99));
    t.array(TypeId(5), 3);
    t.array(TypeId(5), 0);
    t.add("f", kind::FWD, 0, false, 0, &[]);
    t.add("", kind::FUNC_PROTO, 0, false, 0, &[]);
    let btf = t.btf();
    for id in (0..12).map(TypeId) {
        assert_eq!(btf.size_of(id), None, "{id:?}");
        assert_eq!(btf.value(id, &[1, 2]), Value::Bytes(vec![1, 2]), "{id:?}");
        assert!(btf.parse_value(id, "1").is_err(), "{id:?}");
        assert!(matches!(
            btf.resolve(id),
            None | Some((_, Kind::Void | Kind::Array { .. } | Kind::Fwd { .. } | Kind::FuncProto { .. }))
        ));
    }
}

#[test]
fn a_structure_that_holds_itself_ends_as_bytes() {
    let mut t = Types::default();
    let byte = t.int("u8", 1, 0);
    let me = TypeId(byte.0 + 1);
    t.structure("me", 8, &[("self", me, 0), ("again", me, 0), ("byte", byte, 0)]);
    let many: Vec<_> = (0..1000).map(|_| ("", TypeId(me.0 + 1), 0)).collect();
    let thousand = t.structure("thousand", 8, &many);
    let btf = t.btf();
    assert_eq!(btf.value(me, &[5; 8]), Value::Bytes(vec![5; 8]));
    assert_eq!(btf.value(thousand, &[5; 8]), Value::Bytes(vec![5; 8]));
    assert!(btf.parse_value(me, "{{{1, 2, 3}, 2, 3}, 2, 3}").is_err());
}

#[test]
fn a_long_name_in_a_thousand_members_is_not_copied_a_thousand_times() {
    let mut t = Types::default();
    let byte = t.int("u8", 1, 0);
    let long = t.string(vec![b'x'; 1 << 20]);
    let words: Vec<u32> = (0..65_535).flat_map(|_| [long, byte.0, 0]).collect();
    let wide = t.add("wide", kind::UNION, 65_535, false, 1, &words);
    let btf = t.btf();
    assert_eq!(btf.string(long), None);
    assert_eq!(btf.find("wide", |_| true), Some(wide));
    let Value::Bytes(bytes) = btf.value(wide, &[1]) else { panic!("more than there is to show") };
    assert_eq!(bytes, [1]);
}

#[test]
fn names_that_a_terminal_would_obey_are_not_shown() {
    let mut t = Types::default();
    let byte = t.int("u8", 1, 0);
    let id = t.structure("s", 2, &[("\x1b]0;owned\x07", byte, 0), ("plain", byte, 1)]);
    let (line, tab) = (t.string("return 0;\r"), t.string("\treturn 0;"));
    let btf = t.btf();
    assert_eq!(btf.value(id, &[1, 2]).to_string(), "{: 1, plain: 2}");
    assert_eq!((btf.string(line), btf.string(tab)), (Some("return 0;"), Some("\treturn 0;")));
}

#[test]
fn a_prefix_beside_an_array_larger_than_memory_is_refused() {
    let mut t = Types::default();
    let word = t.int("u32", 4, 0);
    let huge = t.array(word, u32::MAX);
    let huger = t.array(huge, 1 << 28);
    let id = t.structure("key", 8, &[("prefixlen", word, 0), ("data", huger, 4)]);
    let btf = t.btf();
    assert!(btf.parse_value(id, "10.0.0.0/8").is_err());
    assert_eq!(btf.parse_value(huger, "1"), Err("the type is too large to write".to_owned()));
    assert_eq!(btf.size_of(huge), Some(4 * u64::from(u32::MAX)));
}
