//! `#[namespace]`: an impl block whose methods handle the events of a namespace.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, Error, FnArg, ImplItem, ImplItemFn, ItemImpl, LitStr, Result};

use crate::handling::{Handling, ours_at};
use crate::names::Path;
use crate::role::{EventOptions, Other, Role};

/// The impl block without our attributes, and the class with its handlers beside it.
pub(crate) fn expand(path: Option<LitStr>, mut block: ItemImpl) -> Result<TokenStream> {
    let default = || LitStr::new("/", Span::call_site());
    let path = Path::new(path.unwrap_or_else(default))?;
    if let Some((of, _)) = &block.trait_ {
        let what =
            "handlers are methods of the type itself: put them into an impl block without a trait";
        return Err(Error::new_spanned(of, what));
    }
    let mut class = Class::default();
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            class.add(method);
        }
    }
    let registrations = class.registrations;
    let errors = class.errors.into_iter().map(Error::into_compile_error);
    let (generics, _, bounds) = block.generics.split_for_impl();
    let (ty, place, path) = (&block.self_ty, path.place(), path.text);
    Ok(quote_spanned! {ours_at(Span::call_site())=>
        #block

        #[automatically_derived]
        impl #generics ::socketio_server::NamespaceClass for #ty #bounds {
            type Place = #place;
            const PATH: &'static str = #path;

            fn handlers(self: ::std::sync::Arc<Self>) -> ::socketio_server::Handlers {
                let this = self;
                let handlers = ::socketio_server::Handlers::new();
                #(#registrations)*
                handlers
            }
        }

        #(#errors)*
    })
}

/// What the methods of an impl block amount to.
#[derive(Default)]
struct Class {
    registrations: Vec<TokenStream>,
    /// All that is wrong, so that it is said at once.
    errors: Vec<Error>,
    /// What has a handler already, and which.
    taken: HashMap<String, String>,
}

impl Class {
    fn add(&mut self, method: &mut ImplItemFn) {
        match self.registration(method) {
            Ok(registration) => self.registrations.extend(registration),
            Err(error) => self.errors.push(error),
        }
    }

    fn registration(&mut self, method: &mut ImplItemFn) -> Result<Option<TokenStream>> {
        let Some((role, span)) = Role::take(&mut method.attrs)? else {
            return Ok(None);
        };
        let conditions = conditions(&method.attrs);
        let registration = match role {
            Role::Event(options) => self.event(method, &options)?,
            Role::Other(Other::Error) => self.error(method)?,
            Role::Other(other) => self.other(method, other)?,
        };
        Ok(Some(
            quote_spanned!(ours_at(span)=> #(#conditions)* let handlers = { #registration };),
        ))
    }

    fn event(&mut self, method: &ImplItemFn, options: &EventOptions) -> Result<TokenStream> {
        let handling = Handling::new(&method.sig)?;
        let name = options.name(&handling)?;
        self.claim(method, format!("event {name}"))?;
        let checks = handling.checks(&name.answer());
        let handler = options.apply(handling.closure());
        let span = ours_at(method.sig.ident.span());
        Ok(quote_spanned!(span=> #checks handlers.on(#name, #handler)))
    }

    fn other(&mut self, method: &ImplItemFn, other: Other) -> Result<TokenStream> {
        if other != Other::BeforeConnect {
            self.claim(method, format!("`#[{}]`", other.word()))?;
        }
        let handling = Handling::new(&method.sig)?;
        let (checks, handler) = (handling.checks(&other.answer()), handling.closure());
        let on = other.registration();
        let span = ours_at(method.sig.ident.span());
        Ok(quote_spanned!(span=> #checks handlers.#on(#handler)))
    }

    /// The error method is no handler: it gets the error, lent, and answers at once.
    fn error(&mut self, method: &ImplItemFn) -> Result<TokenStream> {
        self.claim(method, "`#[error]`".to_owned())?;
        let signature = &method.sig;
        let is_shaped = signature.asyncness.is_none()
            && signature.inputs.len() == 2
            && matches!(&signature.inputs[0], FnArg::Receiver(it) if is_shared(it));
        if !is_shaped {
            let what = "an error method is `fn failed(&self, error: &HandlerError)`, and may return the acknowledgement";
            return Err(Error::new(signature.ident.span(), what));
        }
        let name = &signature.ident;
        Ok(quote_spanned! {ours_at(name.span())=>
            let this = ::std::sync::Arc::clone(&this);
            handlers.on_error(move |error: &::socketio_server::HandlerError| this.#name(error))
        })
    }

    /// Each thing is handled by one method.
    fn claim(&mut self, method: &ImplItemFn, what: String) -> Result<()> {
        // With conditions, one of two may be compiled out.
        if !conditions(&method.attrs).is_empty() {
            return Ok(());
        }
        let name = &method.sig.ident;
        match self.taken.insert(what.clone(), name.to_string()) {
            None => Ok(()),
            Some(first) => {
                let what = format!("{what} is handled by `{first}` already");
                Err(Error::new(name.span(), what))
            }
        }
    }
}

fn is_shared(receiver: &syn::Receiver) -> bool {
    use syn::ReceiverKind::Reference;
    matches!(receiver.kind, Reference(_, _, None))
}

/// A method that is not compiled is not registered.
fn conditions(attributes: &[Attribute]) -> Vec<&Attribute> {
    let is_condition = |it: &&Attribute| it.path().is_ident("cfg");
    attributes.iter().filter(is_condition).collect()
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn expanded(path: &str, block: ItemImpl) -> String {
        let path = LitStr::new(path, Span::call_site());
        expand(Some(path), block).unwrap().to_string()
    }

    #[test]
    fn what_is_said_twice_is_refused() {
        for (block, what) in [
            (
                parse_quote!(impl A { #[event] fn b(&self) {} #[event("b")] fn c(&self) {} }),
                "event \\\"b\\\" is handled by `b` already",
            ),
            (
                parse_quote!(impl A { #[connect] fn b(&self) {} #[connect] fn c(&self) {} }),
                "`#[connect]` is handled by `b` already",
            ),
            (
                parse_quote!(impl A { #[event] fn b(&mut self) {} #[event] fn c(self) {} }),
                "take `&self` or `self: Arc<Self>`",
            ),
            (
                parse_quote!(impl A { #[error] async fn b(&self, error: &HandlerError) {} }),
                "an error method is",
            ),
        ] {
            let expanded = expanded("/", block);
            assert!(expanded.contains(what), "{expanded}");
        }
    }

    #[test]
    fn a_trait_cannot_be_a_class() {
        let refused = expand(None, parse_quote!(impl Clone for A {})).unwrap_err();
        assert!(refused.to_string().contains("without a trait"));
    }

    #[test]
    fn one_of_several_methods_may_be_compiled_out() {
        let expanded = expanded(
            "/",
            parse_quote!(impl A {
                #[cfg(unix)] #[event] fn b(&self) {}
                #[cfg(windows)] #[event("b")] fn c(&self) {}
            }),
        );
        assert!(!expanded.contains("compile_error"), "{expanded}");
        assert_eq!(expanded.matches("cfg (unix)").count(), 2, "{expanded}");
    }
}
