//! Documents that never change, as flat columns.

/// Documents and their words. A document's number is the place of its key among the keys.
pub(super) struct Segment<K> {
    /// Ascending.
    pub(super) keys: Vec<K>,
    /// Each document's length, in thousandths of a word.
    pub(super) lengths: Vec<u32>,
    /// Each word that one of them has, ascending.
    pub(super) words: Vec<u64>,
    /// Where each word's list of postings ends; it begins where that of the word before ends.
    pub(super) list_ends: Vec<usize>,
    /// A posting's document, ascending in each list.
    pub(super) documents: Vec<u32>,
    /// A posting's frequency, in thousandths.
    pub(super) frequencies: Vec<u32>,
    /// The words of each document by their places, document by document, so that one can be taken out.
    pub(super) places: Vec<u32>,
    /// Where each document's places end.
    pub(super) places_ends: Vec<usize>,
    /// What bounds each word.
    pub(super) peaks: Vec<Peak>,
}

/// In which documents a word is, ascending, and how often, in thousandths.
#[derive(Clone, Copy, Default)]
pub(super) struct List<'a> {
    pub(super) documents: &'a [u32],
    pub(super) frequencies: &'a [u32],
}

impl<'a> List<'a> {
    /// Takes what is of documents below this one off the front.
    pub(super) fn take_below(&mut self, end: usize) -> List<'a> {
        let count = lead(self.documents, end);
        let (documents, documents_after) = self.documents.split_at(count);
        let (frequencies, frequencies_after) = self.frequencies.split_at(count);
        *self = List { documents: documents_after, frequencies: frequencies_after };
        List { documents, frequencies }
    }
}

/// How many of these numbers, which ascend, are below `end`; in steps that double, as it is seldom far.
fn lead(numbers: &[u32], end: usize) -> usize {
    let below = |number: &u32| (*number as usize) < end;
    let mut step = 1;
    while numbers.get(step - 1).is_some_and(below) {
        step *= 2;
    }
    let known = step / 2;
    known + numbers[known..step.min(numbers.len())].partition_point(below)
}

/// What bounds the share of a word that any document earns.
#[derive(Clone, Copy, Default)]
pub(super) struct Peak {
    /// The highest frequency, in thousandths.
    pub(super) frequency: u32,
    /// The highest frequency by length, at most 1.
    pub(super) density: f32,
}

impl<K> Default for Segment<K> {
    fn default() -> Self {
        Segment {
            keys: Vec::new(),
            lengths: Vec::new(),
            words: Vec::new(),
            list_ends: Vec::new(),
            documents: Vec::new(),
            frequencies: Vec::new(),
            places: Vec::new(),
            places_ends: Vec::new(),
            peaks: Vec::new(),
        }
    }
}

impl<K: Ord> Segment<K> {
    /// The number of the document with this key.
    pub(super) fn find(&self, key: &K) -> Option<u32> {
        self.keys.binary_search(key).ok().map(number)
    }
}

impl<K> Segment<K> {
    /// How many documents there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The place of a word among the words.
    pub(super) fn place(&self, word: u64) -> Option<usize> {
        self.words.binary_search(&word).ok()
    }

    /// The documents that have the word at a place.
    pub(super) fn list(&self, place: usize) -> List<'_> {
        let range = range(&self.list_ends, place);
        List { documents: &self.documents[range.clone()], frequencies: &self.frequencies[range] }
    }

    /// The places of a document's words.
    pub(super) fn places_of(&self, document: u32) -> &[u32] {
        &self.places[range(&self.places_ends, document as usize)]
    }

    /// Works out what bounds each word, once the rest is complete.
    pub(super) fn with_peaks(self) -> Self {
        let peak = |place| {
            let List { documents, frequencies } = self.list(place);
            let postings = documents.iter().zip(frequencies);
            postings.fold(Peak::default(), |peak, (document, frequency)| {
                let density = *frequency as f32 / self.lengths[*document as usize] as f32;
                Peak { frequency: peak.frequency.max(*frequency), density: peak.density.max(density) }
            })
        };
        let peaks = (0..self.words.len()).map(peak).collect();
        Segment { peaks, ..self }
    }
}

/// What lies between two ends.
fn range(ends: &[usize], place: usize) -> std::ops::Range<usize> {
    let start = if place == 0 { 0 } else { ends[place - 1] };
    start..ends[place]
}

/// A place as the columns keep it.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).expect("four thousand million documents or words do not fit in memory")
}
