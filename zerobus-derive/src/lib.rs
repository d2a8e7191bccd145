//! `#[derive(ZerobusRecord)]`; its documentation is at the macro's re-export in `zerobus-record`.

mod ast;
mod attr;
mod case;
mod column;
mod expand;
mod fallback;
mod nested;
mod paste;
mod record;
mod snapshot;
mod suggest;
mod valid;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

/// Implements `ZerobusRecord` for a struct that is bound to a table, or makes a type a value that such structs can hold.
#[proc_macro_derive(ZerobusRecord, attributes(zerobus))]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::derive(&input, &quote!(::zerobus_record)).into()
}

/// The same, for those who import it from `zerobus_client`: generated paths follow the crate a user depends on.
#[doc(hidden)]
#[proc_macro_derive(ZerobusRecordOfClient, attributes(zerobus))]
pub fn derive_record_of_client(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::derive(&input, &quote!(::zerobus_client)).into()
}
