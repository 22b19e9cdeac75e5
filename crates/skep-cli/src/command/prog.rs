//! `skep prog`: programs in the kernel.

use crate::args::Prog;
use crate::failure::Failure;

#[cfg(target_os = "linux")]
pub(crate) fn run(args: &Prog) -> Result<(), Failure> {
    let Prog::List { json } = args;
    linux::list(*json)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_args: &Prog) -> Result<(), Failure> {
    Err(super::no_kernel())
}

#[cfg(target_os = "linux")]
mod linux {
    use serde::Serialize;
    use skep_kernel::{Program, ProgramInfo};

    use crate::command::{present, print_json};
    use crate::failure::Failure;
    use crate::table;

    /// A program in bpftool's shape.
    #[derive(Serialize)]
    struct Line {
        id: u32,
        r#type: String,
        name: String,
        tag: String,
        uid: u32,
        bytes_xlated: u32,
        jited: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        bytes_jited: Option<u32>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        map_ids: Vec<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        btf_id: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        run_time_ns: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        run_cnt: Option<u64>,
    }

    pub(super) fn list(json: bool) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for id in Program::ids()? {
            // A program may be gone since its id was read.
            if let Some(info) = present(Program::from_id(id).and_then(|p| p.info()))? {
                lines.push(line(info));
            }
        }
        if json {
            return print_json(&lines);
        }
        let mut table = table::new(["id", "type", "name", "tag", "insns", "jited", "maps", "runs"].map(str::to_owned));
        for l in &lines {
            table.add_row([
                l.id.to_string(),
                l.r#type.clone(),
                l.name.clone(),
                l.tag.clone(),
                (l.bytes_xlated / 8).to_string(),
                l.bytes_jited.map_or("no".to_owned(), |n| format!("{n} bytes")),
                l.map_ids.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
                l.run_cnt.map_or("-".to_owned(), |n| n.to_string()),
            ]);
        }
        table::right(&mut table, 0);
        table::right(&mut table, 4);
        crate::command::print_table(&table, lines.len(), "programs")
    }

    fn line(info: ProgramInfo) -> Line {
        let measured = info.run_count > 0;
        Line {
            id: info.id,
            r#type: info.prog_type.map_or_else(|| info.type_number.to_string(), |t| t.name().to_owned()),
            name: info.name,
            tag: info.tag.iter().map(|b| format!("{b:02x}")).collect(),
            uid: info.uid,
            bytes_xlated: info.translated_len,
            jited: info.jited_len > 0,
            bytes_jited: (info.jited_len > 0).then_some(info.jited_len),
            map_ids: info.map_ids,
            btf_id: (info.btf_id > 0).then_some(info.btf_id),
            run_time_ns: measured.then_some(info.run_time_ns),
            run_cnt: measured.then_some(info.run_count),
        }
    }
}
