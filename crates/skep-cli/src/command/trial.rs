//! The process behind `explain`, `hooks` and `feature`: answers trials of attaching, then takes them away.
//!
//! Attaching takes the kernel microseconds, detaching up to a tenth of a second. Who asks reads the answers and need
//! not wait for the process that cleans up.

use crate::failure::Failure;

/// The first word that asks for it; people have no use for it.
pub(crate) const VERB: &str = "__trial";

#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_questions: &[String]) -> Result<(), Failure> {
    Err(super::no_kernel())
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{ask, run};

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use skep_kernel::feature::Answer;
    use skep_kernel::trial::{self, Held, Question};

    use super::{Failure, VERB};

    /// Questions tried at one time: most of a trial's time is the kernel's waiting.
    const AT_ONCE: usize = 8;

    /// Answers each question on a line: `yes`, `no WHY` or `unknown WHY`.
    pub(crate) fn run(questions: &[String]) -> Result<(), Failure> {
        // What is held goes when all are answered.
        let mut held: Vec<Held> = Vec::new();
        for some in questions.chunks(AT_ONCE) {
            let trials: Vec<_> = some
                .iter()
                .map(|question| question.parse().map(|q| std::thread::spawn(move || trial::ask(q))))
                .collect();
            for (question, trial) in some.iter().zip(trials) {
                let (answer, more) = match trial.map(std::thread::JoinHandle::join) {
                    Ok(Ok(done)) => done,
                    Ok(Err(_)) => (Answer::Unknown(FAILED.to_owned()), Held::default()),
                    Err(()) => (Answer::Unknown(format!("`{question}` is no question")), Held::default()),
                };
                held.push(more);
                let line = match answer {
                    Answer::Yes => "yes".to_owned(),
                    Answer::No(why) => format!("no {why}"),
                    Answer::Unknown(why) => format!("unknown {why}"),
                };
                writeln!(std::io::stdout(), "{}", line.replace('\n', " "))?;
            }
        }
        Ok(())
    }

    /// Why there is no answer when a trial or its process broke.
    const FAILED: &str = "the trial itself failed";

    /// The answers to these questions, by another process that outlives this one for as long as detaching takes.
    pub(crate) fn ask(questions: &[Question]) -> Vec<Answer> {
        let lines = answers(questions).unwrap_or_default();
        let failed = || Answer::Unknown(FAILED.to_owned());
        (0..questions.len()).map(|at| lines.get(at).and_then(|line| read(line)).unwrap_or_else(failed)).collect()
    }

    fn answers(questions: &[Question]) -> std::io::Result<Vec<String>> {
        if questions.is_empty() {
            return Ok(vec![]);
        }
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(VERB).args(questions.iter().map(Question::to_string));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let Some(out) = child.stdout.take() else { return Ok(vec![]) };
        BufReader::new(out).lines().take(questions.len()).collect()
    }

    fn read(line: &str) -> Option<Answer> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("yes", "") => Some(Answer::Yes),
            ("no", why) => Some(Answer::No(why.to_owned())),
            ("unknown", why) => Some(Answer::Unknown(why.to_owned())),
            _ => None,
        }
    }
}
