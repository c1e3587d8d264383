//! Patterns of namespaces: `/game/{id}`, `/room-{name}/chat`, `/files/{*path}`.

use std::sync::Arc;

use super::Params;

pub(super) struct Pattern {
    text: Box<str>,
    segments: Vec<Segment>,
}

/// What stands between two slashes.
enum Segment {
    Literal(Box<str>),
    Param {
        before: Box<str>,
        name: Arc<str>,
        after: Box<str>,
    },
    /// Everything from here on, slashes included.
    Rest(Arc<str>),
}

impl Pattern {
    /// # Panics
    /// If it is none.
    #[track_caller]
    pub(super) fn parse(text: &str) -> Self {
        let malformed = || -> ! { panic!("{text:?} is no pattern of namespaces") };
        let mut segments: Vec<Segment> = Vec::new();
        let Some(path) = text.strip_prefix('/') else {
            malformed();
        };
        for part in path.split('/') {
            let segment = Segment::parse(part);
            // Nothing can follow the rest.
            let follows_rest = matches!(segments.last(), Some(Segment::Rest(_)));
            match segment {
                Some(segment) if !follows_rest => segments.push(segment),
                _ => malformed(),
            }
        }
        Self {
            text: text.into(),
            segments,
        }
    }

    pub(super) const fn as_str(&self) -> &str {
        &self.text
    }

    /// The parameters in a name, if the pattern matches it.
    pub(super) fn params(&self, name: &str) -> Option<Params> {
        let mut rest = Some(name.strip_prefix('/')?);
        let mut params = Vec::new();
        for segment in &self.segments {
            let path = rest?;
            if let Segment::Rest(name) = segment {
                params.push((Arc::clone(name), path));
                rest = None;
                break;
            }
            let (part, following) = match path.split_once('/') {
                Some((part, following)) => (part, Some(following)),
                None => (path, None),
            };
            match segment {
                Segment::Param {
                    before,
                    name,
                    after,
                } => {
                    let value = part.strip_prefix(&**before)?.strip_suffix(&**after)?;
                    params.push((Arc::clone(name), value));
                }
                Segment::Literal(literal) if **literal == *part => {}
                Segment::Literal(_) | Segment::Rest(_) => return None,
            }
            rest = following;
        }
        let complete = rest.is_none() && params.iter().all(|(_, value)| !value.is_empty());
        complete.then(|| Params::new(params))
    }
}

impl Segment {
    fn parse(part: &str) -> Option<Self> {
        let Some((before, part)) = part.split_once('{') else {
            return (!part.contains('}')).then(|| Self::Literal(part.into()));
        };
        let (name, after) = part.split_once('}')?;
        if after.contains(['{', '}']) || before.contains('}') || name.contains('{') {
            return None;
        }
        if let Some(name) = name.strip_prefix('*') {
            let alone = before.is_empty() && after.is_empty() && !name.is_empty();
            return alone.then(|| Self::Rest(name.into()));
        }
        (!name.is_empty()).then(|| Self::Param {
            before: before.into(),
            name: name.into(),
            after: after.into(),
        })
    }
}
