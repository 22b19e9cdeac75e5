//! What people complain about in other loaders, and what skep says in its place. Needs root and clang 19.
#![cfg(all(target_os = "linux", feature = "kernel-tests"))]

mod host;

use host::compile;
use skep_diag::{Diagnostic, Style};
use skep_kernel::{Error, Options, Verdict, load, load_one};

/// A program of these lines, and what stands before it.
fn source(before: &str, lines: &str) -> String {
    let head = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n";
    let tail = "char LICENSE[] SEC(\"license\") = \"GPL\";\n";
    format!("{head}{before}\nSEC(\"xdp\")\nint program(struct xdp_md *ctx)\n{{\n{lines}\n}}\n{tail}")
}

fn refused(name: &str, before: &str, lines: &str) -> (Diagnostic, String) {
    let object = compile(name, &source(before, lines));
    match load(&object, &Options { counting: false, ..Options::default() }).expect_err("refused") {
        Error::Rejected { diagnostic, log } => (*diagnostic, log),
        other => panic!("{other}"),
    }
}

/// "Verifier output truncated": the last word is at the end of what may be megabytes.
#[test]
fn a_log_of_megabytes_is_kept_whole_with_its_last_word() {
    let before = "__u64 seen[8];";
    // Each round depends on the one before, so that the verifier walks them all; the last goes too far.
    let lines = "__u64 sum = ctx->ingress_ifindex;\nfor (int i = 0; i < 3000; i++) {\n\
        if (sum & 1) sum = sum * 3 + i; else sum += 7;\nasm volatile(\"\" : \"+r\"(sum));\n}\nseen[sum] = 1;\nreturn 2;";
    let (diagnostic, log) = refused("long_log", before, lines);
    assert!(log.len() > 200_000, "{} bytes", log.len());
    assert!(log.starts_with("0: ") && log.contains("\nprocessed "), "it has a beginning and an end");
    let text = diagnostic.render(Style::Plain);
    assert!(text.contains("seen[sum] = 1;"), "{text}");
    assert!(text.contains("bound the number") || text.contains("bound"), "{text}");
}

/// A walk of a million instructions has no place in any log; what it came to has.
#[test]
fn a_walk_that_no_log_can_hold_still_says_why() {
    let lines = "__u64 sum = ctx->ingress_ifindex;\nfor (int i = 0; i < 2000000; i++) {\n\
        sum = sum * 3 + i;\nasm volatile(\"\" : \"+r\"(sum));\n}\nreturn sum & 1;";
    let (diagnostic, log) = refused("too_long", "", lines);
    let text = diagnostic.render(Style::Plain);
    assert!(text.contains("BPF program is too large") || text.contains("too complex"), "{text}");
    assert!(text.contains("shorten or bound the loops") || text.contains("split the program"), "{text}");
    assert!(log.contains("processed 1000001 insns"), "{log}");
}

/// "aya: global functions rejected": a function that is not static is checked on its own.
#[test]
fn a_global_function_that_returns_a_pointer_is_explained() {
    let before = "__attribute__((noinline)) void *place(struct xdp_md *ctx)\n{\n\tvoid *p = ctx;\n\
        \tasm volatile(\"\" : \"+r\"(p));\n\treturn p;\n}";
    let (diagnostic, _) = refused("global_pointer", before, "return place(ctx) != 0;");
    let text = diagnostic.render(Style::Plain);
    assert!(text.contains("doesn't return scalar"), "{text}");
    assert!(text.contains("let a function that is not static return a number"), "{text}");
}

/// The same for an argument that is checked without its caller.
#[test]
fn an_argument_of_a_global_function_that_may_be_null_is_explained() {
    let before = "__attribute__((noinline)) int first(int *values)\n{\n\treturn values[0];\n}";
    let (diagnostic, _) = refused("global_null", before, "int values[2] = {1, 2};\nreturn first(values);");
    let text = diagnostic.render(Style::Plain);
    assert!(text.contains("return values[0];"), "{text}");
    assert!(text.contains("compare it with 0 before it is used"), "{text}");
}

/// "Complexity changes between kernels": what it took is told of what is accepted, and of what is not.
#[test]
fn the_work_of_the_verifier_is_told_beside_its_verdict() {
    let lines = "__u64 sum = ctx->ingress_ifindex;\nfor (int i = 0; i < 300; i++)\nsum += i;\nreturn sum & 1;";
    let checked = load_one(&compile("work", &source("", lines)), 0, &Default::default()).expect("there");
    assert_eq!(checked.verdict, Verdict::Accept);
    assert!(checked.processed.is_some_and(|n| n > 1) && checked.states.is_some() && checked.time_us.is_some());
    assert!(checked.log.contains("limit 1000000"), "{}", checked.log);
}
