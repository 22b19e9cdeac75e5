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
    use serde::ser::{Serialize, SerializeMap, Serializer};
    use skep_isa::spec::{AttachType, BtfFeature, MapType, ProgType, attach_type, helper};
    use skep_kernel::feature::{self, Answer, Fact, Feature as Known, Features};
    use skep_kernel::trial::Question;

    use crate::command::{print_json, print_table, trial};
    use crate::failure::Failure;
    use crate::table;

    /// All that was found out.
    struct Found {
        facts: Vec<Fact>,
        programs: Vec<(ProgType, Answer)>,
        attach_types: Vec<(AttachType, Answer)>,
        maps: Vec<(MapType, Answer)>,
        helpers: Vec<(ProgType, Vec<&'static str>)>,
        misc: Vec<(&'static str, &'static str, Answer)>,
        btf: Vec<(BtfFeature, Answer)>,
    }

    pub(super) fn run(json: bool) -> Result<(), Failure> {
        // Without privilege every probe would say no, which would be a lie about the kernel.
        skep_kernel::Program::ids()?;
        let features = Features::new();
        let found = Found {
            facts: feature::facts(),
            programs: feature::program_types(),
            attach_types: attach_types(),
            maps: feature::map_types(),
            helpers: feature::helpers()
                .into_iter()
                .map(|(t, ids)| (t, ids.into_iter().filter_map(name).collect()))
                .collect(),
            misc: feature::misc(),
            btf: BtfFeature::all().map(|f| (f, features.answer(Known::Btf(f)))).collect(),
        };
        if json { print_json(&found) } else { show(&found) }
    }

    fn name(helper: u32) -> Option<&'static str> {
        helper::find(helper).map(|row| row.name)
    }

    /// Each attach type, by the first of its program types that can be put there.
    fn attach_types() -> Vec<(AttachType, Answer)> {
        let asked: Vec<(AttachType, ProgType)> =
            attach_type::TABLE.iter().flat_map(|row| row.prog_types.iter().map(|p| (row.id, *p))).collect();
        let questions: Vec<Question> = asked.iter().map(|(a, p)| Question::Attach(*p, *a)).collect();
        let mut found: Vec<(AttachType, Answer)> = Vec::new();
        for ((attach_type, _), answer) in asked.into_iter().zip(trial::ask(&questions)) {
            match found.last_mut() {
                Some((last, before)) if *last == attach_type => {
                    if *before != Answer::Yes {
                        *before = answer;
                    }
                }
                _ => found.push((attach_type, answer)),
            }
        }
        found
    }

    fn show(found: &Found) -> Result<(), Failure> {
        let mut rows = table::new(["what", "name", "here", "since", "why"].map(str::to_owned));
        for fact in &found.facts {
            let value = fact.value.clone().unwrap_or_else(|| "not told".to_owned());
            rows.add_row(["system", fact.name, &value, "", ""]);
        }
        for (t, answer) in &found.programs {
            row(&mut rows, "program type", t.name(), &t.row().since.to_string(), answer);
        }
        for (t, answer) in &found.attach_types {
            row(&mut rows, "attach type", t.name(), &t.row().since.to_string(), answer);
        }
        for (t, answer) in &found.maps {
            row(&mut rows, "map type", t.name(), &t.row().since.to_string(), answer);
        }
        for (t, helpers) in &found.helpers {
            let count = format!("{} of {}", helpers.len(), helper::TABLE.len());
            rows.add_row(["helpers", t.name(), &count, "", ""]);
        }
        for (name, since, answer) in &found.misc {
            row(&mut rows, "verifier", name, since, answer);
        }
        for (f, answer) in &found.btf {
            row(&mut rows, "types", f.name(), &f.row().since.to_string(), answer);
        }
        print_table(&rows, found.facts.len() + found.programs.len(), "features")
    }

    fn row(rows: &mut comfy_table::Table, what: &str, name: &str, since: &str, answer: &Answer) {
        let (here, why) = match answer {
            Answer::Yes => ("yes", ""),
            Answer::No(why) => ("no", why.as_str()),
            Answer::Unknown(why) => ("unknown", why.as_str()),
        };
        rows.add_row([what, name, here, since, why]);
    }

    /// bpftool's names; what gave no answer is `null`. `attach_types`, `btf` and `why` are ours.
    impl Serialize for Found {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry("schema", &1)?;
            map.serialize_entry(
                "system_config",
                &Entries(self.facts.iter().map(|f| (f.name.to_owned(), &f.value)).collect()),
            )?;
            map.serialize_entry("syscall_config", &Entries(vec![("have_bpf_syscall".to_owned(), true)]))?;
            map.serialize_entry(
                "program_types",
                &known(self.programs.iter().map(|(t, a)| (t.name(), a)), "prog_type"),
            )?;
            map.serialize_entry("map_types", &known(self.maps.iter().map(|(t, a)| (t.name(), a)), "map_type"))?;
            let helpers = self.helpers.iter().map(|(t, names)| {
                let names: Vec<String> = names.iter().map(|n| format!("bpf_{n}")).collect();
                (format!("{t}_available_helpers"), names)
            });
            map.serialize_entry("helpers", &Entries(helpers.collect()))?;
            let misc = self.misc.iter().map(|(name, _, a)| (format!("have_{name}"), works(a)));
            map.serialize_entry("misc", &Entries(misc.collect()))?;
            map.serialize_entry("btf", &known(self.btf.iter().map(|(f, a)| (f.name(), a)), "btf"))?;
            map.serialize_entry(
                "attach_types",
                &known(self.attach_types.iter().map(|(t, a)| (t.name(), a)), "attach_type"),
            )?;
            map.serialize_entry("why", &Entries(self.reasons()))?;
            map.end()
        }
    }

    impl Found {
        /// Why what does not work does not, by the names of the answers.
        fn reasons(&self) -> Vec<(String, &str)> {
            let all = self.programs.iter().map(|(t, a)| (format!("have_{t}_prog_type"), a));
            let all = all.chain(self.maps.iter().map(|(t, a)| (format!("have_{t}_map_type"), a)));
            let all = all.chain(self.attach_types.iter().map(|(t, a)| (format!("have_{t}_attach_type"), a)));
            let all = all.chain(self.misc.iter().map(|(name, _, a)| (format!("have_{name}"), a)));
            let all = all.chain(self.btf.iter().map(|(f, a)| (format!("have_{f}_btf"), a)));
            all.filter_map(|(name, answer)| match answer {
                Answer::Yes => None,
                Answer::No(why) | Answer::Unknown(why) => Some((name, why.as_str())),
            })
            .collect()
        }
    }

    fn known<'a>(answers: impl Iterator<Item = (&'static str, &'a Answer)>, kind: &str) -> Entries<Option<bool>> {
        Entries(answers.map(|(name, answer)| (format!("have_{name}_{kind}"), works(answer))).collect())
    }

    fn works(answer: &Answer) -> Option<bool> {
        match answer {
            Answer::Yes => Some(true),
            Answer::No(_) => Some(false),
            Answer::Unknown(_) => None,
        }
    }

    /// An object whose members stand in their order.
    struct Entries<T>(Vec<(String, T)>);

    impl<T: Serialize> Serialize for Entries<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.len()))?;
            for (name, value) in &self.0 {
                map.serialize_entry(name, value)?;
            }
            map.end()
        }
    }
}
