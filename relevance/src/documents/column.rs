//! Numbers side by side, each in as many bytes as the largest of them needs: any of them can be read where it stands.

use super::Malformed;

/// The bytes of the largest number.
const WIDTH_MAX: usize = size_of::<u64>();

/// A list of numbers, as bytes: their width (one byte), how many there are (four), and the numbers, lowest byte first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a> {
    width: usize,
    bytes: &'a [u8],
}

impl<'a> Column<'a> {
    pub(crate) fn write(numbers: &[u64], out: &mut Vec<u8>) {
        let largest = numbers.iter().max().copied().unwrap_or(0);
        let width = WIDTH_MAX - largest.leading_zeros() as usize / 8;
        // A number without bytes would let a few bytes claim any count.
        let width = width.max(1);
        let count = u32::try_from(numbers.len()).expect("four thousand million numbers do not fit in memory");
        out.extend(width.to_le_bytes().first());
        out.extend(count.to_le_bytes());
        out.extend(numbers.iter().flat_map(|number| number.to_le_bytes().into_iter().take(width)));
    }

    /// The same of numbers that are not negative, by their bits: equal bits are equal numbers.
    pub(crate) fn write_floats(numbers: &[f32], out: &mut Vec<u8>) {
        let bits: Vec<u64> = numbers.iter().map(|number| u64::from(number.to_bits())).collect();
        Column::write(&bits, out);
    }

    /// Takes a column from the front of the bytes.
    pub(crate) fn read(rest: &mut &'a [u8]) -> Result<Self, Malformed> {
        let (&[width, count @ ..], after) = rest.split_first_chunk::<5>().ok_or(Malformed)?;
        let width = usize::from(width);
        if !(1..=WIDTH_MAX).contains(&width) {
            return Err(Malformed);
        }
        let count = usize::try_from(u32::from_le_bytes(count)).map_err(|_| Malformed)?;
        let length = count.checked_mul(width).ok_or(Malformed)?;
        let (bytes, after) = after.split_at_checked(length).ok_or(Malformed)?;
        *rest = after;
        Ok(Column { width, bytes })
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    pub(crate) fn get(&self, place: usize) -> Option<u64> {
        let start = place.checked_mul(self.width)?;
        let bytes = self.bytes.get(start..)?.get(..self.width)?;
        // Byte by byte: a copy of a few bytes whose number is not known when compiling is a call in a component.
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    pub(crate) fn get_float(&self, place: usize) -> Option<f32> {
        Some(f32::from_bits(u32::try_from(self.get(place)?).ok()?))
    }

    /// All numbers of a column of floats.
    pub(crate) fn floats(&self) -> Result<Vec<f32>, Malformed> {
        (0..self.len()).map(|place| self.get_float(place).ok_or(Malformed)).collect()
    }

    /// The place of a number in a column that ascends.
    pub(crate) fn find(&self, number: u64) -> Option<usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            if self.get(middle)? < number {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        (self.get(from)? == number).then_some(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_width_of_the_largest() {
        for (numbers, width) in [
            (&[][..], 1),
            (&[0], 1),
            (&[0, 255], 1),
            (&[3, 256], 2),
            (&[1 << 23, 1, 0], 3),
            (&[u64::MAX >> 1, u64::MAX], 8),
        ] {
            let mut bytes = Vec::new();
            Column::write(numbers, &mut bytes);
            assert_eq!(bytes.len(), 5 + width * numbers.len(), "{numbers:?}");
            let mut rest = bytes.as_slice();
            let column = Column::read(&mut rest).expect("it was just written");
            assert!(rest.is_empty());
            let read: Vec<u64> = (0..column.len()).filter_map(|place| column.get(place)).collect();
            assert_eq!(read, numbers);
            assert_eq!(column.get(numbers.len()), None);
            assert_eq!(column.get(usize::MAX), None);
        }
    }

    #[test]
    fn a_number_is_found_where_it_stands() {
        let numbers: Vec<u64> = (0..100).map(|number| number * number).collect();
        let mut bytes = Vec::new();
        Column::write(&numbers, &mut bytes);
        let column = Column::read(&mut bytes.as_slice()).expect("it was just written");
        for number in 0..10_000 {
            assert_eq!(column.find(number), numbers.binary_search(&number).ok(), "{number}");
        }
    }

    #[test]
    fn what_claims_more_than_there_is_is_refused() {
        for bytes in [&[][..], &[1, 0, 0, 0], &[1, 1, 0, 0, 0], &[0, 255, 255, 255, 255], &[9, 0, 0, 0, 0], &[8; 40]] {
            assert!(Column::read(&mut &*bytes).is_err(), "{bytes:?}");
        }
    }
}
