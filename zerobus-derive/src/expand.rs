use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::ast::{Errors, Input, Kind};
use crate::{fallback, nested, record};

/// The whole of what the derive emits; `root` is the crate it was imported from.
pub(crate) fn derive(input: &DeriveInput, root: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (root, body) = match Input::from_syn(input, &mut errors) {
        Ok(parsed) => {
            let root = parsed.attrs.root.clone().unwrap_or_else(|| root.clone());
            let body = match (&parsed.kind, &parsed.attrs.table) {
                (Kind::Struct(fields), Some(table)) => {
                    match record::expand(&parsed, fields, table, &mut errors) {
                        Ok(body) => body,
                        Err(error) => {
                            errors.push(error);
                            fallback::record(input)
                        }
                    }
                }
                (Kind::Struct(fields), None) => nested::expand_struct(&parsed, fields, &mut errors),
                (Kind::Transparent(field), _) => nested::expand_transparent(&parsed, field),
                (Kind::Enum(variants), _) => nested::expand_enum(&parsed, variants),
            };
            (root, body)
        }
        Err(error) => {
            errors.push(error);
            let record = fallback::record(input);
            let value = fallback::value(input);
            (root.clone(), quote!(#record #value))
        }
    };
    let errors = errors.to_compile_error();
    quote! {
        #errors
        const _: () = {
            use #root::__private as __z;
            #body
        };
    }
}
