//! Hooks: one grammar, `kind:target[:detail…]`, for sections, the command line and everything else.

use skep_diag::{Diagnostic, Snippet, code};
use skep_isa::spec::{self, HookKind};

/// A typed place where programs run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// `tracepoint:CATEGORY:NAME`.
    Tracepoint {
        /// The kernel's group of tracepoints (`sched`).
        category: String,
        /// The tracepoint (`sched_switch`).
        name: String,
    },
    /// `rawtracepoint:NAME`.
    RawTracepoint {
        /// The tracepoint.
        name: String,
    },
    /// `profile:hz:RATE`.
    Profile {
        /// Samples a second on each CPU.
        hz: u64,
    },
    /// `xdp:DEVICE`.
    Xdp {
        /// Name of the network device.
        device: String,
    },
    /// `tc:DEVICE:DIRECTION`, by netlink.
    Tc {
        /// Name of the network device.
        device: String,
        /// Which packets.
        direction: Direction,
    },
    /// `tcx:DEVICE:DIRECTION`, by link.
    Tcx {
        /// Name of the network device.
        device: String,
        /// Which packets.
        direction: Direction,
    },
    /// `socket:DEVICE`: a packet socket on the device.
    Socket {
        /// Name of the network device.
        device: String,
    },
    /// `pcap:FILE`.
    Pcap {
        /// The capture file.
        path: String,
    },
}

/// Which packets of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Those it receives.
    Ingress,
    /// Those it sends.
    Egress,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        })
    }
}

impl Hook {
    /// Its kind.
    pub fn kind(&self) -> HookKind {
        match self {
            Hook::Tracepoint { .. } => HookKind::Tracepoint,
            Hook::RawTracepoint { .. } => HookKind::RawTracepoint,
            Hook::Profile { .. } => HookKind::Profile,
            Hook::Xdp { .. } => HookKind::Xdp,
            Hook::Tc { .. } => HookKind::Tc,
            Hook::Tcx { .. } => HookKind::Tcx,
            Hook::Socket { .. } => HookKind::Socket,
            Hook::Pcap { .. } => HookKind::Pcap,
        }
    }

    /// The forms of all hooks that an engine provides, for help and messages.
    pub fn forms() -> String {
        SUPPORTED.iter().map(|k| k.row().form).collect::<Vec<_>>().join(", ")
    }

    /// The network device it is on.
    pub fn device(&self) -> Option<&str> {
        match self {
            Hook::Xdp { device } | Hook::Socket { device } => Some(device),
            Hook::Tc { device, .. } | Hook::Tcx { device, .. } => Some(device),
            _ => None,
        }
    }

