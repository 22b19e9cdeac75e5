//! `skep feature`: what this kernel can do, found out by trying.

use crate::args::Feature;
use crate::failure::Failure;

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_args: &Feature) -> Result<(), Failure> {
    Err(super::no_kernel())
}

#[cfg(target_os = "linux")]
pub(crate) fn run(args: &Feature) -> Result<(), Failure> {
    linux::run(args.json)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use skep_kernel::feature::{self, Answer};

    use crate::command::{print_json, print_table};
    use crate::failure::Failure;
    use crate::table;

    /// bpftool's names; a probe that gave no answer is `null`.
    #[derive(Serialize)]
    struct Features {
        schema: u32,
        system_config: BTreeMap<&'static str, Option<String>>,
        program_types: BTreeMap<String, Option<bool>>,
        map_types: BTreeMap<String, Option<bool>>,
    }

    pub(super) fn run(json: bool) -> Result<(), Failure> {
        // Without privilege every probe would say no, which would be a lie about the kernel.
        skep_kernel::Program::ids()?;
        let programs = feature::program_types();
        let maps = feature::map_types();
        let facts = feature::facts();
        if json {
            return print_json(&Features {
                schema: 1,
                system_config: facts.into_iter().map(|f| (f.name, f.value)).collect(),
                program_types: programs.iter().map(|(t, a)| (format!("have_{t}_prog_type"), known(a))).collect(),
                map_types: maps.iter().map(|(t, a)| (format!("have_{t}_map_type"), known(a))).collect(),
            });
        }
        let mut rows = table::new(["what", "name", "here", "since", "why"].map(str::to_owned));
        for fact in &facts {
            let value = fact.value.clone().unwrap_or_else(|| "not told".to_owned());
            rows.add_row(["system", fact.name, &value, "", ""].map(str::to_owned));
        }
        for (t, answer) in &programs {
            row(&mut rows, "program type", t.name(), &t.row().since.to_string(), answer);
        }
        for (t, answer) in &maps {
            row(&mut rows, "map type", t.name(), &t.row().since.to_string(), answer);
        }
        print_table(&rows, facts.len() + programs.len() + maps.len(), "features")
    }

    fn row(rows: &mut comfy_table::Table, what: &str, name: &str, since: &str, answer: &Answer) {
        let (here, why) = match answer {
            Answer::Yes => ("yes", ""),
            Answer::No(why) => ("no", why.as_str()),
            Answer::Unknown(why) => ("unknown", why.as_str()),
        };
        rows.add_row([what, name, here, since, why].map(str::to_owned));
    }

    fn known(answer: &Answer) -> Option<bool> {
        match answer {
            Answer::Yes => Some(true),
            Answer::No(_) => Some(false),
            Answer::Unknown(_) => None,
        }
    }
}
