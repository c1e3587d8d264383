//! What a function must look like to handle an event, and the closure that calls it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericArgument, Ident, PathArguments, ReceiverKind, Result, ReturnType,
    Signature, Type,
};

/// As many parameters as a handler may have.
const MOST: usize = 8;

/// A signature that handles something.
pub(crate) struct Handling<'a> {
    signature: &'a Signature,
    receiver: Receiver,
    types: Vec<&'a Type>,
}

/// How a function gets at the one value that serves all clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// Not at all.
    None,
    /// `&self`
    Shared,
    /// `self: Arc<Self>`
    Owned,
}

impl<'a> Handling<'a> {
    /// Judges a signature.
    ///
    /// Every parameter but the receiver is taken from the event.
    pub(crate) fn new(signature: &'a Signature) -> Result<Self> {
        refuse_generics(signature)?;
        let mut receiver = Receiver::None;
        let mut types = Vec::new();
        for input in &signature.inputs {
            match input {
                FnArg::Receiver(it) => receiver = receiver_of(it)?,
                FnArg::Typed(it) => types.push(parameter(&it.ty)?),
            }
        }
        if types.len() > MOST {
            let what = format!(
                "a handler has at most {MOST} parameters: take several arguments of an event as one tuple, `Data((a, b)): Data<(A, B)>`"
            );
            return Err(Error::new(signature.ident.span(), what));
        }
        Ok(Self {
            signature,
            receiver,
            types,
        })
    }

    pub(crate) fn receiver(&self) -> Receiver {
        self.receiver
    }

