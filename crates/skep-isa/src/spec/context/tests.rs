//! The rows hold together: order, names, sizes, and a context for each program type.

use super::pointee::{self, Via};
use super::*;
use crate::spec::prog_type;

#[test]
fn fields_stand_in_order_inside_their_context_and_once_by_name() {
    let contexts = TABLE.iter().map(|c| (c.name, c.size, c.fields));
    for (name, size, fields) in contexts.chain(pointee::TABLE.iter().map(|p| (p.name, p.size, p.fields))) {
        for (at, field) in fields.iter().enumerate() {
            assert!(u32::from(field.offset + field.size) <= size, "{name}.{}", field.name);
            assert_eq!(field.size % u16::from(field.unit), 0, "{name}.{}", field.name);
            assert!(!fields[..at].iter().any(|f| f.name == field.name), "{name}.{} twice", field.name);
        }
    }
}

#[test]
fn every_program_type_but_ext_has_the_context_its_row_names() {
    for row in prog_type::TABLE.iter().filter(|row| !matches!(row.id, P::Unspec | P::Ext)) {
        let found: Vec<_> = TABLE.iter().filter(|c| c.prog_types.contains(&row.id)).map(|c| c.name).collect();
        assert_eq!(found, [row.context], "{}", row.name);
    }
}

#[test]
fn nothing_is_stored_that_nobody_may_store_and_who_names_the_contexts_programs() {
    for context in TABLE {
        for field in context.fields {
            for who in [field.read, field.write] {
                if let Who::Types(types) = who {
                    let stray: Vec<_> = types.iter().filter(|t| !context.prog_types.contains(t)).collect();
                    assert!(stray.is_empty(), "{}.{}: {stray:?}", context.name, field.name);
                }
            }
            assert!(field.write != Who::Nobody || field.write_since.is_none(), "{}", field.name);
        }
    }
}

#[test]
fn an_access_says_why_it_is_refused() {
    let skb = &TABLE[0];
    let tc = |offset, size, op| skb.access(P::SchedCls, None, offset, size, op);
    assert_eq!(tc(76, 4, Op::Load), Ok(Kind::Packet));
    assert_eq!(tc(76, 4, Op::LoadSigned), Err(Refusal::Sign));
    assert_eq!(tc(76, 2, Op::Load), Err(Refusal::Size));
    assert_eq!(tc(9, 2, Op::Load), Err(Refusal::Unaligned));
    assert_eq!(tc(0, 4, Op::Store), Err(Refusal::ReadOnly));
    assert_eq!(tc(88, 4, Op::Load), Err(Refusal::Unreadable));
    assert_eq!(tc(192, 4, Op::Load), Err(Refusal::NoField));
    assert_eq!(tc(8, 3, Op::Load), Err(Refusal::Size));
    let ops = Context::of(P::SockOps).expect("a row");
    assert_eq!(ops.access(P::SockOps, None, 4, 4, Op::Store), Ok(Kind::Scalar));
    assert_eq!(ops.access(P::SockOps, None, 8, 4, Op::Store), Err(Refusal::ReadOnly));
}

#[test]
fn a_socket_is_only_read_and_its_common_part_is_smaller() {
    let row = |via| pointee::TABLE.iter().find(|p| p.name == "bpf_sock" && p.via == via).expect("a row");
    assert!(row(Via::Socket).access(16, 4, Op::Load).is_ok());
    assert_eq!(row(Via::SockCommon).access(16, 4, Op::Load), Err(Refusal::Unreadable));
    assert_eq!(row(Via::Socket).access(16, 4, Op::Store), Err(Refusal::ReadOnly));
}
