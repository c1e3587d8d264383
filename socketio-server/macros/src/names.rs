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

/// The runtime refuses the same, but only once the program runs.
fn kind(path: &str) -> std::result::Result<Kind, String> {
    if path == "*" {
        return Ok(Kind::Any);
    }
    if !path.contains(['{', '}']) {
        return Ok(Kind::One);
    }
    let Some(segments) = path.strip_prefix('/') else {
        return Err("a pattern starts with a slash: `/game/{id}`".to_owned());
    };
    let mut names = Vec::new();
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        let Some(name) = parameter(segment)? else {
            continue;
        };
        let (name, is_rest) = match name.strip_prefix('*') {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        if syn::parse_str::<Ident>(name).is_err() {
            return Err(format!(
                "write the name of a parameter between the braces of `{segment}`, as in `{{id}}`"
            ));
        }
        if is_rest
            && (segments.peek().is_some() || !segment.starts_with('{') || !segment.ends_with('}'))
        {
            return Err(format!(
                "`{{*{name}}}` takes all there is: it stands alone, at the end"
            ));
        }
        if names.contains(&name) {
            return Err(format!("the parameter `{name}` appears twice"));
        }
        names.push(name);
    }
    Ok(Kind::Pattern)
}

/// What stands between the braces of a segment.
fn parameter(segment: &str) -> std::result::Result<Option<&str>, String> {
    if !segment.contains(['{', '}']) {
        return Ok(None);
    }
    let inside = segment.split_once('{').and_then(|(before, rest)| {
        let (name, after) = rest.split_once('}')?;
        let is_paired = ![before, name, after]
            .iter()
            .any(|it| it.contains(['{', '}']));
        is_paired.then_some(name)
    });
    match inside {
        Some(name) => Ok(Some(name)),
        None => Err(format!(
            "`{segment}` has more or less than one parameter: it is written `{{id}}`, one between two slashes"
        )),
    }
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
            ("/room-{name}/chat", Kind::Pattern),
            ("/files/{*rest}", Kind::Pattern),
            ("*", Kind::Any),
        ] {
            assert_eq!(kind(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn a_broken_pattern_is_refused_with_its_reason() {
        for (path, reason) in [
            ("/game/{id", "more or less than one parameter"),
            ("/game/id}", "more or less than one parameter"),
            ("/game/}id{", "more or less than one parameter"),
            ("/{a}{b}", "more or less than one parameter"),
            ("/game/{}", "write the name"),
            ("/game/{a b}", "write the name"),
            ("/{*rest}/more", "stands alone"),
            ("/a{*rest}", "stands alone"),
            ("game/{id}", "starts with a slash"),
            ("/{id}/{id}", "appears twice"),
        ] {
            let refused = kind(path).unwrap_err();
            assert!(refused.contains(reason), "{path}: {refused}");
        }
    }
}
