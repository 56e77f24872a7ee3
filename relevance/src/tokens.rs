//! Words of a text, in any script: runs of letters and digits, lower-case, accents folded. Scripts that put no
//! spaces between words give pairs of neighbouring characters instead, which match well without a dictionary.

use crate::fold::{stem, unaccent};

/// The words of a text with their endings folded: what the index counts.
///
/// ```
/// assert_eq!(relevance::tokens("My cards, déjà vu"), ["my", "card", "deja", "vu"]);
/// assert_eq!(relevance::tokens("银行卡"), ["银行", "行卡"]);
/// ```
pub fn tokens(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_token(text, |word| words.push(stem(word).to_owned()));
    words
}

/// Calls `see` with each word of a text in order, lower-case and without accents, its ending as it stands.
/// Allocates one buffer for the whole text.
pub fn each_token(text: &str, see: impl FnMut(&str)) {
    let mut reader = Reader { see, word: String::new(), last: None, alone: false };
    let mut rest = text;
    loop {
        // Most text is plain letters; taking them run by run saves a third of the time.
        let plain = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if plain > 0 {
            reader.read_plain(&rest[..plain]);
        }
        let mut letters = rest[plain..].chars();
        let Some(letter) = letters.next() else { break };
        letter.to_lowercase().for_each(|lower| reader.read(unaccent(lower)));
        rest = letters.as_str();
    }
    reader.end_run();
}

/// What of the text has been read and not yet been seen.
struct Reader<F> {
    see: F,
    /// The letters of a word in a script with spaces.
    word: String,
    /// The last character of a run without spaces.
    last: Option<char>,
    /// Whether `last` is in no pair so far.
    alone: bool,
}

impl<F: FnMut(&str)> Reader<F> {
    fn read_plain(&mut self, letters: &str) {
        self.end_unspaced();
        let start = self.word.len();
        self.word.push_str(letters);
        self.word[start..].make_ascii_lowercase();
    }

    fn read(&mut self, letter: char) {
        if letter == ' ' {
            self.end_run();
        } else if joins(letter) {
        } else if unspaced(letter) {
            self.read_unspaced(letter);
        } else if letter.is_alphanumeric() {
            self.end_unspaced();
            self.word.push(letter);
        } else {
            self.end_run();
        }
    }

    fn read_unspaced(&mut self, letter: char) {
        self.end_word();
        // A tone mark or vowel sign belongs to the letter before it and tells little.
        if !letter.is_alphanumeric() {
            return;
        }
        self.alone = self.last.is_none();
        if let Some(last) = self.last {
            self.see_letters(&[last, letter]);
        }
        self.last = Some(letter);
    }

    fn see_letters(&mut self, letters: &[char]) {
        self.word.extend(letters);
        self.end_word();
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            (self.see)(&self.word);
            self.word.clear();
        }
    }

    fn end_unspaced(&mut self) {
        if let Some(last) = self.last.take()
            && self.alone
        {
            self.see_letters(&[last]);
        }
    }

    fn end_run(&mut self) {
        self.end_unspaced();
        self.end_word();
    }
}

/// Characters inside a word that are no letters: dropped, so that the word stays whole (`hasn't` is `hasnt`).
fn joins(letter: char) -> bool {
    matches!(
        letter,
        '\'' | '’' | 'ʼ' | '\u{ad}' | '\u{300}'
            ..='\u{36f}'
        // Viramas: silent marks between consonants of one word.
        | '\u{94d}' | '\u{9cd}' | '\u{a4d}' | '\u{acd}' | '\u{b4d}' | '\u{bcd}' | '\u{c4d}' | '\u{ccd}' | '\u{d4d}'
        | '\u{200c}' | '\u{200d}'
    )
}

/// Scripts without spaces between words; Hangul, whose particles are written onto the word, gains from pairs as well.
fn unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Myanmar
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
        | '\u{ac00}'..='\u{d7af}') // Hangul
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(tokens(text), expected, "{text}");
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        check("", &[]);
        check(" \t!?", &[]);
        check("Top-up of 20€ (visa)", &["top", "up", "of", "20", "visa"]);
        check("it hasn't, it hasn’t", &["it", "hasnt", "it", "hasnt"]);
    }

    #[test]
    fn case_and_accents_do_not_matter() {
        check("ÉCOLE école e\u{301}cole", &["ecol", "ecol", "ecol"]);
        check("ŽLUŤOUČKÝ", &["zlutouck"]);
        check("Ёлка елка", &["елк", "елк"]);
        check("ΟΔΌΣ οδός", &["οδοσ", "οδοσ"]);
        check("İstanbul ＡＢＣ", &["istanbul", "abc"]);
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        check("卡", &["卡"]);
        check("我的卡。丢", &["我的", "的卡", "丢"]);
        check("カードを停止", &["カー", "ード", "ドを", "を停", "停止"]);
        check("บัตรหาย", &["บั", "ัต", "ตร", "รห", "หา", "าย"]);
        check("카드 분실", &["카드", "분실"]);
        check("visa卡ok", &["visa", "卡", "ok"]);
    }

    #[test]
    fn other_scripts_with_spaces_stay_words() {
        check("بطاقتي لا تعمل", &["بطاقتي", "لا", "تعمل"]);
        check("क्रेडिट कार्ड", &["करेडिट", "कारड"]);
    }
}
