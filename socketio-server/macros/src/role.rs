//! What a function handles, as its attribute says.

use std::fmt;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Ident, LitStr, Meta, Result, Token, Type};

use crate::handling::{Answer, Handling};
use crate::names;

/// What a method of a class is for.
pub(crate) enum Role {
    /// Handles events of a name, its own if there is none.
    Event(EventOptions),
    /// Anything else: the word of the attribute.
    Other(Other),
}

/// The other attributes, each for one method of a class, and what they register with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    BeforeConnect,
    Connect,
    Upgrade,
    Disconnecting,
    Disconnect,
    Fallback,
    Error,
}

impl Other {
    const ALL: [(&str, Self); 7] = [
        ("before_connect", Self::BeforeConnect),
        ("connect", Self::Connect),
        ("upgrade", Self::Upgrade),
        ("disconnecting", Self::Disconnecting),
        ("disconnect", Self::Disconnect),
        ("fallback", Self::Fallback),
        ("error", Self::Error),
    ];

    pub(crate) fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, it)| *it == self);
        found.map_or("", |(word, _)| word)
    }

    /// The method that registers it.
    pub(crate) fn registration(self) -> TokenStream {
        match self {
            Self::BeforeConnect => quote!(before_connect),
            Self::Connect => quote!(on_connect),
            Self::Upgrade => quote!(on_upgrade),
            Self::Disconnecting => quote!(on_disconnecting),
            Self::Disconnect => quote!(on_disconnect),
            Self::Fallback => quote!(on_fallback),
            Self::Error => quote!(on_error),
        }
    }

    /// Whom it answers.
    pub(crate) fn answer(self) -> Answer<'static> {
        match self {
            Self::BeforeConnect | Self::Connect => Answer::Connect,
            _ => Answer::Event,
        }
    }
}

impl Role {
    /// Takes the attribute with a role off a method; none is left then.
    pub(crate) fn take(attributes: &mut Vec<Attribute>) -> Result<Option<(Self, Span)>> {
        let mut roles = attributes.extract_if(.., |it| is_role(it));
        let Some(first) = roles.next() else {
            return Ok(None);
        };
        if let Some(second) = roles.next() {
            let what = "a method handles one thing: give this one a method of its own";
            return Err(Error::new(second.span(), what));
        }
        Ok(Some((Self::read(&first)?, first.path().span())))
    }

    fn read(attribute: &Attribute) -> Result<Self> {
        let word = attribute.path().require_ident()?;
        if word == "event" {
            let options = match &attribute.meta {
                Meta::Path(_) => EventOptions::default(),
                _ => attribute.parse_args()?,
            };
            return Ok(Self::Event(options));
        }
        let other = Other::ALL.iter().find(|(it, _)| word == it);
        let Some((_, other)) = other else {
            return Err(Error::new(word.span(), "is no role"));
        };
        attribute.meta.require_path_only().map_err(|_| {
            let what =
                format!("`#[{word}]` stands alone: names of events go into `#[event(\"…\")]`");
            Error::new(attribute.span(), what)
        })?;
        Ok(Self::Other(*other))
    }
}

fn is_role(attribute: &Attribute) -> bool {
    let Some(word) = attribute.path().get_ident() else {
        return false;
    };
    word == "event" || Other::ALL.iter().any(|(it, _)| word == it)
}

/// What stands in the parentheses of `#[event("name", ordered)]`.
#[derive(Default)]
pub(crate) struct EventOptions {
    name: Option<LitStr>,
    /// The name is that of the event which the first parameter is.
    typed: Option<Ident>,
    manners: Vec<Ident>,
}

/// How a handler can be run: methods of `Handler`.
const MANNERS: [&str; 4] = ["ordered", "spawned", "blocking", "cancel_on_disconnect"];

/// In place of a name: the first parameter is the event.
const TYPED: &str = "typed";

impl Parse for EventOptions {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        if input.peek(LitStr) {
            let name: LitStr = input.parse()?;
            names::check_event(&name)?;
            options.name = Some(name);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let words = Punctuated::<Ident, Token![,]>::parse_terminated(input)
            .map_err(|error| usage(error.span()))?;
        for word in words {
            if word == TYPED && options.name.is_none() {
                options.typed = Some(word);
            } else if MANNERS.iter().any(|it| word == it) {
                options.manners.push(word);
            } else {
                return Err(usage(word.span()));
            }
        }
        Ok(options)
    }
}

fn usage(span: Span) -> Error {
    let manners = MANNERS.join("`, `");
    let what = format!(
        "write the event's name in quotes, or `{TYPED}` if the first parameter is a typed event, and how to run the handler: `{manners}`"
    );
    Error::new(span, what)
}

/// What a handler is registered for.
pub(crate) enum Name<'a> {
    Text(LitStr),
    /// Of an event that is this type.
    Typed(&'a Type),
}

