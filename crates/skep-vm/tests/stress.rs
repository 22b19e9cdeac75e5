//! Four threads change one map at once, and what must hold of it is checked meanwhile. Two seconds for each kind of map;
//! `SKEP_STRESS_SECONDS=60 cargo test --release -p skep-vm --test stress` takes longer.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use skep_isa::spec::MapType;
use skep_object::MapSpec;
use skep_vm::{Map, MapError};

const THREADS: u64 = 4;

fn seconds() -> Duration {
    let asked = std::env::var("SKEP_STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(asked.unwrap_or(2.0))
}

fn map(spec: &MapSpec) -> Arc<Map> {
    let machine = support::machine("xdp", &[support::mov(0, 0), support::exit()], std::slice::from_ref(spec));
    machine.map(0).expect("the map").clone()
}

/// Runs a function in four threads until the time is over; each gets its number and random numbers.
fn threads(each: impl Fn(u64, u64) + Sync) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (over, each) = (&over, &each);
            scope.spawn(move || {
                let mut random = thread + 1;
                while !over.load(Ordering::Relaxed) {
                    for _ in 0..256 {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        each(thread, random);
                    }
                }
            });
        }
        let began = Instant::now();
        while began.elapsed() < seconds() {
            std::thread::sleep(Duration::from_millis(20));
        }
        over.store(true, Ordering::Relaxed);
    });
}

/// A key of so many bytes.
fn key(n: u64, len: usize) -> Vec<u8> {
    n.to_le_bytes().iter().copied().cycle().take(len).collect()
}

/// A value that says whose it is.
fn value(n: u64) -> Vec<u8> {
    [n.to_le_bytes(), (!n).to_le_bytes(), n.to_le_bytes()].concat()
}

/// Keys that stay are always found, no value is another key's, no more keys are there than there may be.
fn keys_are_kept(map_type: MapType, key_size: usize) {
    const STAY: u64 = 40;
    const COME_AND_GO: u64 = 24;
    let map = map(&support::spec(map_type, key_size as u32, 24, 64));
    let key = |n: u64| key(n.swap_bytes() >> 32 | n, key_size);
    (0..STAY).for_each(|n| map.update(&key(n), &value(n), 0).expect("room"));
    let looked = AtomicU64::new(0);
    threads(|_, random| {
        let n = random >> 8;
        match random & 7 {
            0 => {
                let n = STAY + n % COME_AND_GO;
                assert!(matches!(map.delete(&key(n)), Ok(()) | Err(MapError::Absent)));
            }
            1 | 2 => {
                let n = STAY + n % COME_AND_GO;
                assert_eq!(map.update(&key(n), &value(n), 0), Ok(()), "as many keys as there may be");
            }
            3 => {
                let n = n % STAY;
                assert_eq!(map.update(&key(n), &value(n), 2), Ok(()), "{n} stays");
            }
            _ => {
                let n = n % (STAY + COME_AND_GO);
                match map.lookup(&key(n)) {
                    Some(found) => assert_eq!(found, value(n), "the value of {n}"),
                    None => assert!(n >= STAY, "{n} stays"),
                }
                looked.fetch_add(1, Ordering::Relaxed);
            }
        }
        if random >> 50 == 0 {
            assert!(map.entries().len() as u64 <= STAY + COME_AND_GO);
        }
    });
    let entries = map.entries();
    assert!((0..STAY).all(|n| entries.iter().any(|(there, _)| *there == key(n))));
    assert!(looked.load(Ordering::Relaxed) > 1000);
}

#[test]
fn hashes_of_short_keys_lose_none() {
    keys_are_kept(MapType::Hash, 4);
}

#[test]
fn hashes_of_words_lose_none() {
    keys_are_kept(MapType::Hash, 8);
}

#[test]
fn hashes_of_long_keys_lose_none() {
    keys_are_kept(MapType::Hash, 20);
}

#[test]
fn a_hash_that_evicts_is_never_full_and_never_mixes_values() {
    let map = map(&support::spec(MapType::LruHash, 16, 24, 64));
    threads(|_, random| {
        let n = (random >> 8) % 200;
        match random & 3 {
            0 => assert_eq!(map.update(&key(n, 16), &value(n), 0), Ok(())),
            1 => assert!(matches!(map.delete(&key(n, 16)), Ok(()) | Err(MapError::Absent))),
            _ => assert!(map.lookup(&key(n, 16)).is_none_or(|found| found == value(n))),
        }
    });
    assert!(map.entries().len() <= 64);
}

#[test]
fn what_goes_into_a_queue_or_stack_comes_out_once() {
    for map_type in [MapType::Queue, MapType::Stack] {
        let map = map(&support::spec(map_type, 0, 8, 32));
        let (put, taken) = (AtomicU64::new(0), AtomicU64::new(0));
        threads(|thread, random| {
            if random & 1 == 0 {
                let n = random >> 16 << 2 | thread;
                match map.push(&n.to_le_bytes(), 0) {
                    Ok(()) => _ = put.fetch_add(n, Ordering::Relaxed),
                    Err(why) => assert_eq!(why, MapError::Full),
                }
            } else if let Ok(value) = map.pop() {
                taken.fetch_add(u64::from_le_bytes(value.try_into().expect("8 bytes")), Ordering::Relaxed);
            }
        });
        while let Ok(value) = map.pop() {
            taken.fetch_add(u64::from_le_bytes(value.try_into().expect("8 bytes")), Ordering::Relaxed);
        }
        assert_eq!(put.load(Ordering::Relaxed), taken.load(Ordering::Relaxed), "{map_type}");
    }
}

#[test]
fn prefixes_that_stay_are_found_while_longer_ones_come_and_go() {
    let map = map(&support::spec(MapType::LpmTrie, 8, 8, 512));
    let prefix = |len: u32, ip: u32| [len.to_le_bytes(), ip.to_be_bytes()].concat();
    (0..=255).for_each(|n| map.update(&prefix(8, n << 24), &u64::from(n).to_le_bytes(), 0).expect("room"));
    threads(|_, random| {
        let ip = (random >> 8) as u32;
        let long = prefix(24, ip & 0xff00_0700);
        match random & 3 {
            0 => _ = map.update(&long, &u64::from(ip >> 24).to_le_bytes(), 0),
            1 => _ = map.delete(&long),
            _ => assert_eq!(map.lookup(&prefix(32, ip)), Some(u64::from(ip >> 24).to_le_bytes().to_vec())),
        }
    });
}
