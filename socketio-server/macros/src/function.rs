//! `#[event]` on a function: a handler that knows the name of its event.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, ItemFn, Result};

use crate::handling::{Handling, Receiver};
use crate::role::EventOptions;

/// A function of the same name that returns the handler, with the written one inside.
pub(crate) fn expand(options: &EventOptions, mut function: ItemFn) -> Result<TokenStream> {
    let name = function.sig.ident.clone();
    let handling = Handling::new(&function.sig)?;
    if handling.receiver() != Receiver::None {
        let what =
            "a method handles events of its class: put `#[namespace(\"/…\")]` on the impl block";
        return Err(Error::new(name.span(), what));
    }
    let event = options.name(&handling)?;
    let checks = handling.checks(&event.answer());
    let event = event.to_token_stream();
    let attributes = std::mem::take(&mut function.attrs);
    let (outer, inner): (Vec<_>, Vec<_>) = attributes.into_iter().partition(|it| {
        ["doc", "cfg", "deprecated"]
            .iter()
            .any(|word| it.path().is_ident(word))
    });
    let visibility = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);
    // Complaints about the handler as a whole point at its name.
    let handler = options.apply(quote_spanned!(name.span()=> #name));
    let registered =
        quote_spanned!(name.span()=> ::socketio_server::Handlers::new().on(#event, #handler));
    Ok(quote! {
        #(#outer)*
        #visibility fn #name() -> ::socketio_server::Handlers {
            #(#inner)*
            #function
            #checks
            #registered
        }
    })
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn a_method_is_sent_to_its_class() {
        let options = EventOptions::default();
        let refused = expand(
            &options,
            parse_quote!(
                fn f(&self) {}
            ),
        )
        .unwrap_err();
        assert!(refused.to_string().contains("`#[namespace(\"/…\")]`"));
    }

    #[test]
    fn what_is_said_about_the_function_stays_with_its_part() {
        let function = parse_quote! {
            /// Chats.
            #[instrument]
            pub(crate) async fn chat() {}
        };
        let expanded = expand(&EventOptions::default(), function)
            .unwrap()
            .to_string();
        let at = |what| expanded.find(what).unwrap();
        assert!(at("Chats") < at("pub (crate) fn chat"), "{expanded}");
        assert!(at("pub (crate) fn chat") < at("instrument"), "{expanded}");
        assert!(at("instrument") < at("async fn chat"), "{expanded}");
    }
}
