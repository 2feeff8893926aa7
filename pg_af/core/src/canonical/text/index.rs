//! First pass: the syntax is checked, and the members of every object are put in canonical order.

use super::super::string::{cmp_utf16, utf16_prefix};
use super::super::{JsonError, MAX_DEPTH};
use super::lexer::{Form, Lexer, Token, decode, syntax};

/// An object's key: a range of the text between its quotes or, where it has escapes, of `decoded`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is_decoded: bool,
}

/// Where a value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Scalar {
        form: Form,
        start: usize,
        end: usize,
    },
    /// The number of the container.
    Container(usize),
}

/// A member of an object: its key, what keys are ordered by first, and its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    prefix: u64,
    pub(super) key: Key,
    pub(super) value: Value,
}

/// An array or object. They are numbered in the order in which they start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The number of the first one that starts behind its end.
    pub(super) following: usize,
    /// An object's range of sorted `members`.
    pub(super) members: (usize, usize),
}

/// A container that is open while the text is indexed.
#[derive(Debug, Clone, Copy)]
struct Open {
    number: usize,
    is_object: bool,
    has_begun: bool,
    /// How many members were pending before it.
    pending: usize,
}

/// What is where in a text.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// In the order in which they start.
    pub(super) containers: Vec<Container>,
    pub(super) members: Vec<Member>,
    /// The keys that have escapes, decoded.
    pub(super) decoded: Vec<u8>,
    open: Vec<Open>,
    pending: Vec<Member>,
    orders: Orders,
}

impl Index {
    /// Checks the syntax of `text` and finds all there is in it; returns where the whole value is.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<Value, JsonError> {
        self.containers.clear();
        self.members.clear();
        self.decoded.clear();
        self.open.clear();
        self.pending.clear();

        let mut lexer = Lexer { text, at: 0 };
        lexer.skip_space();
        let value = self.read_value(&mut lexer)?;
        if let Value::Container(number) = value {
            self.read_container(&mut lexer, number)?;
        }
        lexer.skip_space();
        if lexer.at < text.len() { Err(syntax(lexer.at, "something follows the value")) } else { Ok(value) }
    }

    /// Takes a scalar, or the bracket of a container, which gets its number.
    #[inline(always)]
    fn read_value(&mut self, lexer: &mut Lexer<'_>) -> Result<Value, JsonError> {
        let start = lexer.at;
        match lexer.value()? {
            Token::Scalar(form) => Ok(Value::Scalar { form, start, end: lexer.at }),
            Token::Open => {
                // What lies behind it is filled in when it is closed.
                self.containers.push(Container { start, end: start, following: 0, members: (0, 0) });
                Ok(Value::Container(self.containers.len() - 1))
            }
        }
    }

    /// Takes a container, and all those in it, from behind its bracket.
    fn read_container(&mut self, lexer: &mut Lexer<'_>, number: usize) -> Result<(), JsonError> {
        let mut open = self.open(lexer.text, number);
        loop {
            let inner = if open.is_object {
                self.read_members(lexer, &mut open)?
            } else {
                self.read_elements(lexer, &mut open)?
            };
            if let Some(number) = inner {
                // Left until the container in it is done.
                if self.open.len() + 1 == MAX_DEPTH {
                    return Err(JsonError::TooDeep);
                }
                self.open.push(open);
                open = self.open(lexer.text, number);
                continue;
            }
            let following = self.containers.len();
            let container = &mut self.containers[open.number];
            (container.end, container.following) = (lexer.at, following);
            match self.open.pop() {
                Some(outer) => open = outer,
                None => return Ok(()),
            }
        }
    }

    fn open(&self, text: &[u8], number: usize) -> Open {
        let is_object = text[self.containers[number].start] == b'{';
        Open { number, is_object, has_begun: false, pending: self.pending.len() }
    }

    /// Takes elements up to the next that is a container, which is returned, or up to the array's end.
    fn read_elements(&mut self, lexer: &mut Lexer<'_>, open: &mut Open) -> Result<Option<usize>, JsonError> {
        loop {
            lexer.skip_space();
            match lexer.peek() {
                Some(b']') => {
                    lexer.at += 1;
                    return Ok(None);
                }
                Some(b',') if open.has_begun => {
                    lexer.at += 1;
                    lexer.skip_space();
                }
                _ if open.has_begun => return Err(syntax(lexer.at, "',' or ']' expected")),
                _ => open.has_begun = true,
            }
            if let Value::Container(number) = self.read_value(lexer)? {
                return Ok(Some(number));
            }
        }
    }

    /// Takes members up to the next whose value is a container, which is returned, or up to the object's end.
    fn read_members(&mut self, lexer: &mut Lexer<'_>, open: &mut Open) -> Result<Option<usize>, JsonError> {
        loop {
            lexer.skip_space();
            match lexer.peek() {
                Some(b'}') => {
                    lexer.at += 1;
                    self.close_object(lexer.text, *open)?;
                    return Ok(None);
                }
                Some(b',') if open.has_begun => {
                    lexer.at += 1;
                    lexer.skip_space();
                }
                _ if open.has_begun => return Err(syntax(lexer.at, "',' or '}' expected")),
                _ => open.has_begun = true,
            }
            let (prefix, key) = self.read_key(lexer)?;
            let value = self.read_value(lexer)?;
            self.pending.push(Member { prefix, key, value });
            if let Value::Container(number) = value {
                return Ok(Some(number));
            }
        }
    }

    /// Takes a key and its colon; the lexer is then at the member's value.
    #[inline(always)]
    fn read_key(&mut self, lexer: &mut Lexer<'_>) -> Result<(u64, Key), JsonError> {
        if lexer.peek() != Some(b'"') {
            return Err(syntax(lexer.at, "a key in quotes expected"));
        }
        let start = lexer.at + 1;
        let has_escapes = lexer.string()?;
        let end = lexer.at - 1;
        let key = if has_escapes {
            let decoded = self.decoded.len();
            decode(&lexer.text[start..end], &mut self.decoded);
            Key { start: decoded, end: self.decoded.len(), is_decoded: true }
        } else {
            Key { start, end, is_decoded: false }
        };
        lexer.skip_space();
        if lexer.peek() != Some(b':') {
            return Err(syntax(lexer.at, "':' expected"));
        }
        lexer.at += 1;
        lexer.skip_space();
        let source = if key.is_decoded { &self.decoded } else { lexer.text };
        Ok((utf16_prefix(source, key.start, key.end), key))
    }

    /// Appends an object's members in canonical order to `members`.
    fn close_object(&mut self, text: &[u8], open: Open) -> Result<(), JsonError> {
        let decoded = &self.decoded;
        let key = |member: &Member| key_bytes(text, decoded, member.key);
        let cmp = |a: &Member, b: &Member| a.prefix.cmp(&b.prefix).then_with(|| cmp_utf16(key(a), key(b)));
        let own = &mut self.pending[open.pending..];
        let first = self.members.len();
        let place = Orders::place(own);
        if !self.orders.apply(place, own, &mut self.members, |a, b| cmp(a, b).is_lt()) {
            own.sort_unstable_by(cmp);
            if own.windows(2).any(|pair| cmp(&pair[0], &pair[1]).is_eq()) {
                return Err(JsonError::DuplicateKey);
            }
            self.orders.keep(place, own);
            self.members.extend_from_slice(own);
        }
        self.pending.truncate(open.pending);
        self.containers[open.number].members = (first, self.members.len());
        Ok(())
    }
}

