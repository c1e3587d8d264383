//! Memberships that a client has given up before their CONNECT was answered. A second CONNECT ahead
//! of that answer is a violation to servers, so it is kept back here.

use std::borrow::Cow;

use crate::{Encoded, decode::owned_name};

#[derive(Debug, Default)]
pub(crate) struct GivenUp(Vec<Unanswered>);

/// A CONNECT whose answer nobody waits for.
#[derive(Debug)]
struct Unanswered {
    name: Cow<'static, str>,
    /// To be sent after the answer, if that is still wanted.
    next: Option<Encoded>,
}

impl GivenUp {
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// A membership has been given up. `asked`: whether its CONNECT has been sent, if it was not kept
    /// back.
    pub(crate) fn add(&mut self, name: &str, asked: bool) {
        if asked && !self.contains(name) {
            self.0.push(Unanswered {
                name: owned_name(name),
                next: None,
            });
        }
    }

    /// Hands the CONNECT back if it can be sent at once.
    pub(crate) fn keep_back(&mut self, name: &str, next: Encoded) -> Option<Encoded> {
        let Some(index) = self.position(name) else {
            return Some(next);
        };
        self.0[index].next = Some(next);
        None
    }

    /// The answer has come: gives out what is to be sent now, if there is something.
    pub(crate) fn answered(&mut self, name: &str) -> Option<Encoded> {
        let index = self.position(name)?;
        self.0.remove(index).next
    }

    /// There will be no answers.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|it| it.name == name)
    }
}
