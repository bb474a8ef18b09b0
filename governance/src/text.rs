//! Text of strangers on a terminal.

/// Text as a terminal can show it. Control characters, and invisible ones that change the order of writing, are spelled
/// out: with them a proposal could erase or overwrite what is said about it (CVE-2021-42574 for the latter). Line breaks
/// and tabs stay.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\n' | '\t' => out.push(character),
            _ if character.is_control() || is_invisible(character) => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    out
}

/// Formatting characters without a shape of their own; joiners, which scripts and emoji need, are left alone.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_turns_writing_round_comes_through() {
        assert_eq!(printable("a\u{1b}[2Jb\u{7}\rc"), "a\\u{1b}[2Jb\\u{7}\\u{d}c");
        assert_eq!(printable("pay \u{202e}001\u{202c} \u{9b}1m"), "pay \\u{202e}001\\u{202c} \\u{9b}1m");
    }

    #[test]
    fn text_of_every_script_stays_as_it_is() {
        let text = "Größe, 価格, नमस्ते, می‌خواهم, e\u{301}, 👩\u{200d}🔧\n\t\"quoted\" \\ 'so'";
        assert_eq!(printable(text), text);
        assert_eq!(printable("two\r\nlines"), "two\nlines");
    }
}
