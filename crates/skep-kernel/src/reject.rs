//! From the verifier's log to a diagnostic: what it said last, where it stopped, and what to change.

use skep_btf::core::Missing;
use skep_diag::{Diagnostic, code};
use skep_isa::spec::core_kind::POISON;
use skep_object::{Poisoned, ProgramSpec};

/// What to try, by a part of the verifier's message. The first row that fits is taken.
#[rustfmt::skip]
const ADVICE: &[(&str, &str)] = &[
    ("_or_null'", "the value may be null: compare it with 0 before it is used"),
    ("invalid access to packet", "compare the end of what is read with `data_end` first, on every path"),
    ("outside of the packet", "compare the end of what is read with `data_end` first, on every path"),
    ("infinite loop detected", "let the loop's condition depend on a counter that changes and has a fixed bound"),
    ("back-edge", "this kernel accepts no loops here: unroll it, or give it a fixed bound"),
    ("BPF program is too large", "shorten or bound the loops: the verifier walks every iteration"),
    ("too complex", "split the program into functions, or bound its loops more tightly"),
    ("cannot call GPL-restricted function", "declare a GPL-compatible licence: `char LICENSE[] SEC(\"license\") = \"GPL\";`"),
    ("cannot call GPL", "declare a GPL-compatible licence: `char LICENSE[] SEC(\"license\") = \"GPL\";`"),
    ("unknown func", "programs of this type may not call this helper, or this kernel does not have it"),
    ("program of this type cannot use helper", "use a helper that this program type allows"),
    ("helper call is not allowed", "use a helper that this program type allows"),
    ("invalid read from stack", "give the variable a value on every path before it is read, padding included"),
    ("invalid indirect read from stack", "zero the whole structure before it is passed on, padding included"),
    ("invalid indirect access to stack", "zero the whole structure before it is passed on, padding included"),
    ("R0 !read_ok", "return a value on every path"),
    ("!read_ok", "give the register a value on every path before it is read; calls clear r1 to r5"),
    ("unreachable insn", "remove the code that nothing leads to"),
    ("combined stack size", "keep large variables in a map: a program and all it calls have 512 bytes of stack"),
    ("invalid write to stack", "keep large variables in a map: a function has 512 bytes of stack"),
    ("invalid access to map value", "compare the offset with the value's size first"),
    ("min value is negative", "make the number unsigned, or compare it with 0 first"),
    ("unbounded memory access", "compare the number with its upper bound first"),
    ("unbounded min value", "compare the number with its bounds before it becomes part of an address"),
    ("Unreleased reference", "release it on every path (for a ring buffer: submit or discard)"),
    ("invalid bpf_context access", "read only fields that this program type's context has, with their own size"),
    ("misaligned", "read it in smaller pieces, or copy it to the stack first"),
    ("math between", "do arithmetic only on numbers or on pointers that allow it, not on this pointer"),
    ("At program exit the register R0", "return only the values that this program type allows"),
    ("leaks addr", "store a number, not an address"),
    ("invalid mem access 'scalar'", "this is a number, not an address: read kernel memory with `bpf_probe_read_kernel`"),
    ("invalid mem access 'inv'", "this is a number, not an address: read kernel memory with `bpf_probe_read_kernel`"),
    ("doesn't return scalar", "let a function that is not static return a number: the verifier checks it on its own"),
    ("Caller passes invalid args into", "make the function static, or tag its arguments (`__arg_ctx`, `__arg_nonnull`): a global one is checked on its own"),
    ("would lead to reference leak", "release what was acquired on every path that leads out (for a ring buffer: submit or discard)"),
    ("must be held for", "take the lock that stands beside it in the same value, with `bpf_spin_lock`, before this call"),
    ("bpf_spin_unlock of different lock", "unlock the lock that was taken: of the same lookup, not of another"),
    ("while holding a lock", "call `bpf_spin_unlock` first: under a lock only a few functions may be called"),
    ("outside of the allowed memory range", "bound the number before it becomes part of an address, as in `if (i >= MAX) return 0;`"),
    ("outside of the array range", "bound the index before it is used, as in `if (i >= MAX) return 0;`"),
    ("invalid zero-sized read", "check that the length is not 0 before the call"),
    ("Possibly NULL pointer passed", "the pointer may be null: compare it with 0 before the call"),
    ("Expected an initialized dynptr", "make the dynptr first (`bpf_dynptr_from_mem`, `bpf_ringbuf_reserve_dynptr`), in the same function"),
    ("uninitialized dynptr", "give a dynptr that was not yet made, or was released"),
    ("cannot overwrite referenced dynptr", "submit or discard the dynptr before its memory is used for something else"),
    ("expected an initialized iter_", "call the iterator's `_new` first, and `_destroy` last, with the same variable"),
    ("tracing progs cannot use", "use a map without it: what interrupts anything may not wait for locks or timers"),
    ("subtract pointer from scalar", "subtract numbers from pointers, not pointers from numbers"),
    ("div by zero", "divide by a number that is not 0"),
    ("dereference of modified ctx", "read the context at the fixed offset of a field, through the unchanged pointer"),
    ("variable ctx access", "read the context at the fixed offset of a field, through the unchanged pointer"),
    ("negative offset ctx", "read the context at the fixed offset of a field, through the unchanged pointer"),
    ("write into map forbidden", "the map is read-only for programs: variables of `.rodata` are set before the program is loaded"),
    ("must be referenced when passed to release", "release what an acquiring call returned, and once"),
    ("must be referenced or trusted", "get the pointer from an acquiring call, or from an argument of the hook itself"),
    ("must be a rcu pointer", "read the pointer between `bpf_rcu_read_lock` and `bpf_rcu_read_unlock`"),
    ("same insn cannot be used with different pointers", "do the access in each branch of its own, with the pointer of that branch"),
    ("pointer arithmetic on", "do arithmetic only on numbers or on pointers that allow it; check a pointer for null first"),
    ("preempt_disable-ed region", "call `bpf_preempt_enable` on every path"),
    ("rcu_read_lock-ed region", "call `bpf_rcu_read_unlock` on every path, and do not throw inside"),
    ("cannot pass map_type", "use the helper that fits the map's type; `skep explain map TYPE` lists them"),
    ("expected=", "pass an argument of the kind the function wants; `skep explain helper NAME` says which"),
    ("last insn is not an exit or jmp", "end every function with `return`"),
    ("jump out of range", "let every jump end inside its function"),
];