/// Orders that were found before, of objects with a few members: objects of a kind have theirs in the same one. Which is
/// tried is a guess, and whether it is the right one is seen from the members themselves.
#[derive(Debug, Default)]
struct Orders(Vec<[u8; Orders::MEMBERS]>);

impl Orders {
    /// So many members at the most.
    const MEMBERS: usize = 16;
    const PLACES: usize = 64;

    /// Where the order of members that come like these is kept, if it is.
    fn place(members: &[Member]) -> Option<usize> {
        let (first, last) = (members.first()?, members.last()?);
        let mixed = (first.prefix ^ last.prefix.rotate_left(32) ^ members.len() as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (2..=Self::MEMBERS).contains(&members.len()).then_some((mixed >> 58) as usize % Self::PLACES)
    }

    /// Appends `members` to `sorted` in the order that is kept at `place`, if each is then less than the next. Otherwise
    /// returns `false`, and `sorted` is as it was.
    #[inline]
    fn apply(
        &self,
        place: Option<usize>,
        members: &[Member],
        sorted: &mut Vec<Member>,
        is_less: impl Fn(&Member, &Member) -> bool,
    ) -> bool {
        let Some(order) = place.and_then(|place| self.0.get(place)) else { return false };
        let start = sorted.len();
        for number in &order[..members.len()] {
            let next = members.get(usize::from(*number));
            match next {
                Some(next) if sorted[start..].last().is_none_or(|last| is_less(last, next)) => {
                    sorted.push(*next)
                }
                _ => {
                    sorted.truncate(start);
                    return false;
                }
            }
        }
        // As many as there are, and all different: all of them.
        true
    }

    /// Keeps the order in which `sorted` members came, unless escapes hide it.
    fn keep(&mut self, place: Option<usize>, sorted: &[Member]) {
        let Some(place) = place.filter(|_| sorted.iter().all(|member| !member.key.is_decoded)) else {
            return;
        };
        let came = |member: &Member| sorted.iter().filter(|other| other.key.start < member.key.start).count();
        self.0.resize(Self::PLACES, [0; Self::MEMBERS]);
        for (number, member) in self.0[place].iter_mut().zip(sorted) {
            // There are at most 16.
            *number = came(member) as u8;
        }
    }
}

fn key_bytes<'a>(text: &'a [u8], decoded: &'a [u8], key: Key) -> &'a [u8] {
    let source = if key.is_decoded { decoded } else { text };
    &source[key.start..key.end]
}
