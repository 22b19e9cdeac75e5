//! The page `tests/data/asm/errors.md`: each block of assembly on it is refused with the messages below it.

use std::path::Path;

use skep_isa::asm;

/// The page with the messages that the assembler gives now, and how many blocks it has.
fn told(page: &str) -> (String, usize) {
    let mut out = String::new();
    let (mut source, mut messages, mut count) = (None::<String>, None::<String>, 0);
    for line in page.split_inclusive('\n') {
        match (line.trim_end(), &mut source, &messages) {
            ("```asm", ..) => source = Some(String::new()),
            ("```", Some(text), None) => {
                let errors = asm::assemble("wrong.s", text).expect_err(text);
                messages = Some(errors.iter().map(|e| format!("{e}\n")).collect());
                source = None;
                count += 1;
            }
            ("```text", ..) => {
                out.push_str(line);
                out.push_str(messages.as_deref().expect("assembly stands before its messages"));
                continue;
            }
            // The old messages are left out.
            (end, None, Some(_)) if end != "```" && !end.is_empty() => continue,
            ("```", None, Some(_)) => messages = None,
            (_, Some(text), _) => text.push_str(line),
            _ => {}
        }
        out.push_str(line);
    }
    (out, count)
}

#[test]
fn wrong_assembly_is_refused_with_the_operand_marked_and_what_was_expected() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/asm/errors.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (now, count) = told(&page);
    assert!(count >= 40, "{count}");
    if std::env::var_os("SKEP_BLESS").is_some() {
        std::fs::write(&path, &now).expect("the page can be written");
    } else {
        assert_eq!(now, page, "SKEP_BLESS=1 writes it anew");
    }
}
