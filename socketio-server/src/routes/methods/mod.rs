//! The methods by which handlers are registered, the same wherever they are.

mod around;
mod connections;
mod events;
mod running;

pub(crate) use around::around_methods;
pub(crate) use connections::connections_methods;
pub(crate) use events::events_methods;
pub(crate) use running::running_methods;

/// The methods by which handlers are registered. The type has a method `change_functions`, which
/// takes a change of a [`Layer`](super::Layer), drops what that returns, and returns what methods
/// return.
macro_rules! handler_methods {
    ($self:ident: $receiver:ty => $returned:ty) => {
        crate::routes::events_methods!($self: $receiver => $returned);
        crate::routes::around_methods!($self: $receiver => $returned);
        crate::routes::connections_methods!($self: $receiver => $returned);
        crate::routes::running_methods!($self: $receiver => $returned);
    };
}
pub(crate) use handler_methods;
