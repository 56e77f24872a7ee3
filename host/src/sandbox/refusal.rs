use crate::model::Fault;
use crate::provider::Refused;
use std::error::Error;
use std::io;
use std::time::Duration;

/// Why a file is not loaded as a provider.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("cannot read the file")]
    Unreadable {
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than any component should be.
    #[error("the file is over the limit of {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// It is something else.
    #[error("not a WebAssembly file")]
    NotWasm,
    /// It is WebAssembly's text form.
    #[error("WebAssembly text, not a binary")]
    Wat,
    /// It is machine code, which no sandbox checks.
    #[error("precompiled machine code, not WebAssembly")]
    Precompiled,
    /// It is a module that was not made into a component.
    #[error("a core module, not a component")]
    CoreModule,
    /// It is a component, but cut off or invalid.
    #[error("a damaged component: {reason}")]
    Damaged {
        /// What is wrong, and at which byte.
        reason: String,
    },
    /// It is valid, but beyond what is compiled here.
    #[error("cannot be compiled: {reason}")]
    Compile {
        /// The limit that it is over, or what the compiler said.
        reason: String,
    },
    /// It is valid, but made so that compiling it would cost more than a provider is worth.
    #[error("too complex to be compiled: more than {max} {what}")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: u64,
    },
    /// It was compiled for too long.
    #[error("not compiled within {}", humantime::format_duration(*wall))]
    CompileTime {
        /// The time it had.
        wall: Duration,
    },
    /// It wants what providers do not get.
    #[error("wants imports that are not given: {} ({reason})", imports.join(", "))]
    ImportRefused {
        /// Their names.
        imports: Vec<String>,
        /// Why.
        reason: String,
    },
    /// It is a component for something else.
    #[error("not a provider: exports {}", list(exports))]
    NoProvider {
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// It was built for another version of the contract.
    #[error("built for version {found} of the contract; this host speaks {ours}")]
    OtherVersion {
        /// Its version.
        found: String,
        /// The host's.
        ours: String,
    },
    /// It names the contract, but its functions or types are others.
    #[error("does not fit the contract: {reason}")]
    ContractMismatch {
        /// Which item differs, and how.
        reason: String,
    },
    /// It could not say who it is.
    #[error("`describe` failed")]
    DescribeFailed {
        /// How.
        #[source]
        fault: Box<Fault>,
    },
    /// It is not the same provider when asked twice.
    #[error("`describe` returned two different descriptors")]
    DescribeDiffers,
    /// What it says of itself cannot be used.
    #[error("bad descriptor: {reason}")]
    BadDescriptor {
        /// Which field, and why.
        reason: String,
    },
}

impl Refusal {
    /// What can be done about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Refusal::Unreadable { .. } => Some("check that the file is there and may be read"),
            Refusal::NotWasm | Refusal::Damaged { .. } => Some("build or copy the file again"),
            Refusal::Wat => Some("turn it into a binary: `wasm-tools parse FILE -o provider.wasm`"),
            Refusal::Precompiled => Some("give the `.wasm` component itself; the host compiles and caches it"),
            Refusal::CoreModule => {
                Some("build for `wasm32-wasip2`, or wrap it: `wasm-tools component new FILE -o provider.wasm`")
            }
            Refusal::ImportRefused { .. } => {
                Some("build it without these interfaces: a provider only builds requests and reads responses")
            }
            Refusal::NoProvider { .. } => Some("a provider exports `judge:provider/provider`; see wit/"),
            Refusal::OtherVersion { .. } | Refusal::ContractMismatch { .. } => {
                Some("build it against wit/judge-provider-0.1.0")
            }
            Refusal::DescribeDiffers => Some("`describe` has to return a constant"),
            Refusal::DescribeFailed { .. } | Refusal::BadDescriptor { .. } => {
                Some("this is for the provider's author: see `descriptor` in wit/")
            }
            Refusal::TooLarge { .. } => Some("strip it of debug information"),
            Refusal::TooComplex { .. } => {
                Some("build it optimised and without debug information; code made by a generator may have to be split")
            }
            Refusal::CompileTime { .. } => {
                Some("build it optimised for size, or give the machine less to do meanwhile")
            }
            Refusal::Compile { .. } => None,
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let mut reason = refusal.to_string();
        let mut source = refusal.source();
        while let Some(error) = source {
            reason = format!("{reason}: {error}");
            source = error.source();
        }
        Refused { reason, hint: refusal.hint().map(str::to_owned) }
    }
}

fn list(exports: &[String]) -> String {
    if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") }
}

/// An error with its causes, outermost first.
pub(super) fn chain(error: &wasmtime::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
