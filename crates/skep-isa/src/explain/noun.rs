//! The nouns of `skep explain`: what kinds of rows there are, how they are spelled, where their pages come from.

use super::{Page, attach, classic, ctx, helper, insn, map, plain, prog, section};

/// A kind of thing that can be explained.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[allow(missing_docs, reason = "the row says what each is")]
pub enum Noun {
    Helper,
    Prog,
    Attach,
    Section,
    Insn,
    Kfunc,
    Hook,
    Link,
    Command,
    Limit,
    Licence,
    Code,
    Ctx,
    Classic,
    Seccomp,
    Map,
    MapFlag,
    Core,
    Btf,
}

/// One row of [`NOUNS`].
pub struct Row {
    /// The noun.
    pub noun: Noun,
    /// Its spellings, ours first.
    pub spellings: &'static [&'static str],
    /// What its rows are, in the plural.
    pub what: &'static str,
    /// All its pages.
    pub pages: fn() -> Vec<Page>,
}

const fn row(noun: Noun, spellings: &'static [&'static str], what: &'static str, pages: fn() -> Vec<Page>) -> Row {
    Row { noun, spellings, what, pages }
}

/// All nouns, in the order of [`Noun`].
#[rustfmt::skip]
pub static NOUNS: &[Row] = &[
    row(Noun::Helper, &["helper", "func"], "helpers", helper::pages),
    row(Noun::Prog, &["prog", "program", "prog_type"], "program types", prog::pages),
    row(Noun::Attach, &["attach", "attach_type"], "attach types", attach::pages),
    row(Noun::Section, &["section", "sec"], "section names", section::pages),
    row(Noun::Insn, &["insn", "instruction", "opcode"], "instructions", insn::pages),
    row(Noun::Kfunc, &["kfunc"], "kfunc rules", plain::kfunc_rules),
    row(Noun::Hook, &["hook"], "hooks", plain::hooks),
    row(Noun::Link, &["link", "link_type"], "link types", plain::links),
    row(Noun::Command, &["command", "cmd"], "bpf commands", plain::commands),
    row(Noun::Limit, &["limit"], "limits", plain::limits),
    row(Noun::Licence, &["licence", "license"], "licences", plain::licences),
    row(Noun::Code, &["code"], "message codes", plain::codes),
    row(Noun::Ctx, &["ctx", "context"], "contexts", ctx::pages),
    row(Noun::Classic, &["classic", "cbpf"], "classic instructions", classic::pages),
    row(Noun::Seccomp, &["seccomp", "action"], "seccomp actions", classic::actions),
    row(Noun::Map, &["map", "map_type"], "map types", map::pages),
    row(Noun::MapFlag, &["mapflag", "map_flag"], "map flags", map::flags),
    row(Noun::Core, &["core", "relocation", "relo"], "relocation kinds", plain::cores),
    row(Noun::Btf, &["btf", "btf_feature"], "btf features", plain::btf),
];

impl Noun {
    /// Its row.
    pub fn row(self) -> &'static Row {
        &NOUNS[self as usize]
    }

    /// Our own spelling.
    pub fn name(self) -> &'static str {
        self.row().spellings.first().copied().unwrap_or_default()
    }

    /// The noun spelled so, upper and lower case and the plural alike.
    pub fn from_name(name: &str) -> Option<Noun> {
        let singular = name.strip_suffix('s').unwrap_or(name);
        let same = |s: &str| s.eq_ignore_ascii_case(name) || s.eq_ignore_ascii_case(singular);
        NOUNS.iter().find(|row| row.spellings.iter().any(|s| same(s))).map(|row| row.noun)
    }
}

impl std::fmt::Display for Noun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}
