//! A program inside another: it runs on a struct of the host, calls a function of the host, and counts in a map that both
//! see. `cargo run -p skep-vm --example embed`
#![allow(clippy::print_stdout, clippy::indexing_slicing, reason = "an example shows what it does")]

use skep_object::Object;
use skep_vm::{Caller, Config, Routine, Still};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// What the program gets in r1: it raises `total`.
#[derive(Debug, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Order {
    price: u32,
    total: u32,
}

const PROGRAM: &str = "
    .map runs array key=4 value=8 entries=1
    .section routine
    .global tax
tax:    r6 = r1
        *(u32 *)(r10 - 4) = 0
        r1 = runs ll
        r2 = r10
        r2 += -4
        call bpf_map_lookup_elem
        if r0 == 0 goto out
        r1 = 1
        lock *(u64 *)(r0 + 0) += r1
        r1 = *(u32 *)(r6 + 0)           ; order->price
        call 1000                       ; the host's function
        *(u32 *)(r6 + 4) = w0           ; order->total
out:    r0 = 0
        exit
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let assembly = skep_isa::asm::assemble("tax.s", PROGRAM).map_err(|errors| errors[0].to_string())?;
    let object = Object::parse("tax", &skep_object::write(&assembly)?)?;

    let with_tax = |_: &mut Caller<'_, '_>, [price, ..]: [u64; 5]| Ok(price + price / 5);
    let calls: Vec<(i32, skep_vm::Call)> = vec![(1000, Box::new(with_tax))];
    let mut routine = Routine::of_object(&object, 0, calls, Config::default(), Box::new(Still))?;

    let mut order = Order { price: 35, total: 0 };
    routine.run(order.as_mut_bytes())?;
    let runs = routine.map(0).and_then(|map| map.lookup(&0_u32.to_le_bytes()));
    println!("{order:?}, {runs:?}");
    assert_eq!((order.total, runs), (42, Some(1_u64.to_le_bytes().to_vec())));
    Ok(())
}