/// What the log says.
#[derive(Debug, PartialEq, Eq)]
struct Verdict<'a> {
    /// The verifier's last message.
    message: &'a str,
    /// What it said just before.
    before: Option<&'a str>,
    /// The instruction it stopped at.
    slot: Option<usize>,
    /// That instruction's text.
    insn: Option<&'a str>,
}

/// The verifier's message, `None` when the log holds no verdict (the refusal came from elsewhere).
pub(crate) fn message(log: &str) -> Option<&str> {
    verdict(log).map(|v| v.message)
}

/// Instructions whose relocations have no value on this kernel.
pub(crate) struct Poison<'p> {
    /// The instructions.
    pub(crate) slots: &'p [Poisoned],
    /// Names of this kernel that are near what is missing.
    pub(crate) near: &'p dyn Fn(&Missing) -> Vec<String>,
}

/// A diagnostic for a rejected program. `string` reads the object's BTF strings, for line information.
pub(crate) fn diagnose<'a>(
    spec: &ProgramSpec,
    string: impl Fn(u32) -> Option<&'a str>,
    log: &str,
    poison: &Poison<'_>,
) -> Option<Diagnostic> {
    let verdict = verdict(log)?;
    if verdict.message.ends_with(&format!("#{POISON}"))
        && let Some(slot) = verdict.slot
        && let Some(poisoned) = poison.slots.iter().find(|p| p.slot as usize == slot)
    {
        let near = (poison.near)(&poisoned.missing);
        return Some(poisoned.diagnostic(spec, string, &near, "the verifier found a path that leads there"));
    }
    let title = format!("the kernel rejected `{}`: {}", spec.name, verdict.message);
    let mut d = Diagnostic::error(code::REJECTED, title);
    let line = verdict.slot.and_then(|slot| spec.line_at(slot));
    if let Some(snippet) = verdict.slot.and_then(|slot| spec.source(slot, &string, "the verifier stopped here")) {
        d = d.snippet(snippet);
    }
    if let Some(slot) = verdict.slot {
        let insn = verdict.insn.map(|text| format!(": {text}")).unwrap_or_default();
        let func = spec.func_at(slot).filter(|f| f.name != spec.name);
        let func = func.map(|f| format!(" in `{}`", f.name)).unwrap_or_default();
        let place = line.filter(|_| d.snippets.is_empty()).and_then(|line| {
            string(line.file_off).filter(|f| !f.is_empty()).map(|file| format!(" ({file}:{})", line.line))
        });
        d = d.note(format!("instruction {slot}{func}{}{insn}", place.unwrap_or_default()));
    }
    d = d.note(format!("the verifier says: {}", verdict.message));
    if let Some(before) = verdict.before {
        d = d.note(format!("and just before: {before}"));
    }
    let advice = |said: &str| ADVICE.iter().find(|(part, _)| said.contains(part));
    if let Some((_, advice)) = verdict.before.and_then(advice).or_else(|| advice(verdict.message)) {
        d = d.help(*advice);
    }
    Some(d)
}

