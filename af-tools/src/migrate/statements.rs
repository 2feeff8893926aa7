//! Where a script's statements begin and end, so that an error can be told by its line.
//!
//! The rules are those by which psql splits its input (`src/fe_utils/psqlscan.l`): a semicolon ends a statement unless
//! it is within quotes, a comment, parentheses, or the body of a routine in the SQL-standard form (`BEGIN ATOMIC`).

/// One statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// From its first word to the semicolon, which is left out.
    pub(super) text: &'a str,
    /// The line of its first word, from 1.
    pub(super) line: usize,
    /// Its first words in upper case, as many as there are up to [`WORDS`].
    words: Vec<String>,
}

/// How many words tell what kind of statement it is (`CREATE OR REPLACE FUNCTION`).
const WORDS: usize = 4;

impl Statement<'_> {
    /// The line of the character at `position`, which the server counts from 1.
    pub(super) fn line_at(&self, position: usize) -> usize {
        let before = self.text.chars().take(position.saturating_sub(1));
        self.line + before.filter(|char| *char == '\n').count()
    }

    /// Its first line, cut to a bearable length.
    pub(super) fn excerpt(&self) -> String {
        const LONGEST_CHARS: usize = 60;
        let first = self.text.lines().next().unwrap_or_default().trim_end();
        let excerpt: String = first.chars().take(LONGEST_CHARS).collect();
        if excerpt.len() < self.text.len() { format!("{excerpt}…") } else { excerpt }
    }

    /// Whether it would begin or end a transaction, in which somebody else's work may be too.
    pub(super) fn is_transaction_control(&self) -> bool {
        let word = |index: usize| self.words.get(index).map_or("", String::as_str);
        match word(0) {
            "BEGIN" | "START" | "COMMIT" | "END" | "ABORT" => true,
            "PREPARE" => word(1) == "TRANSACTION",
            // ROLLBACK [WORK | TRANSACTION] TO a savepoint stays within.
            "ROLLBACK" => word(1) != "TO" && word(2) != "TO",
            _ => false,
        }
    }
}

/// The statements of `script`, in order. What is not ended (a quote, a comment) goes on to the end of the script; the
/// server says what is wrong with it.
pub(super) fn split(script: &str) -> Vec<Statement<'_>> {
    let mut scanner = Scanner { script, at: 0 };
    let mut statements = Vec::new();
    let mut current = Current::default();
    loop {
        let start = scanner.at;
        let token = scanner.next();
        match token {
            Token::Space => continue,
            Token::End => {
                current.finish(script, start, &mut statements);
                return statements;
            }
            Token::Semicolon if current.is_outermost() => {
                current.finish(script, start, &mut statements);
                continue;
            }
            Token::Open => current.parentheses += 1,
            Token::Close => current.parentheses = current.parentheses.saturating_sub(1),
            Token::Word => current.word(&script[start..scanner.at]),
            Token::Semicolon | Token::Other => {}
        }
        current.start.get_or_insert(start);
    }
}

/// The statement that is being read.
#[derive(Default)]
struct Current {
    start: Option<usize>,
    words: Vec<String>,
    parentheses: usize,
    /// How many `BEGIN` and `CASE` of a routine's body wait for their `END`.
    blocks: usize,
}

impl Current {
    fn is_outermost(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn word(&mut self, word: &str) {
        let word = word.to_ascii_uppercase();
        if self.is_routine() && self.parentheses == 0 {
            match word.as_str() {
                "BEGIN" => self.blocks += 1,
                "CASE" if self.blocks > 0 => self.blocks += 1,
                "END" => self.blocks = self.blocks.saturating_sub(1),
                _ => {}
            }
        }
        if self.words.len() < WORDS {
            self.words.push(word);
        }
    }

    /// `CREATE [OR REPLACE] {FUNCTION | PROCEDURE}`
    fn is_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["CREATE", "FUNCTION" | "PROCEDURE", ..] | ["CREATE", "OR", "REPLACE", "FUNCTION" | "PROCEDURE"]
        )
    }

    fn finish<'a>(&mut self, script: &'a str, end: usize, statements: &mut Vec<Statement<'a>>) {
        let Self { start, words, .. } = std::mem::take(self);
        if let Some(start) = start {
            let line = 1 + script[..start].matches('\n').count();
            statements.push(Statement { text: script[start..end].trim_end(), line, words });
        }
    }
}

enum Token {
    /// White space or a comment.
    Space,
    /// A key word or a name without quotes.
    Word,
    Open,
    Close,
    Semicolon,
    /// A literal, a name in quotes, an operator.
    Other,
    End,
}

struct Scanner<'a> {
    script: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.script[self.at..]
    }

    fn next(&mut self) -> Token {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Token::End };
        let (length, token) = match first {
            '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), Token::Space),
            '/' if rest.starts_with("/*") => (comment(rest), Token::Space),
            '\'' => (quoted(rest, '\'', false), Token::Other),
            '"' => (quoted(rest, '"', false), Token::Other),
            'e' | 'E' if rest[1..].starts_with('\'') => (1 + quoted(&rest[1..], '\'', true), Token::Other),
            '$' => (dollar_quoted(rest).unwrap_or(1), Token::Other),
            '(' => (1, Token::Open),
            ')' => (1, Token::Close),
            ';' => (1, Token::Semicolon),
            char if char.is_ascii_whitespace() => (1, Token::Space),
            char if begins_word(char) => {
                (rest.find(|char| !continues_word(char)).unwrap_or(rest.len()), Token::Word)
            }
            // A digit too: what follows it is no word of its own.
            char if char.is_ascii_digit() => {
                (rest.find(|char| !continues_word(char)).unwrap_or(rest.len()), Token::Other)
            }
            char => (char.len_utf8(), Token::Other),
        };
        self.at += length;
        token
    }
}

