//! Names in attributes: of events, and of namespaces with their parameters.

use quote::quote;
use syn::{Error, Ident, LitStr, Result};

/// Events with these names are made by the library and never travel. The runtime has its own list,
/// which a test compares with this one.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Refuses a name that no event may have.
pub(crate) fn check_event(name: &LitStr) -> Result<()> {
    let text = name.value();
    if !RESERVED.contains(&text.as_str()) {
        return Ok(());
    }
    let instead = match text.as_str() {
        "connect" | "disconnect" | "disconnecting" => {
            format!("; in a class write `#[{text}]`, elsewhere register with `on_{text}`")
        }
        _ => ": choose another one".to_owned(),
    };
    let what = format!("`{text}` is a name that the library keeps for itself{instead}");
    Err(Error::new(name.span(), what))
}

/// The name of the event that a function handles if its attribute names none: its own.
pub(crate) fn of_function(function: &Ident) -> LitStr {
    let text = function.to_string();
    let text = text.strip_prefix("r#").unwrap_or(&text);
    LitStr::new(text, function.span())
}

/// Where the handlers of a class belong.
pub(crate) struct Path {
    pub(crate) text: LitStr,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    One,
    Pattern,
    Any,
}

impl Path {
    /// Reads a name, a pattern or `*`.
    pub(crate) fn new(text: LitStr) -> Result<Self> {
        let kind = kind(&text.value()).map_err(|what| Error::new(text.span(), what))?;
        Ok(Self { text, kind })
    }

    /// The type of the place it leads to.
    pub(crate) fn place(&self) -> proc_macro2::TokenStream {
        match self.kind {
            Kind::One => quote!(::socketio_server::Namespace),
            Kind::Pattern => quote!(::socketio_server::DynamicNamespace),
            Kind::Any => quote!(::socketio_server::AnyNamespace),
        }
    }
}

fn kind(path: &str) -> std::result::Result<Kind, String> {
    if path == "*" {
        return Ok(Kind::Any);
    }
    let mut names = Vec::new();
    let mut rest = path;
    while let Some(at) = rest.find(['{', '}']) {
        let (Some(open), Some(close)) = (rest.find('{'), rest.find('}')) else {
            let which = &rest[at..=at];
            return Err(format!(
                "`{which}` has no partner: a parameter is written `{{id}}`"
            ));
        };
        if close < open {
            return Err("`}` has no partner: a parameter is written `{id}`".to_owned());
        }
        let name = &rest[open + 1..close];
        if syn::parse_str::<Ident>(name.trim_start_matches('*')).is_err() {
            return Err(format!(
                "`{{{name}}}` is no parameter: write a name between the braces, as in `{{id}}`"
            ));
        }
        if names.contains(&name) {
            return Err(format!("the parameter `{name}` appears twice"));
        }
        names.push(name);
        rest = &rest[close + 1..];
    }
    Ok(if names.is_empty() {
        Kind::One
    } else {
        Kind::Pattern
    })
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use socketio_proto::{EncodeError, Encoder, Revision};

    use super::*;

    #[test]
    fn the_runtime_reserves_the_same_names() {
        let encoder = Encoder::new(Revision::V5, 0);
        for name in RESERVED {
            let refused = encoder.event("/", None, name, &()).unwrap_err();
            assert!(matches!(refused, EncodeError::ReservedEvent), "{name}");
        }
        for name in ["error", "message", "ping", "reconnect"] {
            assert!(encoder.event("/", None, name, &()).is_ok(), "{name}");
            check_event(&LitStr::new(name, Span::call_site())).unwrap();
        }
    }

    #[test]
    fn a_reserved_name_is_refused_with_what_to_write_instead() {
        for (name, instead) in [
            ("connect", "write `#[connect]`"),
            ("disconnecting", "`on_disconnecting`"),
            ("newListener", "choose another one"),
        ] {
            let refused = check_event(&LitStr::new(name, Span::call_site())).unwrap_err();
            assert!(refused.to_string().contains(instead), "{refused}");
        }
    }

    #[test]
    fn a_path_is_a_name_a_pattern_or_everything() {
        for (path, expected) in [
            ("/", Kind::One),
            ("/chat", Kind::One),
            ("chat", Kind::One),
            ("/game/{id}", Kind::Pattern),
            ("/{org}/{repo}", Kind::Pattern),
            ("/files/{*rest}", Kind::Pattern),
            ("*", Kind::Any),
        ] {
            assert_eq!(kind(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn a_broken_pattern_is_refused_with_its_reason() {
        for (path, reason) in [
            ("/game/{id", "no partner"),
            ("/game/id}", "no partner"),
            ("/game/}id{", "no partner"),
            ("/game/{}", "write a name"),
            ("/game/{a b}", "write a name"),
            ("/{id}/{id}", "appears twice"),
        ] {
            let refused = kind(path).unwrap_err();
            assert!(refused.contains(reason), "{path}: {refused}");
        }
    }
}
