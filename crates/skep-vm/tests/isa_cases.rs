//! The cases of `tests/data/isa` on the interpreter.

#[path = "support/cases.rs"]
mod cases;

use skep_vm::Routine;

#[test]
fn every_case_ends_with_its_result() {
    let cases = cases::all();
    assert!(cases.len() >= 400, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let mut routine =
            Routine::of_code(case.code.clone(), Vec::new()).unwrap_or_else(|e| panic!("{}: {e}", case.place));
        let result = routine.run(&mut case.memory.clone());
        if result != Ok(case.result) {
            wrong.push(format!("{}: {} gives {result:x?}, not {:#x}", case.place, case.text, case.result));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