fn verdict(log: &str) -> Option<Verdict<'_>> {
    let (mut message, mut before) = (None, None);
    let mut at = None;
    for line in log.lines().map(str::trim) {
        if let Some(insn) = insn_line(line) {
            at = Some(insn);
            // What was said before this instruction was not the reason to stop.
            (message, before) = (None, None);
        } else if !is_narration(line) {
            // Some messages end without a line's end, and the statistics go on behind them.
            before = message;
            message = Some(line.split("verification time ").next().unwrap_or(line));
        }
    }
    let message = message?;
    let slot = at.map(|(slot, _)| slot).or_else(|| named_insn(message));
    Some(Verdict { message, before, slot, insn: at.map(|(_, text)| text) })
}

/// `12: (79) r1 = *(u64 *)(r0 +0)   ; R0=…` as slot and text.
fn insn_line(line: &str) -> Option<(usize, &str)> {
    let (slot, rest) = line.split_once(": (")?;
    let (opcode, text) = rest.split_once(") ")?;
    if opcode.len() != 2 || !opcode.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let text = text.split_once(" ;").map_or(text, |(text, _)| text);
    Some((slot.parse().ok()?, text.trim()))
}

/// `… insn 12 …`: checks before the walk name the instruction in the message.
fn named_insn(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("insn ")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..digits)?.parse().ok()
}

