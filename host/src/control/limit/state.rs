use std::fmt;

/// Where a limit stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// How many may be in flight now.
    pub limit: usize,
    /// The number that was found to serve best; none while it is looked for.
    pub settled: Option<usize>,
    /// Why it stands there.
    pub reason: Reason,
}

/// What told the limit to give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressure {
    /// Answers of 429, 503 or 529.
    Overload,
    /// The server's card ran out of memory.
    OutOfMemory,
    /// Calls that were not answered in time.
    Timeouts,
}

/// Why a limit stands where it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// The operator chose it.
    Fixed,
    /// Doubled for as long as that gains.
    SlowStart,
    /// Between a number that is too small and one that is large enough.
    Narrowing,
    /// A few more for a moment, to see whether they gain now.
    ProbingUp {
        /// The settled number.
        from: usize,
    },
    /// A few less for a moment, to see whether they are missed.
    ProbingDown {
        /// The settled number.
        from: usize,
    },
    /// The smallest number that serves as well as the best.
    Settled {
        /// What one slot more gained, as a share of the throughput; none where no more were tried.
        gain_per_slot: Option<f64>,
    },
    /// Settled at the most that is allowed: more might gain.
    HeldByMax,
    /// Settled below a number at which the server complained.
    HeldBy {
        /// How.
        pressure: Pressure,
        /// The number at which it did.
        at: usize,
    },
    /// The server complained.
    Cut {
        /// How.
        pressure: Pressure,
        /// The number in flight before.
        from: usize,
    },
    /// On the way back, after complaints that had nothing to do with the number in flight.
    Returning {
        /// Where to.
        to: usize,
    },
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        match self.reason {
            Reason::Fixed => write!(f, "fixed at {limit}"),
            Reason::SlowStart => write!(f, "slow start at {limit}"),
            Reason::Narrowing => write!(f, "narrowing at {limit}"),
            Reason::ProbingUp { from } => write!(f, "probing up at {limit}: settled at {from}"),
            Reason::ProbingDown { from } => write!(f, "probing down at {limit}: settled at {from}"),
            Reason::Settled { gain_per_slot: Some(gain) } => {
                // No gain is told as `0.0`, never as `-0.0`.
                let percent = (gain * 100.0).max(0.0);
                write!(f, "settled at {limit}: +1 slot gained {percent:.1} %")
            }
            Reason::Settled { gain_per_slot: None } => write!(f, "settled at {limit}"),
            Reason::HeldByMax => write!(f, "settled at {limit}: the most that is allowed"),
            Reason::HeldBy { pressure, at } => write!(f, "settled at {limit}: {pressure} at {at}"),
            Reason::Cut { pressure, from } => write!(f, "cut to {limit}: {pressure} at {from}"),
            Reason::Returning { to } => write!(f, "returning at {limit}: settled at {to} before"),
        }
    }
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pressure::Overload => "the server was overloaded",
            Pressure::OutOfMemory => "out of memory",
            Pressure::Timeouts => "calls timed out",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_told_in_a_few_words() {
        let told = |limit, reason| State { limit, settled: None, reason }.to_string();
        let settled = |gain_per_slot| Reason::Settled { gain_per_slot };
        assert_eq!(told(37, settled(Some(0.004))), "settled at 37: +1 slot gained 0.4 %");
        assert_eq!(told(37, settled(Some(-0.01))), "settled at 37: +1 slot gained 0.0 %");
        assert_eq!(told(1, settled(None)), "settled at 1");
        assert_eq!(told(64, Reason::HeldByMax), "settled at 64: the most that is allowed");
        let cut = Reason::Cut { pressure: Pressure::OutOfMemory, from: 12 };
        assert_eq!(told(6, cut), "cut to 6: out of memory at 12");
        let held = Reason::HeldBy { pressure: Pressure::Overload, at: 21 };
        assert_eq!(told(20, held), "settled at 20: the server was overloaded at 21");
        assert_eq!(told(41, Reason::ProbingUp { from: 37 }), "probing up at 41: settled at 37");
    }
}
