/// Between which numbers an adaptive limit moves, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    min: usize,
    max: usize,
    start: usize,
}

/// Why bounds are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoundsError {
    /// Nothing would ever be in flight.
    #[error("the least number in flight is 0")]
    Zero,
    /// No number lies between them.
    #[error("the least number in flight is over the most: {min} over {max}")]
    Crossed {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
}

impl Bounds {
    /// Bounds, and a number to begin with, which is moved between them where it lies outside.
    ///
    /// # Errors
    /// Where no number lies between the bounds.
    pub fn try_new(min: usize, max: usize, start: usize) -> Result<Self, BoundsError> {
        if min == 0 {
            return Err(BoundsError::Zero);
        }
        if min > max {
            return Err(BoundsError::Crossed { min, max });
        }
        Ok(Bounds { min, max, start: start.clamp(min, max) })
    }

    /// The least number in flight, from 1.
    pub fn min(&self) -> usize {
        self.min
    }

    /// The most.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The number that a run begins with.
    pub fn start(&self) -> usize {
        self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_a_number_at_least() {
        assert_eq!(Bounds::try_new(0, 5, 1), Err(BoundsError::Zero));
        assert_eq!(Bounds::try_new(6, 5, 5), Err(BoundsError::Crossed { min: 6, max: 5 }));
        let start = |start| Bounds::try_new(2, 9, start).map(|bounds| bounds.start());
        assert_eq!((start(1), start(5), start(64)), (Ok(2), Ok(5), Ok(9)));
    }
}