fn begins_word(char: char) -> bool {
    char.is_ascii_alphabetic() || char == '_' || !char.is_ascii()
}

fn continues_word(char: char) -> bool {
    begins_word(char) || char.is_ascii_digit() || char == '$'
}

/// The length of the comment that `text` begins with; comments nest.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of what stands in quotes at the beginning of `text`. A doubled quote is read as the end and a new
/// beginning, which comes to the same.
fn quoted(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        if char == '\\' && has_escapes {
            chars.next();
        } else if char == quote {
            return match text[at + 1..].starts_with(quote) {
                // In an escape string what follows has escapes too.
                true => at + 1 + quoted(&text[at + 1..], quote, has_escapes),
                false => at + 1,
            };
        }
    }
    text.len()
}

/// The length of the dollar-quoted literal that `text` begins with; nothing where the dollar begins none.
fn dollar_quoted(text: &str) -> Option<usize> {
    let name = &text[1..];
    let length = name.find('$')?;
    let mut chars = name[..length].chars();
    let is_tag =
        chars.next().is_none_or(begins_word) && chars.all(|char| char != '$' && continues_word(char));
    if !is_tag {
        return None;
    }
    let tag = &text[..length + 2];
    let body = &text[tag.len()..];
    Some(body.find(tag).map_or(text.len(), |end| tag.len() + end + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<&str> {
        split(script).iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn semicolons_end_statements_where_they_stand_alone() {
        assert_eq!(texts(""), [""; 0]);
        assert_eq!(texts(" -- nothing; here\n;;/* nor; /* here; */; */ ; "), [""; 0]);
        assert_eq!(texts("SELECT 1; SELECT 2 ;\nSELECT 3\n"), ["SELECT 1", "SELECT 2", "SELECT 3"]);
        for one in [
            "SELECT ';', 'it''s; ', \"a\"\";b\"",
            r"SELECT 'a\', e'b\';''\';', E'\\'",
            "SELECT $$;$$, $a_1$ ; $$ ; $b$ ; $a_1$, $é$;$é$",
            "PREPARE p (int) AS SELECT $1, a$b$c -- ; \n /* ; */ , 2",
            "CREATE RULE r AS ON UPDATE TO t DO ALSO (DELETE FROM a; DELETE FROM b)",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END",
            "create or replace procedure p(begin int) begin atomic delete from a; end",
            "SELECT 'not ended; and so on",
            "SELECT $x$ not ended; $X$",
            "/* not ended; */ SELECT /* ; ",
        ] {
            let script = format!("{one};\nCOMMIT");
            let statements = texts(&script);
            match one {
                "SELECT 'not ended; and so on" | "SELECT $x$ not ended; $X$" => {
                    assert_eq!(statements, [script.trim_end()], "{one}");
                }
                "/* not ended; */ SELECT /* ; " => {
                    assert_eq!(statements, [script.split_once("*/ ").unwrap().1], "{one}");
                }
                _ => assert_eq!(statements, [one, "COMMIT"], "{one}"),
            }
        }
        // Outside of a routine's body, BEGIN is a statement.
        assert_eq!(texts("BEGIN; SELECT 1; END; SELECT 2"), ["BEGIN", "SELECT 1", "END", "SELECT 2"]);
        assert_eq!(
            texts("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; BEGIN; END"),
            ["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "BEGIN", "END"]
        );
    }

    #[test]
    fn lines_are_counted_from_the_top() {
        let script = "-- a comment\n\nSELECT 1;\n\n/* two\nlines */ SELECT 'é\n', 2 +\n 'x';";
        let statements = split(script);
        let lines: Vec<usize> = statements.iter().map(|statement| statement.line).collect();
        assert_eq!(lines, [3, 6]);
        let second = &statements[1];
        assert_eq!(second.line_at(1), 6);
        let position = second.text.chars().position(|char| char == 'x').unwrap() + 1;
        assert_eq!(second.line_at(position), 8);
        assert_eq!(second.excerpt(), "SELECT 'é…");
        assert_eq!(statements[0].excerpt(), "SELECT 1");
    }

    #[test]
    fn transaction_control_is_told_from_what_looks_like_it() {
        for text in [
            "begin",
            "START TRANSACTION",
            "commit work",
            "END",
            "ABORT",
            "PREPARE TRANSACTION 'x'",
            "ROLLBACK",
            "ROLLBACK PREPARED 'x'",
        ] {
            assert!(split(text)[0].is_transaction_control(), "{text}");
        }
        for text in [
            "ROLLBACK TO s",
            "ROLLBACK WORK TO SAVEPOINT s",
            "SAVEPOINT s",
            "RELEASE s",
            "PREPARE p AS SELECT 1",
            "DO 'BEGIN END'",
            "SELECT 1",
        ] {
            assert!(!split(text)[0].is_transaction_control(), "{text}");
        }
    }
}