    /// Of the function.
    pub(crate) fn ident(&self) -> &'a Ident {
        &self.signature.ident
    }

    /// What is taken from the event first.
    pub(crate) fn first(&self) -> Option<&'a Type> {
        self.types.first().copied()
    }

    /// Lets the compiler complain about a parameter or result where it stands, by the words of the
    /// traits, instead of about the whole handler.
    pub(crate) fn checks(&self, answer: &Answer<'_>) -> TokenStream {
        let parameters = self
            .types
            .iter()
            .map(|it| quote_spanned!(it.span()=> ::socketio_server::check::parameter::<#it>();));
        let result = match &self.signature.output {
            ReturnType::Type(_, it) if mentions_impl(it) => None,
            ReturnType::Type(_, it) => Some(answer.check(it)),
            ReturnType::Default => {
                let nothing = quote_spanned!(self.signature.ident.span()=> ());
                Some(answer.check(&nothing))
            }
        };
        quote!(#(#parameters)* #result)
    }

    /// A closure that calls the method on `this`, an `Arc` of the class; or the function itself.
    pub(crate) fn closure(&self) -> TokenStream {
        let name = &self.signature.ident;
        if self.receiver == Receiver::None {
            return quote!(Self::#name);
        }
        // Complaints about the handler as a whole point at its name.
        let span = ours_at(name.span());
        let args: Vec<_> = (0..self.types.len())
            .map(|at| format_ident!("arg{at}", span = span))
            .collect();
        let types = &self.types;
        let clone = quote_spanned!(span=> ::std::sync::Arc::clone(&this));
        let body = if self.signature.asyncness.is_some() {
            quote_spanned!(span=> {
                let this = #clone;
                async move { this.#name(#(#args),*).await }
            })
        } else if self.receiver == Receiver::Owned {
            quote_spanned!(span=> #clone.#name(#(#args),*))
        } else {
            quote_spanned!(span=> this.#name(#(#args),*))
        };
        quote_spanned!(span=> {
            let this = #clone;
            move |#(#args: #types),*| #body
        })
    }
}

/// Whom a handler answers.
pub(crate) enum Answer<'a> {
    /// A client that has sent an event.
    Event,
    /// One that has sent an event which is this type.
    Typed(&'a Type),
    /// One that wants to connect.
    Connect,
}

impl Answer<'_> {
    fn check(&self, result: &impl ToTokens) -> TokenStream {
        let span = result.to_token_stream().span();
        let check = match self {
            Self::Event => quote_spanned!(span=> reply::<#result>),
            Self::Typed(event) => quote_spanned!(span=> typed_reply::<#event, #result>),
            Self::Connect => quote_spanned!(span=> connect_reply::<#result>),
        };
        quote_spanned!(span=> ::socketio_server::check::#check();)
    }
}

/// For names of ours, which neither see nor are seen by those around them. Complaints point at
/// `span`.
pub(crate) fn ours_at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

fn refuse_generics(signature: &Signature) -> Result<()> {
    if let Some(first) = signature.generics.params.first() {
        let what = "a handler is registered once, for one set of types: it cannot be generic";
        return Err(Error::new(first.span(), what));
    }
    Ok(())
}

fn receiver_of(receiver: &syn::Receiver) -> Result<Receiver> {
    let refused = |what| Err(Error::new(receiver.span(), what));
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => Ok(Receiver::Shared),
        ReceiverKind::Reference(..) => refused(
            "one value serves all clients at once: take `&self`, and keep what changes in a `Mutex` or an atomic",
        ),
        ReceiverKind::Typed(_, it) if is_arc_of_self(it) => Ok(Receiver::Owned),
        _ => refused("one value serves all clients: take `&self` or `self: Arc<Self>`"),
    }
}

fn is_arc_of_self(it: &Type) -> bool {
    let Type::Path(path) = it else { return false };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return false;
    };
    let is_self = |it: &GenericArgument| it.to_token_stream().to_string() == "Self";
    last.ident == "Arc" && arguments.args.len() == 1 && arguments.args.iter().all(is_self)
}

/// Parameters outlive the message they are taken from, and are told apart by their types.
fn parameter(it: &Type) -> Result<&Type> {
    let refused = |what: &str| Err(Error::new(it.span(), what));
    match it {
        Type::Reference(_) => refused(
            "parameters of a handler are taken from the event and owned: write `Data<String>` instead of `&str`, `Socket` instead of `&Socket`",
        ),
        _ if mentions_impl(it) => {
            refused("what to take from the event must be said: name the type instead of `impl`")
        }
        Type::Infer(_) => refused("what to take from the event must be said: name the type"),
        _ => Ok(it),
    }
}

fn mentions_impl(it: &Type) -> bool {
    fn search(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(word) => word == "impl",
            proc_macro2::TokenTree::Group(group) => search(group.stream()),
            _ => false,
        })
    }
    search(it.to_token_stream())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn refusal(signature: Signature) -> String {
        match Handling::new(&signature) {
            Ok(_) => "accepted".to_owned(),
            Err(refused) => refused.to_string(),
        }
    }

    #[test]
    fn a_signature_that_cannot_handle_says_what_to_write() {
        for (signature, instead) in [
            (parse_quote!(fn f(&mut self)), "`Mutex`"),
            (parse_quote!(fn f(self)), "`&self`"),
            (parse_quote!(fn f(self: Box<Self>)), "`self: Arc<Self>`"),
            (parse_quote!(fn f<T>(&self, it: Data<T>)), "generic"),
            (parse_quote!(fn f<'a>(&self, it: Data<'a>)), "generic"),
            (parse_quote!(fn f(&self, it: &str)), "`Data<String>`"),
            (parse_quote!(fn f(&self, it: impl Read)), "name the type"),
            (
                parse_quote!(fn f(&self, it: Data<impl Read>)),
                "name the type",
            ),
            (
                parse_quote!(fn f(&self, a: A, b: A, c: A, d: A, e: A, f: A, g: A, h: A, i: A)),
                "at most 8",
            ),
        ] {
            let said = refusal(signature);
            assert!(said.contains(instead), "{said}");
        }
    }

    #[test]
    fn the_value_is_shared_or_not_used_at_all() {
        for (signature, receiver) in [
            (parse_quote!(fn f(socket: Socket)), Receiver::None),
            (parse_quote!(fn f(&self)), Receiver::Shared),
            (parse_quote!(fn f(self: Arc<Self>)), Receiver::Owned),
            (
                parse_quote!(fn f(self: ::std::sync::Arc<Self>)),
                Receiver::Owned,
            ),
        ] {
            let signature: Signature = signature;
            let handling = Handling::new(&signature).unwrap();
            assert_eq!(handling.receiver(), receiver);
        }
    }
}
