//! `#[derive(Event)]`: a struct that is an event.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Data, DeriveInput, Error, Ident, LitStr, Result, Token, Type, parse_quote};

use crate::names;

/// Its name and what answers it; and that it is a parameter of handlers, if it can be read.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !matches!(input.data, Data::Struct(_)) {
        let what = "an event has one shape: derive `Event` for a struct, several events are several structs";
        return Err(Error::new(input.ident.span(), what));
    }
    let Description { name, ack } = description(input)?;
    let ack = ack.unwrap_or_else(|| parse_quote!(()));
    let event = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    // A bound that mentions a lifetime need not be met: what is only sent need not be readable.
    let mut readable = input.generics.clone();
    readable.make_where_clause().predicates.push(parse_quote! {
        for<'event> Self: ::socketio_server::check::Deserialize<'event>
    });
    let (_, _, if_readable) = readable.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::socketio_server::Event for #event #arguments #bounds {
            const NAME: &'static str = #name;
            type Ack = #ack;
        }

        #[automatically_derived]
        impl #generics ::socketio_server::FromEvent for #event #arguments #if_readable {
            fn from_event(
                event: &mut ::socketio_server::EventContext<'_>,
            ) -> ::std::result::Result<Self, ::socketio_server::Rejection> {
                let typed = <::socketio_server::Typed<Self> as ::socketio_server::FromEvent>::from_event(event);
                typed.map(|::socketio_server::Typed(it)| it)
            }
        }
    })
}

/// What stands in `#[event("name", ack = Type)]`.
struct Description {
    name: LitStr,
    ack: Option<Type>,
}

fn description(input: &DeriveInput) -> Result<Description> {
    let mut attributes = input.attrs.iter().filter(|it| it.path().is_ident("event"));
    let Some(first) = attributes.next() else {
        let what = "an event has a name: write `#[event(\"…\")]` above the struct";
        return Err(Error::new(input.ident.span(), what));
    };
    if let Some(second) = attributes.next() {
        let what = "an event has one name: write one `#[event(\"…\")]`";
        return Err(Error::new_spanned(second, what));
    }
    first.parse_args()
}

impl Parse for Description {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let usage = |span: Span| {
            let what = "write the event's name in quotes, and what answers it, if anything: `#[event(\"…\", ack = bool)]`";
            Error::new(span, what)
        };
        let name: LitStr = input.parse().map_err(|error| usage(error.span()))?;
        names::check_event(&name)?;
        let mut ack = None;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        if !input.is_empty() {
            let word: Ident = input.parse()?;
            if word != "ack" {
                return Err(usage(word.span()));
            }
            input.parse::<Token![=]>()?;
            ack = Some(input.parse()?);
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(Self { name, ack })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_is_none_is_refused_with_what_to_write() {
        for (input, instead) in [
            (
                parse_quote!(
                    struct A;
                ),
                "write `#[event(\"…\")]` above",
            ),
            (
                parse_quote!(
                    #[event]
                    struct A;
                ),
                "#[event(...)]",
            ),
            (
                parse_quote!(
                    #[event(a)]
                    struct A;
                ),
                "in quotes",
            ),
            (
                parse_quote!(
                    #[event("a", reply = bool)]
                    struct A;
                ),
                "ack = bool",
            ),
            (
                parse_quote!(
                    #[event("connect")]
                    struct A;
                ),
                "keeps for itself",
            ),
            (
                parse_quote!(
                    #[event("a")]
                    #[event("b")]
                    struct A;
                ),
                "one name",
            ),
            (
                parse_quote!(
                    #[event("a")]
                    enum A {}
                ),
                "for a struct",
            ),
        ] {
            let refused = expand(&input).unwrap_err().to_string();
            assert!(refused.contains(instead), "{refused}");
        }
    }

    #[test]
    fn a_name_and_an_answer_are_read() {
        let input = parse_quote!(
            #[event("ask", ack = (bool, String))]
            struct Ask<T>(T);
        );
        let Description { name, ack } = description(&input).unwrap();
        assert_eq!(name.value(), "ask");
        let ack = ack.map(|it| quote!(#it).to_string());
        assert_eq!(ack.as_deref(), Some("(bool , String)"));
    }
}
