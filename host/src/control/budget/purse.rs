/// One of the things that are spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purse {
    bound: Option<u64>,
    spent: u64,
    reserved: u64,
    /// Of the calls whose cost is known: how many, and what they took together.
    known: u64,
    took: u64,
    /// A call ended that nobody knows the cost of, nor an estimate.
    is_blind: bool,
}

/// Whether there is enough in it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// To be reserved, where anything is known.
    Enough(Option<u64>),
    /// Perhaps when one in flight has ended.
    Wait,
    TooLittle,
    /// Nobody will ever know.
    Unknown,
}

impl Purse {
    pub(super) fn new(bound: Option<u64>, spent: Option<u64>) -> Self {
        Purse { bound, spent: spent.unwrap_or(0), reserved: 0, known: 0, took: 0, is_blind: false }
    }

    pub(super) fn ask(&self, expected: Option<u64>, in_flight: u64) -> Asked {
        let expected = expected.or_else(|| self.mean());
        let Some(bound) = self.bound else { return Asked::Enough(expected) };
        let is_alone = in_flight == 0;
        match expected {
            _ if self.spent >= bound => Asked::TooLittle,
            _ if self.is_blind => Asked::Unknown,
            Some(expected) if self.sum().saturating_add(expected) <= bound => Asked::Enough(Some(expected)),
            // Nothing is known yet but an estimate.
            Some(_) if is_alone && self.known == 0 => Asked::Enough(Some(bound - self.spent)),
            Some(_) if is_alone => Asked::TooLittle,
            None if is_alone => Asked::Enough(None),
            _ => Asked::Wait,
        }
    }

    pub(super) fn reserve(&mut self, amount: Option<u64>) {
        self.reserved = self.reserved.saturating_add(amount.unwrap_or(0));
    }

    pub(super) fn settle(&mut self, reserved: Option<u64>, took: Option<u64>) {
        self.give_back(reserved);
        if let Some(took) = took {
            self.known += 1;
            self.took = self.took.saturating_add(took);
        }
        self.is_blind |= took.is_none() && reserved.is_none();
        self.spent = self.spent.saturating_add(took.or(reserved).unwrap_or(0));
    }

    pub(super) fn give_back(&mut self, reserved: Option<u64>) {
        self.reserved = self.reserved.saturating_sub(reserved.unwrap_or(0));
    }

    /// What a call takes on average; none where nobody knows.
    pub(super) fn mean(&self) -> Option<u64> {
        self.took.checked_div(self.known)
    }

    pub(super) fn blind(&mut self) {
        self.is_blind = true;
    }

    pub(super) fn spent(&self) -> u64 {
        self.spent
    }

    pub(super) fn reserved(&self) -> u64 {
        self.reserved
    }

    fn sum(&self) -> u64 {
        self.spent.saturating_add(self.reserved)
    }
}
