//! `skep check`: what the verifier says of each program, alone. Nothing is attached, and nothing is left.

use crate::args::Check;
use crate::failure::Failure;

#[cfg(target_os = "linux")]
pub(crate) fn run(args: &Check, quiet: bool) -> Result<(), Failure> {
    let crate::args::Judge::Kernel = args.engine;
    linux::run(args, quiet)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_args: &Check, _quiet: bool) -> Result<(), Failure> {
    Err(super::no_kernel())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Write;
    use std::sync::Arc;
    use std::time::Duration;

    use serde::Serialize;
    use skep_diag::{Diagnostic, code};
    use skep_kernel::feature::Features;
    use skep_kernel::{Checked, Verdict, load_one};

    use crate::args::Check;
    use crate::command::print_json;
    use crate::failure::Failure;
    use crate::settings::Unused;
    use crate::table;

    /// Accepted programs between two pauses, and the length of one: Linux 6.18 locks up for good when about a thousand
    /// compiled programs are freed in a short time.
    const BATCH: usize = 32;
    const PAUSE: Duration = Duration::from_millis(20);

    /// The whole document.
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        programs: Vec<Line<'a>>,
    }

    /// A program, or an object that could not be read.
    #[derive(Serialize)]
    struct Line<'a> {
        object: &'a str,
        program: Option<&'a str>,
        r#type: Option<&'static str>,
        kernel: Answer<'a>,
    }

    /// What the kernel says.
    #[derive(Serialize)]
    struct Answer<'a> {
        verdict: &'static str,
        errno: Option<i32>,
        message: Option<&'a str>,
        processed: Option<u64>,
        states: Option<u64>,
        time_us: Option<u64>,
        log: &'a str,
    }

    /// What came of one program.
    struct Row<'a> {
        object: &'a str,
        program: Option<String>,
        prog_type: Option<&'static str>,
        checked: Checked,
    }

    pub(super) fn run(args: &Check, quiet: bool) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let mut accepted = 0;
        let mut unused = Unused::default();
        let features = Arc::default();
        for path in &args.objects {
            object(path, args, &features, &mut unused, &mut rows, &mut accepted)?;
        }
        // One object of several may have what is set.
        unused.check()?;
        for name in &args.prog {
            if !rows.iter().any(|row| row.program.as_ref() == Some(name)) {
                let title = format!("no object has a program `{name}`");
                return Err(Diagnostic::error(code::NO_PROGRAM, title).into());
            }
        }
        if args.json {
            let programs = rows.iter().map(Row::line).collect();
            print_json(&Document { schema: 1, programs })?;
        } else {
            text(args, &rows, quiet)?;
        }
        status(&rows)
    }

    /// Checks an object's programs.
    fn object<'a>(
        path: &'a str,
        args: &Check,
        features: &Arc<Features>,
        unused: &mut Unused,
        rows: &mut Vec<Row<'a>>,
        accepted: &mut usize,
    ) -> Result<(), Failure> {
        let mut object = match skep::Object::open(path) {
            Ok(object) => object,
            Err(error) => {
                let checked = Checked::without_verdict(error.diagnostic());
                rows.push(Row { object: path, program: None, prog_type: None, checked });
                return Ok(());
            }
        };
        args.settings.apply_where_known(&mut object, unused)?;
        let object = object.spec();
        for (index, program) in object.programs.iter().enumerate() {
            if !args.prog.is_empty() && !args.prog.contains(&program.name) {
                continue;
            }
            let Some(checked) = load_one(object, index, features) else { continue };
            if checked.verdict == Verdict::Accept {
                *accepted += 1;
                if accepted.is_multiple_of(BATCH) {
                    std::thread::sleep(PAUSE);
                }
            }
            let prog_type = program.prog_type().map(|t| t.name());
            rows.push(Row { object: path, program: Some(program.name.clone()), prog_type, checked });
        }
        Ok(())
    }

    impl Row<'_> {
        fn line(&self) -> Line<'_> {
            let Checked { verdict, errno, message, processed, states, time_us, log, .. } = &self.checked;
            Line {
                object: self.object,
                program: self.program.as_deref(),
                r#type: self.prog_type,
                kernel: Answer {
                    verdict: verdict.name(),
                    errno: *errno,
                    message: message.as_deref(),
                    processed: *processed,
                    states: *states,
                    time_us: *time_us,
                    log,
                },
            }
        }
    }

    /// A table for each object, then what there is to say of the programs that are not accepted.
    fn text(args: &Check, rows: &[Row<'_>], quiet: bool) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        for (at, rows) in rows.chunk_by(|a, b| a.object == b.object).enumerate() {
            if args.objects.len() > 1 {
                let gap = if at > 0 { "\n" } else { "" };
                writeln!(out, "{gap}{}", rows.first().map_or("", |row| row.object))?;
            }
            let header = ["program", "type", "verdict", "processed", "message"];
            let mut table = table::new(header.map(str::to_owned));
            for row in rows {
                let Checked { verdict, message, processed, .. } = &row.checked;
                table.add_row([
                    row.program.clone().unwrap_or_else(|| "-".to_owned()),
                    row.prog_type.unwrap_or("-").to_owned(),
                    verdict.name().to_owned(),
                    processed.map_or_else(|| "-".to_owned(), |n| n.to_string()),
                    message.clone().unwrap_or_default(),
                ]);
            }
            table::right(&mut table, 3);
            writeln!(out, "{}", table::trim(&table))?;
        }
        out.flush()?;
        for row in rows.iter().filter(|row| !quiet || row.checked.verdict == Verdict::Reject) {
            if let Some(diagnostic) = &row.checked.diagnostic {
                crate::complain(&format!("\n{}", diagnostic.render(crate::style())));
            }
            if args.log && row.checked.verdict == Verdict::Reject {
                crate::complain(row.checked.log.trim_end());
            }
        }
        Ok(())
    }

    /// A rejected program is a negative answer; where there is none, an undecided one says with its code why.
    fn status(rows: &[Row<'_>]) -> Result<(), Failure> {
        if rows.iter().any(|row| row.checked.verdict == Verdict::Reject) {
            return Err(Failure::Told(1));
        }
        let undecided = rows.iter().find_map(|row| row.checked.diagnostic.as_ref());
        match undecided {
            Some(diagnostic) => Err(Failure::Told(diagnostic.code.row().map_or(2, |row| row.status))),
            None => Ok(()),
        }
    }
}