/// Lines that tell of the walk, not of its end.
fn is_narration(line: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        ";",
        "processed ",
        "verification time",
        "stack depth",
        "mark_precise",
        "from ",
        "func#",
        "Func#",
        "Validating ",
        "caller:",
        "callee:",
        "returning from callee",
        "to caller at",
        "last_idx",
        "regs=",
        "parent ",
        "propagating",
        "Live regs",
        "cur state:",
        "old state:",
        "max_states",
    ];
    let state =
        line.split_once(':').is_some_and(|(slot, _)| !slot.is_empty() && slot.bytes().all(|b| b.is_ascii_digit()));
    let registers = line.split_once('=').is_some_and(|(name, _)| {
        name.strip_prefix('R').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()) && !n.contains(' '))
    });
    // `frame1: R1=…`, but not `frame pointer is read only`.
    let frame = line.strip_prefix("frame").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    line.is_empty() || state || registers || frame || BEGINNINGS.iter().any(|b| line.starts_with(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_diag::Style;
    use skep_object::{FuncInfo, LineInfo};

    const NONE: Poison<'_> = Poison { slots: &[], near: &|_| Vec::new() };

    const LOG: &str = "\
0: R1=ctx() R10=fp0
; __u64 *v = bpf_map_lookup_elem(&m, &k); @ count.bpf.c:9
3: (85) call bpf_map_lookup_elem#1    ; R0_w=map_value_or_null(id=1,map=m,ks=4,vs=8)
; *v += 1; @ count.bpf.c:10
4: (79) r1 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 5 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
";

    fn spec(lines: Vec<LineInfo>) -> ProgramSpec {
        ProgramSpec {
            name: "count".into(),
            section: "xdp".into(),
            kind: None,
            hook: None,
            code: vec![],
            relocs: vec![],
            funcs: vec![FuncInfo { slot: 0, name: "count".into(), type_id: None }],
            lines,
        }
    }

    #[test]
    fn a_rejection_shows_the_source_line_the_reason_and_what_to_try() {
        let line = |slot, text_off, line| LineInfo { slot, file_off: 1, text_off, line, column: 1 };
        let strings = |at| match at {
            1 => Some("count.bpf.c"),
            2 => Some("\t*v += 1;"),
            _ => Some("\t__u64 *v = bpf_map_lookup_elem(&m, &k);"),
        };
        let d = diagnose(&spec(vec![line(0, 3, 9), line(4, 2, 10)]), strings, LOG, &NONE).expect("a verdict");
        let expected = "\
error[K0001]: the kernel rejected `count`: R0 invalid mem access 'map_value_or_null'
  --> count.bpf.c:10:2
   |
10 |     *v += 1;
   |     ^^^^^^^^ the verifier stopped here
   |
   = note: instruction 4: r1 = *(u64 *)(r0 +0)
   = note: the verifier says: R0 invalid mem access 'map_value_or_null'
   = help: the value may be null: compare it with 0 before it is used";
        assert_eq!(d.render(Style::Plain), expected);
    }

    #[test]
    fn without_line_information_the_instruction_is_shown() {
        let d = diagnose(&spec(vec![]), |_| None, LOG, &NONE).expect("a verdict");
        assert!(d.snippets.is_empty());
        assert_eq!(d.notes.first().map(String::as_str), Some("instruction 4: r1 = *(u64 *)(r0 +0)"));
    }

    #[test]
    fn a_line_whose_text_is_not_recorded_is_named() {
        let line = LineInfo { slot: 0, file_off: 1, text_off: 0, line: 10, column: 1 };
        let d = diagnose(&spec(vec![line]), |at| Some(if at == 1 { "count.bpf.c" } else { "" }), LOG, &NONE);
        let d = d.expect("a verdict");
        assert_eq!(d.notes.first().map(String::as_str), Some("instruction 4 (count.bpf.c:10): r1 = *(u64 *)(r0 +0)"));
    }

    #[test]
    fn an_instruction_named_in_the_message_is_found() {
        let v = verdict("unreachable insn 3\nprocessed 0 insns (limit 1000000)\n").expect("a verdict");
        assert_eq!((v.message, v.slot, v.insn), ("unreachable insn 3", Some(3), None));
    }

    #[test]
    fn statistics_behind_a_message_do_not_belong_to_it() {
        let log = "insn 3 cannot call exception cb directlyverification time 90 usec\nprocessed 0 insns\n";
        assert_eq!(message(log), Some("insn 3 cannot call exception cb directly"));
    }

    #[test]
    fn the_states_of_an_endless_loop_are_not_the_message() {
        let log = "1: (05) goto pc-1\n1: (05) goto pc-1\ninfinite loop detected at insn 1\n\
            cur state: R1=ctx() R10=fp0\nold state: R1=ctx() R10=fp0\nprocessed 3 insns (limit 1000000)\n";
        assert_eq!(message(log), Some("infinite loop detected at insn 1"));
    }

    #[test]
    fn a_message_may_begin_as_states_do() {
        let log = "0: (bf) r10 = r1\nframe1: R6=scalar()\nframe pointer is read only\nprocessed 1 insns\n";
        assert_eq!(message(log), Some("frame pointer is read only"));
    }

    #[test]
    fn a_log_without_a_verdict_is_none() {
        assert_eq!(message(""), None);
        assert_eq!(message("processed 0 insns (limit 1000000) max_states_per_insn 0\n"), None);
        assert_eq!(message("0: R1=ctx() R10=fp0\n0: (b7) r0 = 0   ; R0=0\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_log_does_no_harm(log in "([0-9]{1,3}: \\([0-9a-f]{2}\\) |insn |;|=|R[0-9]|\n|.){0,60}") {
            let _ = diagnose(&spec(vec![]), |_| None, &log, &NONE);
        }
    }
}