    /// Reads `kind:target[:detail…]`.
    ///
    /// # Errors
    /// A diagnostic that marks the wrong part and names what is near or what is missing.
    ///
    /// ```
    /// use skep_object::Hook;
    /// assert_eq!(Hook::parse("xdp:eth0"), Ok(Hook::Xdp { device: "eth0".into() }));
    /// assert_eq!(Hook::parse("raw_tp:sys_enter").expect("a hook").to_string(), "rawtracepoint:sys_enter");
    /// assert!(Hook::parse("xpd:eth0").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Hook, Diagnostic> {
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        let Some(kind) = HookKind::from_name(word) else {
            return Err(unknown_kind(text, word));
        };
        Hook::of_kind(kind, rest)
            .ok_or_else(|| {
                let row = kind.row();
                Diagnostic::error(code::BAD_HOOK, format!("`{text}` is not written as {} hooks are", kind.name()))
                    .snippet(
                        Snippet::new("hook", text).mark(word.len()..text.len(), format!("expected `{}`", row.form)),
                    )
                    .note(format!("{} is {}", kind.name(), row.what))
            })?
            .ok_or_else(|| {
                Diagnostic::error(code::HOOK_ENGINE, format!("skep does not attach to {} yet", kind.name()))
                    .snippet(Snippet::new("hook", text).mark(0..word.len(), "known, but no engine provides it yet"))
                    .help(format!("hooks that work: {}", Hook::forms()))
            })
    }

    /// The hook a section's name stands for, when its detail says it all.
    pub(crate) fn of_section(section: &spec::Section, detail: &str) -> Option<Hook> {
        let kind = section.hook?;
        let detail = match kind {
            HookKind::Tracepoint => detail.replacen('/', ":", 1),
            HookKind::Profile => "hz:99".to_owned(),
            _ => detail.to_owned(),
        };
        Hook::of_kind(kind, &detail).flatten()
    }

    /// Outer `None`: the text is incomplete; inner `None`: no engine provides the kind yet.
    fn of_kind(kind: HookKind, rest: &str) -> Option<Option<Hook>> {
        let whole = |s: &str| (!s.is_empty()).then(|| s.to_owned());
        let pair = || rest.rsplit_once(':').filter(|(a, b)| !a.is_empty() && !b.is_empty());
        Some(Some(match kind {
            HookKind::Tracepoint => {
                let (category, name) = rest.split_once(':')?;
                Hook::Tracepoint { category: whole(category)?, name: whole(name)? }
            }
            HookKind::RawTracepoint => Hook::RawTracepoint { name: whole(rest)? },
            HookKind::Profile => {
                let hz = rest.strip_prefix("hz:")?.parse().ok().filter(|hz| *hz > 0)?;
                Hook::Profile { hz }
            }
            HookKind::Xdp => Hook::Xdp { device: whole(rest)? },
            HookKind::Tc => {
                let (device, direction) = pair()?;
                Hook::Tc { device: device.to_owned(), direction: Direction::parse(direction)? }
            }
            HookKind::Tcx => {
                let (device, direction) = pair()?;
                Hook::Tcx { device: device.to_owned(), direction: Direction::parse(direction)? }
            }
            HookKind::Socket => Hook::Socket { device: whole(rest)? },
            HookKind::Pcap => Hook::Pcap { path: whole(rest)? },
            _ => return Some(None),
        }))
    }
}

impl Direction {
    fn parse(text: &str) -> Option<Direction> {
        match text {
            "ingress" => Some(Direction::Ingress),
            "egress" => Some(Direction::Egress),
            _ => None,
        }
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.kind().name();
        match self {
            Hook::Tracepoint { category, name } => write!(f, "{kind}:{category}:{name}"),
            Hook::RawTracepoint { name } => write!(f, "{kind}:{name}"),
            Hook::Profile { hz } => write!(f, "{kind}:hz:{hz}"),
            Hook::Xdp { device } | Hook::Socket { device } => write!(f, "{kind}:{device}"),
            Hook::Tc { device, direction } | Hook::Tcx { device, direction } => {
                write!(f, "{kind}:{device}:{direction}")
            }
            Hook::Pcap { path } => write!(f, "{kind}:{path}"),
        }
    }
}

impl std::str::FromStr for Hook {
    type Err = Diagnostic;

    fn from_str(text: &str) -> Result<Hook, Diagnostic> {
        Hook::parse(text)
    }
}

/// Kinds that an engine provides today.
const SUPPORTED: [HookKind; 8] = [
    HookKind::Pcap,
    HookKind::Xdp,
    HookKind::Tcx,
    HookKind::Tc,
    HookKind::Socket,
    HookKind::Tracepoint,
    HookKind::RawTracepoint,
    HookKind::Profile,
];

fn unknown_kind(text: &str, word: &str) -> Diagnostic {
    let title = match word {
        "" => "the hook does not begin with its kind".to_owned(),
        _ => format!("no kind of hook is spelled `{word}`"),
    };
    let d = Diagnostic::error(code::UNKNOWN_HOOK, title)
        .snippet(Snippet::new("hook", text).mark(0..word.len(), "not a kind of hook"));
    let known = spec::hook::TABLE.iter().flat_map(|row| row.spellings.iter().copied());
    match spec::nearest(word, known).and_then(HookKind::from_name) {
        Some(near) => d.help(format!("did you mean `{}`?", near.row().form)),
        None => d.help(format!("hooks that work: {}", Hook::forms())),
    }
}
