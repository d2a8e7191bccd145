//! `#[derive(ZerobusRecord)]`, for `zerobus-record` and `zerobus-client`, which re-export it.

mod ast;
mod attr;
mod case;
mod column;
mod expand;
mod fallback;
mod flatten;
mod nested;
mod own;
mod part;
mod record;
mod snapshot;
mod suggest;
mod valid;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

#[doc = include_str!("../derive.md")]
#[proc_macro_derive(ZerobusRecord, attributes(zerobus))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::derive(&input, &quote!(::zerobus_record)).into()
}

// The same, for those who import it from `zerobus_client`: emitted paths follow the crate that a user depends on.
#[doc = include_str!("../derive.md")]
#[proc_macro_derive(ZerobusRecordOfClient, attributes(zerobus))]
pub fn derive_record_of_client(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::derive(&input, &quote!(::zerobus_client)).into()
}
