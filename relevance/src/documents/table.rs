//! Which documents have a feature, and how often: for each feature of one kind a list of postings.

use super::Malformed;
use super::column::Column;

/// Where a feature is found, and how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Posting {
    /// The document's number, from 0.
    pub(crate) document: usize,
    /// Weighted by field; above 0.
    pub(crate) frequency: f32,
}

/// The features of one kind, as bytes.
///
/// A posting is two numbers of 7 bits a byte: how many documents lie between it and the one before, and the place of
/// its frequency among all frequencies that there are, from the smallest. The second is left out where it is 0, which
/// the lowest bit of the first tells: most features are in a document once, so that most postings are a single byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    /// Ascending.
    features: Column<'a>,
    /// Where each feature's postings end; they begin where those of the one before end.
    ends: Column<'a>,
    postings: &'a [u8],
}

impl<'a> Table<'a> {
    /// Writes features in ascending order with their postings in order of document. The frequencies are all that
    /// there are, ascending.
    pub(crate) fn write(features: &[(u64, Vec<Posting>)], frequencies: &[f32], out: &mut Vec<u8>) {
        let mut ends = Vec::with_capacity(features.len());
        let mut bytes = Vec::new();
        for (_, postings) in features {
            let mut next = 0;
            for posting in postings {
                let between = (posting.document - next) as u64;
                let frequency = frequencies.partition_point(|known| *known < posting.frequency) as u64;
                put(between << 1 | u64::from(frequency > 0), &mut bytes);
                if frequency > 0 {
                    put(frequency, &mut bytes);
                }
                next = posting.document + 1;
            }
            ends.push(bytes.len() as u64);
        }
        let features: Vec<u64> = features.iter().map(|(feature, _)| *feature).collect();
        Column::write(&features, out);
        Column::write(&ends, out);
        out.extend(bytes);
    }

    /// Takes a table from the front of the bytes. What its postings hold is looked at only when they are read.
    pub(crate) fn read(rest: &mut &'a [u8]) -> Result<Self, Malformed> {
        let features = Column::read(rest)?;
        let ends = Column::read(rest)?;
        if features.len() != ends.len() {
            return Err(Malformed);
        }
        let end = ends.len().checked_sub(1).map_or(Some(0), |last| ends.get(last));
        let end = end.and_then(|end| usize::try_from(end).ok()).ok_or(Malformed)?;
        let (postings, after) = rest.split_at_checked(end).ok_or(Malformed)?;
        *rest = after;
        Ok(Table { features, ends, postings })
    }

    /// How many features there are.
    pub(crate) fn len(&self) -> usize {
        self.features.len()
    }

    /// The place of a feature among all.
    pub(crate) fn find(&self, feature: u64) -> Option<usize> {
        self.features.find(feature)
    }

    /// The postings of the feature at a place, in order of document, of so many documents and with these frequencies.
    pub(crate) fn postings<'f>(
        &self,
        place: usize,
        documents: usize,
        frequencies: &'f [f32],
    ) -> Result<Postings<'a, 'f>, Malformed> {
        let end = |place| self.ends.get(place).and_then(|end| usize::try_from(end).ok()).ok_or(Malformed);
        let start = if place == 0 { 0 } else { end(place - 1)? };
        let rest = self.postings.get(start..end(place)?).ok_or(Malformed)?;
        Ok(Postings { rest, next: 0, documents, frequencies })
    }
}

/// Reads the postings of one feature; none follows an error.
pub(crate) struct Postings<'a, 'f> {
    rest: &'a [u8],
    /// The first document that may come.
    next: usize,
    documents: usize,
    frequencies: &'f [f32],
}

impl Postings<'_, '_> {
    fn read(&mut self) -> Option<Posting> {
        let first = take(&mut self.rest)?;
        let frequency = if first & 1 == 0 { 0 } else { take(&mut self.rest)? };
        let document = self.next.checked_add(usize::try_from(first >> 1).ok()?)?;
        if document >= self.documents {
            return None;
        }
        self.next = document + 1;
        let frequency = *self.frequencies.get(usize::try_from(frequency).ok()?)?;
        Some(Posting { document, frequency })
    }
}

impl Iterator for Postings<'_, '_> {
    type Item = Result<Posting, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let posting = self.read();
        if posting.is_none() {
            self.rest = &[];
        }
        Some(posting.ok_or(Malformed))
    }
}

/// Writes a number, 7 bits a byte, the lowest first; the highest bit says that more follow.
fn put(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Takes a number from the front of the bytes; none where it is cut off or longer than any that is written.
fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREQUENCIES: [f32; 3] = [0.5, 1.0, 7.25];

    fn posting(document: usize, frequency: f32) -> Posting {
        Posting { document, frequency }
    }

    #[test]
    fn postings_are_read_as_they_were_written() {
        let features = [
            (3, vec![posting(0, 0.5), posting(1, 1.0), posting(400, 7.25)]),
            (9, vec![posting(70_000, 0.5)]),
            (u64::MAX, vec![posting(0, 7.25)]),
        ];
        let mut bytes = Vec::new();
        Table::write(&features, &FREQUENCIES, &mut bytes);
        let mut rest = bytes.as_slice();
        let table = Table::read(&mut rest).expect("it was just written");
        assert!(rest.is_empty());
        assert_eq!((table.len(), table.find(4)), (3, None));
        for (feature, expected) in features {
            let place = table.find(feature).expect("it was just written");
            let read = |documents| -> Result<Vec<_>, _> { table.postings(place, documents, &FREQUENCIES)?.collect() };
            assert_eq!(read(70_001), Ok(expected.clone()));
            let last = expected.last().expect("each has one").document;
            assert_eq!(read(last), Err(Malformed), "a document that there is not");
        }
        assert!(table.postings(3, 70_001, &FREQUENCIES).is_err());
    }

    #[test]
    fn numbers_that_are_cut_off_or_endless_are_none() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX) << 1 | 1] {
            let mut bytes = Vec::new();
            put(number, &mut bytes);
            assert_eq!(take(&mut bytes.as_slice()), Some(number));
            assert_eq!(take(&mut &bytes[..bytes.len() - 1]), None, "{number}");
        }
        assert_eq!(take(&mut [0xff; 20].as_slice()), None);
    }
}
