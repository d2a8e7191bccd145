//! What to emit when there is nothing to compile: stubs, so that one mistake is one error and not forty.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

/// The traits of a record, implemented to no purpose.
pub(crate) fn record(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics __z::ZerobusRecord for #ident #type_generics #where_clause {
            const TABLE: &'static __z::str = "";
            const FINGERPRINT: __z::Fingerprint = __z::Fingerprint::from_bytes([0; 32]);
            const COLUMNS: &'static [__z::ColumnInfo] = &[];
            const DESCRIPTOR: &'static [__z::u8] = &[];

            fn encode(&self, _: &mut __z::Vec<__z::u8>) -> __z::Result<(), __z::RecordError> {
                __z::Ok(())
            }
        }
    }
}

/// The traits of a value, implemented to no purpose.
pub(crate) fn value(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let mut any_column = input.generics.clone();
    any_column.params.push(parse_quote!(__D));
    let (any_generics, _, _) = any_column.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics __z::WriteValue for #ident #type_generics #where_clause {
            const SHAPE: __z::Shape = __z::Shape::Failed;

            fn write<__P: __z::Place>(
                &self,
                _: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError> {
                __z::Ok(())
            }
        }

        #[automatically_derived]
        impl #impl_generics __z::StructValue for #ident #type_generics #where_clause {
            const NAMES: &'static [&'static __z::str] = &[];
            const MESSAGE: &'static __z::str = "";
            const SCHEMA: &'static [__z::StructColumn] = &[];

            fn write_fields<__P: __z::Place>(
                &self,
                _: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError> {
                __z::Ok(())
            }
        }

        #[automatically_derived]
        impl #any_generics __z::ColumnValue<__D> for #ident #type_generics #where_clause {}
    }
}
