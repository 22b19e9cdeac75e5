//! What one side says of programs, as lines of JSON. Knows neither how it was asked nor what it is compared with.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// What one side says of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// `accept`, `reject`, `undecided`; `open` for an object that cannot be opened.
    pub(crate) verdict: String,
    /// What the load answered, where it failed.
    pub(crate) errno: Option<i64>,
    /// The verifier's last word, or the reason.
    pub(crate) message: String,
    /// Instructions walked.
    pub(crate) processed: Option<u64>,
}

/// Object and program; an empty program for an object that cannot be opened.
pub(crate) type Key = (String, String);
pub(crate) type Answers = BTreeMap<Key, Answer>;

/// Lines of text to answers.
pub(crate) fn parse(lines: &str) -> Result<Answers> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let answer = |line: &str| -> Result<(Key, Answer)> {
        let value: Value = serde_json::from_str(line).with_context(|| format!("an answer: {line}"))?;
        let answer = Answer {
            verdict: text(&value["result"]),
            errno: value["errno"].as_i64().filter(|errno| *errno != 0),
            message: text(&value["message"]),
            processed: value["processed"].as_u64(),
        };
        Ok(((text(&value["object"]), text(&value["program"])), answer))
    };
    lines.lines().map(answer).collect()
}

/// A line of what `skep check` says of a program of `object`, in the oracle's words and without the log.
pub(crate) fn of_skep(object: &str, program: &Value) -> Value {
    let kernel = &program["kernel"];
    let opened = program["program"].is_string();
    json!({
        "object": object,
        "program": program["program"],
        "type": program["type"],
        "result": if opened { kernel["verdict"].clone() } else { Value::from("open") },
        "errno": kernel["errno"],
        "message": kernel["message"],
        "processed": kernel["processed"],
        "states": kernel["states"],
        "time_us": kernel["time_us"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_lines_read_the_same() {
        let ours = json!({"program": "p", "type": "xdp", "kernel":
            {"verdict": "reject", "errno": 13, "message": "R0 !read_ok", "processed": 1, "states": 0, "time_us": 9, "log": "…"}});
        let line = of_skep("a.o", &ours).to_string();
        let theirs = r#"{"object":"a.o","program":"p","section":"xdp","type":"xdp","result":"reject","errno":13,"message":"R0 !read_ok","processed":1,"states":0,"time_us":9}"#;
        let key = ("a.o".to_owned(), "p".to_owned());
        let answers = parse(&line).expect("a line");
        assert_eq!(answers.get(&key), parse(theirs).expect("a line").get(&key));
        assert_eq!(answers.get(&key).and_then(|a| a.errno), Some(13));
        assert!(!line.contains('…'), "the log is left out");
    }

    #[test]
    fn an_object_that_cannot_be_opened_is_an_answer_without_a_program() {
        let ours = json!({"program": null, "type": null, "kernel": {"verdict": "undecided", "message": "no ELF"}});
        let answers = parse(&of_skep("a.o", &ours).to_string()).expect("a line");
        let answer = answers.get(&("a.o".to_owned(), String::new())).expect("the object");
        assert_eq!((answer.verdict.as_str(), answer.errno), ("open", None));
    }
}
