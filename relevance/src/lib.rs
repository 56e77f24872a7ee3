//! How well short texts of any script fit a question: BM25 over words, with what it takes to get words. Pure: no
//! randomness, no clock, no platform mathematics, so that the same texts rank the same on every machine and inside a
//! component.
//!
//! [`Index`] keeps many documents and changes with them; its clones are O(log n), so it can live in a snapshot.
//! [`Documents`] are compiled once and then compared with many questions; they lie in bytes that can be handed around.
//! Their [`Comparison`] also looks at pairs of words and at parts of words, which finds more.
//!
//! ```
//! let mut index = relevance::Index::default();
//! index.insert("card_arrival", &[("Card arrival", 2.0), ("My card has not arrived yet.", 1.0)]);
//! index.insert("exchange_rate", &[("Exchange rate", 2.0), ("What are your rates?", 1.0)]);
//! let ranked = index.rank("when do cards arrive?", 10);
//! assert_eq!(ranked[0].0, "card_arrival");
//! assert_eq!(ranked.len(), 1, "a document that shares no word is not ranked");
//! ```

#![forbid(unsafe_code)]

mod comparison;
mod documents;
mod features;
mod fold;
mod index;
mod query;
mod score;
mod tokens;

pub use comparison::Comparison;
pub use documents::{Documents, Malformed};
pub use fold::stem;
pub use index::Index;
pub use score::idf;
pub use tokens::{each_token, tokens};
