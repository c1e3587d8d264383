//! A walk through JSON text, value by value, that builds nothing: which objects stand for
//! attachments, and how much is in each container, is known when it closes.

/// The steps through a text of valid JSON; several values may stand side by side, with commas
/// between them.
pub(crate) struct Walk<'a> {
    text: &'a str,
    at: usize,
    levels: Vec<Level>,
}

pub(crate) enum Step<'a> {
    /// A container begins, as many levels deep as say so.
    Open { depth: usize },
    /// The innermost container ends.
    Close(Container),
    /// A key, or a value that is no container, as it is spelled.
    Token(&'a str),
}

/// What was in a container.
pub(crate) struct Container {
    pub(crate) is_object: bool,
    /// Values of an array, members of an object.
    pub(crate) len: usize,
    /// Of a placeholder, the attachment it asks for; `usize::MAX` if there can be none.
    ///
    /// A placeholder is an object whose `_placeholder` is `true`; other keys are ignored, and of
    /// duplicate keys the last counts, as in JavaScript. Its `num` has to be written as a plain
    /// integer.
    pub(crate) placeholder: Option<usize>,
}

impl<'a> Walk<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            levels: Vec::new(),
        }
    }

    #[inline]
    fn open(&mut self, is_object: bool) -> Step<'a> {
        if let Some(level) = self.levels.last_mut() {
            level.value("");
        }
        self.levels.push(Level::new(is_object));
        Step::Open {
            depth: self.levels.len(),
        }
    }

    #[inline]
    fn token(&mut self) -> Option<Step<'a>> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at = match bytes.get(start)? {
            b'"' => string_end(bytes, start)?,
            _ => scalar_end(bytes, start).max(start + 1),
        };
        let token = self.text.get(start..self.at)?;
        if let Some(level) = self.levels.last_mut() {
            level.token(token);
        }
        Some(Step::Token(token))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<'a>;

    #[inline]
    fn next(&mut self) -> Option<Step<'a>> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b',' => {
                    if let Some(level) = self.levels.last_mut() {
                        level.expects_key = level.is_object;
                    }
                }
                b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
                byte @ (b'{' | b'[') => {
                    self.at += 1;
                    return Some(self.open(*byte == b'{'));
                }
                b'}' | b']' => {
                    self.at += 1;
                    return Some(Step::Close(self.levels.pop()?.into()));
                }
                _ => return self.token(),
            }
            self.at += 1;
        }
    }
}

/// One open object or array.
struct Level {
    is_object: bool,
    expects_key: bool,
    len: usize,
    key: Key,
    flagged: bool,
    num: usize,
}

#[derive(Clone, Copy)]
enum Key {
    Flag,
    Num,
    Other,
}

impl Level {
    fn new(is_object: bool) -> Self {
        Self {
            is_object,
            expects_key: is_object,
            len: 0,
            key: Key::Other,
            flagged: false,
            num: usize::MAX,
        }
    }

    #[inline]
    fn token(&mut self, token: &str) {
        if !self.expects_key {
            return self.value(token);
        }
        self.expects_key = false;
        self.key = match token {
            r#""_placeholder""# => Key::Flag,
            r#""num""# => Key::Num,
            _ if !token.contains('\\') => Key::Other,
            escaped => match serde_json::from_str::<String>(escaped).as_deref() {
                Ok("_placeholder") => Key::Flag,
                Ok("num") => Key::Num,
                _ => Key::Other,
            },
        };
    }

    /// A value, empty if it is a container.
    fn value(&mut self, token: &str) {
        self.len += 1;
        match self.key {
            Key::Flag => self.flagged = token == "true",
            Key::Num => self.num = token.parse().unwrap_or(usize::MAX),
            Key::Other => {}
        }
    }
}

impl From<Level> for Container {
    fn from(level: Level) -> Self {
        Self {
            is_object: level.is_object,
            len: level.len,
            placeholder: level.flagged.then_some(level.num),
        }
    }
}

/// The index behind the closing quote of the string that opens at `start`.
pub(crate) fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The index behind the number or literal that starts at `start`.
pub(crate) fn scalar_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes[start..].iter();
    start
        + rest
            .take_while(
                |byte| matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z'),
            )
            .count()
}
