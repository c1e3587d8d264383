//! The attributes of `socketio-server`, which re-exports them: use them from there.
//!
//! ```text
//!  #[namespace("/game/{id}")] impl Game { … }     class.rs     a type whose methods are handlers
//!  #[event] async fn chat(…) { … }                function.rs  a handler that knows its event
//!  #[derive(Event)] struct Move { … }             event.rs     an event that knows its shape
//!                                   └── role.rs handling.rs names.rs: attributes, signatures, names
//! ```
//!
//! What they generate is written against the public API of `socketio-server`, and what they refuse
//! they refuse with what to write instead.

mod class;
mod event;
mod function;
mod handling;
mod names;
mod role;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemFn, ItemImpl, LitStr, parse_macro_input};

/// Makes a type a class-based namespace: its methods handle the events of the namespace, and one
/// value of it serves all clients.
///
/// The argument is the namespace's name, a pattern with parameters (`"/game/{id}"`), or `"*"` for
/// all namespaces; without one it is `/`.
///
/// A method takes what any handler takes, behind `&self` or `self: Arc<Self>`, and is async or
/// plain. Its attribute says what it handles:
///
/// | attribute | the method |
/// |---|---|
/// | `#[event]`, `#[event("name")]` | handles an event, by default of the method's name; behind the name may stand how to run it: `ordered`, `spawned`, `blocking`, `cancel_on_disconnect` |
/// | `#[event(typed)]` | handles the typed event that its first parameter is |
/// | `#[before_connect]` | must let a client pass before it can connect; there may be several, in order |
/// | `#[connect]` | decides about clients that want to connect |
/// | `#[upgrade]` | runs when a client has moved from polling to websocket |
/// | `#[disconnecting]` | runs while a socket that goes is still in its rooms |
/// | `#[disconnect]` | runs when a socket has gone |
/// | `#[fallback]` | handles events without a handler |
/// | `#[error]` | hears of errors and panics of the other methods; what it returns is the acknowledgement |
///
/// Methods without an attribute are left alone.
#[proc_macro_attribute]
pub fn namespace(path: TokenStream, block: TokenStream) -> TokenStream {
    let path = match path.is_empty() {
        true => None,
        false => Some(parse_macro_input!(path as LitStr)),
    };
    let block = parse_macro_input!(block as ItemImpl);
    finish(class::expand(path, block))
}

/// Makes a function the handler of an event, which has the function's name unless the attribute
/// says another: `#[event("chat message")]`, or `#[event(typed)]` if the first parameter is a typed
/// event, whose name it then is. Behind it may stand how to run it: `ordered`,
/// `spawned`, `blocking`, `cancel_on_disconnect`.
///
/// The function is then passed to `register` of the server or of a namespace. It can no longer be
/// called like a function.
///
/// In the impl block of a [`namespace`](macro@namespace) it marks a method that handles an event.
#[proc_macro_attribute]
pub fn event(options: TokenStream, function: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as role::EventOptions);
    let function = parse_macro_input!(function as ItemFn);
    finish(function::expand(&options, function))
}

/// Makes a struct an event of the name in `#[event("name")]`.
///
/// Its fields are the arguments: those without names one after the other, those with names as one
/// object; a struct without fields has none. How each is written is up to `serde`, whose
/// `Serialize` is needed where the event is sent, and whose `Deserialize` where it is handled.
///
/// `#[event("name", ack = bool)]` says what answers it; without it that is nothing.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    finish(event::expand(&input))
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
