//! Objects linked into one: what is read of the result is what the parts say.

mod described;

use std::path::{Path, PathBuf};

use described::{Depth, difference};
use skep_object::{Object, link};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every object that is committed.
fn committed() -> Vec<PathBuf> {
    let list =
        |folder: PathBuf| std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let examples = list(root().join("examples")).filter(|path| path.is_dir()).flat_map(list);
    let tests = ["tests/programs", "tests/data/object"].into_iter().flat_map(|folder| list(root().join(folder)));
    let mut objects: Vec<_> = examples.chain(tests).filter(|p| p.extension().is_some_and(|e| e == "o")).collect();
    objects.sort();
    objects
}

/// Why an object linked alone is not what it was.
fn changed(name: &str, bytes: &[u8]) -> Option<String> {
    let before = match Object::parse(name, bytes) {
        Ok(object) => object,
        // What cannot be read needs not be linked.
        Err(_) => return None,
    };
    let linked = match link(&[(name, bytes)]) {
        Ok(linked) => linked,
        Err(error) => return Some(format!("{name}: {error}")),
    };
    match Object::parse(name, &linked) {
        Ok(after) => difference(&before, &after, Depth::Whole).map(|difference| format!("{name}: {difference}")),
        Err(error) => Some(format!("{name}: {error}")),
    }
}

#[test]
fn an_object_linked_alone_is_what_it_was() {
    let objects = committed();
    assert!(objects.len() >= 40, "{}", objects.len());
    let changed: Vec<String> = objects
        .iter()
        .filter_map(|path| changed(&path.display().to_string(), &std::fs::read(path).expect("an object")))
        .collect();
    assert!(changed.is_empty(), "{}", changed.join("\n\n"));
}
#[test]
fn tmp_corpus() {
    let mut n = 0;
    let mut bad = 0;
    let mut unread = 0;
    for folder in std::env::var("CORP").unwrap().split(',') {
        let mut stack = vec![PathBuf::from(folder)];
        while let Some(f) = stack.pop() {
            for e in std::fs::read_dir(f).unwrap() {
                let p = e.unwrap().path();
                if p.is_dir() {
                    stack.push(p);
                    continue;
                }
                if p.extension().is_none_or(|e| e != "o") {
                    continue;
                }
                let bytes = std::fs::read(&p).unwrap();
                n += 1;
                if Object::parse("x.o", &bytes).is_err() {
                    unread += 1;
                }
                if let Some(c) = changed(&p.display().to_string(), &bytes) {
                    bad += 1;
                    eprintln!("{c}\n");
                }
            }
        }
    }
    eprintln!("{n} objects, {unread} unread, {bad} changed");
}
#[test]
fn tmp_pairs() {
    use std::process::Command;
    let list = std::fs::read_to_string(std::env::var("PAIRS").unwrap()).unwrap();
    let mut unread = 0;
    let (mut both, mut neither, mut diff, mut ours, mut theirs) = (0, 0, 0, 0, 0);
    for line in list.lines() {
        let files: Vec<&str> = line.split_whitespace().collect();
        let bytes: Vec<Vec<u8>> = files.iter().map(|f| std::fs::read(f).unwrap()).collect();
        let inputs: Vec<(&str, &[u8])> = files.iter().zip(&bytes).map(|(f, b)| (*f, &b[..])).collect();
        let out = format!("/tmp/lkout-{}.o", std::process::id());
        let done = Command::new("bpftool").args(["gen", "object", &out]).args(&files).output().unwrap();
        let we = link(&inputs);
        let text = String::from_utf8_lossy(&done.stderr).lines().next().unwrap_or("").to_owned();
        let short: Vec<&str> = files.iter().map(|f| f.rsplit('/').next().unwrap()).collect();
        match (done.status.success(), we) {
            (true, Ok(we)) => {
                let they = std::fs::read(&out).unwrap();
                let (a, b) = (Object::parse("x.o", &we), Object::parse("x.o", &they));
                match (a, b) {
                    (Ok(a), Ok(b)) => {
                        both += 1;
                        if let Some(d) = difference(&a, &b, Depth::Names) {
                            diff += 1;
                            eprintln!("DIFF {short:?}\n{d}");
                        }
                    }
                    (Err(a), Err(b)) => {
                        unread += 1;
                        if a != b {
                            diff += 1;
                            eprintln!("DIFFERR {short:?}\n{a}\n{b}");
                        }
                        both += 1;
                    }
                    (Err(a), _) => {
                        diff += 1;
                        eprintln!("OURS UNREADABLE {short:?} {a}");
                    }
                    (_, Err(b)) => {
                        eprintln!("THEIRS UNREADABLE {short:?} {b}");
                    }
                }
            }
            (false, Err(e)) => {
                neither += 1;
                if std::env::var("BOTH").is_ok() {
                    eprintln!(
                        "BOTH {short:?}: {} || {text}",
                        e.to_string().lines().take(4).collect::<Vec<_>>().join(" / ")
                    );
                }
            }
            (true, Err(e)) => {
                theirs += 1;
                eprintln!("ONLY THEY {short:?}: {e}");
            }
            (false, Ok(_)) => {
                ours += 1;
                eprintln!("ONLY WE {short:?}: {text}");
            }
        }
    }
    eprintln!(
        "{both} both ({diff} differ, {unread} unread), {neither} neither, {ours} only ours, {theirs} only theirs"
    );
}