impl Name<'_> {
    /// Whom its handler answers.
    pub(crate) fn answer(&self) -> Answer<'_> {
        match self {
            Self::Text(_) => Answer::Event,
            Self::Typed(event) => Answer::Typed(event),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{:?}", text.value()),
            Self::Typed(event) => write!(f, "`{}`", event.to_token_stream()),
        }
    }
}

impl ToTokens for Name<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Text(text) => text.to_tokens(tokens),
            Self::Typed(it) => {
                let event = quote_spanned!(it.span()=> <#it as ::socketio_server::Event>);
                tokens.extend(quote!(#event::NAME));
            }
        }
    }
}

impl EventOptions {
    /// The event's name.
    pub(crate) fn name<'a>(&self, handling: &Handling<'a>) -> Result<Name<'a>> {
        if let Some(word) = &self.typed {
            let what = "the first parameter is to be the event, but there is none";
            let first = handling.first();
            return first
                .map(Name::Typed)
                .ok_or_else(|| Error::new(word.span(), what));
        }
        if let Some(name) = &self.name {
            return Ok(Name::Text(name.clone()));
        }
        let name = names::of_function(handling.ident());
        names::check_event(&name)?;
        Ok(Name::Text(name))
    }

    /// The handler, to be run as asked for.
    pub(crate) fn apply(&self, handler: TokenStream) -> TokenStream {
        let wrap = |handler, manner: &Ident| quote!(::socketio_server::Handler::#manner(#handler));
        self.manners.iter().fold(handler, wrap)
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn read(attribute: Attribute) -> std::result::Result<Role, String> {
        let taken = Role::take(&mut vec![attribute]).map_err(|it| it.to_string())?;
        taken
            .map(|(role, _)| role)
            .ok_or_else(|| "no role".to_owned())
    }

    #[test]
    fn every_word_is_registered_with_its_method() {
        for (attribute, method) in [
            (parse_quote!(#[before_connect]), "before_connect"),
            (parse_quote!(#[connect]), "on_connect"),
            (parse_quote!(#[upgrade]), "on_upgrade"),
            (parse_quote!(#[disconnecting]), "on_disconnecting"),
            (parse_quote!(#[disconnect]), "on_disconnect"),
            (parse_quote!(#[fallback]), "on_fallback"),
            (parse_quote!(#[error]), "on_error"),
        ] {
            let Ok(Role::Other(other)) = read(attribute) else {
                panic!("{method} is not read");
            };
            assert_eq!(other.registration().to_string(), method);
        }
        assert_eq!(read(parse_quote!(#[inline])).err().unwrap(), "no role");
    }

    #[test]
    fn an_event_has_a_name_of_its_own_or_that_of_its_function() {
        for (attribute, expected) in [
            (parse_quote!(#[event]), "play"),
            (parse_quote!(#[event()]), "play"),
            (parse_quote!(#[event("chat message")]), "chat message"),
            (parse_quote!(#[event("move", ordered, blocking)]), "move"),
            (parse_quote!(#[event(spawned)]), "play"),
        ] {
            let Ok(Role::Event(options)) = read(attribute) else {
                panic!("{expected} is not read");
            };
            let named = name(&options, parse_quote!(fn play(&self))).unwrap();
            assert_eq!(named, format!("{expected:?}"));
        }
        let options = EventOptions::default();
        let named = name(&options, parse_quote!(fn r#type(&self)));
        assert_eq!(named.unwrap(), "\"type\"");
        assert!(name(&options, parse_quote!(fn connect(&self))).is_err());
    }

    #[test]
    fn a_typed_event_has_the_name_of_its_type() {
        let options: EventOptions = parse_quote!(typed, ordered);
        let named = name(&options, parse_quote!(fn play(&self, it: Move)));
        assert!(named.unwrap().starts_with("< Move as"));
        let refused = name(&options, parse_quote!(fn play(&self))).unwrap_err();
        assert!(refused.contains("there is none"), "{refused}");
    }

    fn name(
        options: &EventOptions,
        signature: syn::Signature,
    ) -> std::result::Result<String, String> {
        let handling = Handling::new(&signature).map_err(|it| it.to_string())?;
        let name = options.name(&handling).map_err(|it| it.to_string())?;
        Ok(name.to_token_stream().to_string())
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (attribute, reason) in [
            (parse_quote!(#[event(connect)]), "in quotes"),
            (parse_quote!(#[event("a", slowly)]), "`ordered`, `spawned`"),
            (parse_quote!(#[event("a", typed)]), "in quotes, or `typed`"),
            (
                parse_quote!(#[event("disconnect")]),
                "write `#[disconnect]`",
            ),
            (parse_quote!(#[connect("x")]), "stands alone"),
        ] {
            let refused = read(attribute).err().unwrap();
            assert!(refused.contains(reason), "{refused}");
        }
        let mut two = vec![parse_quote!(#[event]), parse_quote!(#[fallback])];
        let refused = Role::take(&mut two).err().unwrap();
        assert!(refused.to_string().contains("handles one thing"));
    }
}
