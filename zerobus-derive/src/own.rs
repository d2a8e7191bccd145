//! A struct that is a schema by itself, for want of a table.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Error, GenericParam};
use zerobus_schema::{DataType, StructField, StructType, TableSchema};

use crate::ast::{Errors, Field, Input};
use crate::column;
use crate::nested::shape;
use crate::part::{value, with_static};

/// The struct's columns, each an expression of a `StructColumn`.
pub(crate) fn columns(fields: &[Field<'_>], errors: &mut Errors) -> Vec<TokenStream> {
    let numbers = numbers(fields, errors);
    fields
        .iter()
        .zip(numbers)
        .map(|(field, number)| {
            let name = &field.column;
            let shape = shape(field);
            let column_type = declared(field, errors).unwrap_or_else(|| {
                let ty = value(field).ty;
                quote!(<#ty as __Field>::FIELD_TYPE)
            });
            quote!(__z::schema::column(#name, #number, #column_type, #shape))
        })
        .collect()
}

/// The number of each field: its own, or one that follows the rules of a snapshot.
fn numbers(fields: &[Field<'_>], errors: &mut Errors) -> Vec<u32> {
    let mut columns = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let before = fields.iter().take(index);
        if let Some(span) = field.flatten {
            errors.push(Error::new(
                span,
                "a field is flattened into the columns of a table, and this struct names none; write its fields out",
            ));
        }
        if before.clone().any(|other| other.column == field.column) {
            errors.push(Error::new(
                field.name_span,
                format!("another field is written to `{}` as well", field.column),
            ));
        }
        let mut column = StructField::nullable(&field.column, DataType::Boolean);
        if let Some((span, number)) = field.number {
            let mut numbers = before.filter_map(|other| other.number);
            if numbers.any(|(_, other)| other == number) {
                errors.push(Error::new(
                    span,
                    format!("another field has the number {number}"),
                ));
            }
            column.number = Some(number);
        }
        columns.push(column);
    }
    let numbered = TableSchema::new(None, StructType::new(columns)).numbered();
    let columns = numbered.columns.fields.iter();
    columns
        .map(|column| column.number.unwrap_or_default())
        .collect()
}

/// What `type = "…"` says, as a `ColumnType`, with a check that the Rust type can stand for it.
fn declared(field: &Field<'_>, errors: &mut Errors) -> Option<TokenStream> {
    let (span, data_type) = field.data_type.as_ref()?;
    let constant = column::constant(data_type);
    let is_struct = column::innermost_struct(data_type).is_some();
    let (false, Some(constant)) = (is_struct, constant) else {
        let problem = if is_struct {
            "a STRUCT is said by a struct that derives `ZerobusRecord`, and needs no `type`"
                .to_owned()
        } else {
            format!("Zerobus Ingest has no type for {data_type}")
        };
        errors.push(Error::new(*span, problem));
        return None;
    };
    let name = &field.column;
    let shape = shape(field);
    let span = value(field).span;
    Some(quote_spanned! {span=> {
        __z::check(#name, #constant, true, #shape).assert_empty();
        #constant
    }})
}

/// The name of the message: the struct's, as far as protobuf can have it.
pub(crate) fn message_name(ident: &Ident) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    ident.unraw().to_string().chars().map(plain).collect()
}

/// The struct as a record. The size of its constants depends on what lies in its fields, so it has no type parameters.
pub(crate) fn record(input: &Input<'_>) -> TokenStream {
    let is_lifetime = |param: &GenericParam| matches!(param, GenericParam::Lifetime(_));
    if !input.generics.params.iter().all(is_lifetime) {
        return TokenStream::new();
    }
    let ident = input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let own = with_static(quote!(#ident #type_generics).to_token_stream());
    let problem = quote_spanned! {ident.span()=>
        __z::schema::problem(__SCHEMA).assert_empty();
    };
    quote! {
        const __MESSAGE: &__z::str = <#own as __z::StructValue>::MESSAGE;
        const __SCHEMA: &[__z::StructColumn] = <#own as __z::StructValue>::SCHEMA;

        #[automatically_derived]
        impl #impl_generics __z::ZerobusRecord for #ident #type_generics #where_clause {
            const TABLE: &'static __z::str = "";
            const FINGERPRINT: __z::Fingerprint = __z::schema::fingerprint(
                __z::schema::contract::<{ __z::schema::contract_len(__SCHEMA) }>(__SCHEMA).as_bytes(),
            );
            const COLUMNS: &'static [__z::ColumnInfo] = {
                #problem
                const __PATHS: &[__z::u8] =
                    __z::schema::paths::<{ __z::schema::paths_len(__SCHEMA) }>(__SCHEMA).as_bytes();
                &__z::schema::column_infos::<{ __z::schema::count(__SCHEMA) }>(
                    __SCHEMA,
                    <#own as __z::WriteValue>::SHAPE,
                    __PATHS,
                )
            };
            const DESCRIPTOR: &'static [__z::u8] = {
                #problem
                __z::schema::descriptor::<{ __z::schema::descriptor_len(__MESSAGE, __SCHEMA) }>(
                    __MESSAGE, __SCHEMA,
                ).as_bytes()
            };

            fn encode(&self, __out: &mut __z::Vec<__z::u8>) -> __z::Result<(), __z::RecordError> {
                <Self as __z::StructValue>::write_fields::<__z::schema::Own<Self>>(self, __out)
            }

            fn validate(&self) -> __z::Result<(), __z::RecordError> {
                if const {
                    __z::needs_validation(
                        <Self as __z::WriteValue>::COLUMN_TYPE,
                        <Self as __z::WriteValue>::SHAPE,
                    )
                } {
                    self.encode(&mut __z::Vec::new())
                } else {
                    __z::Ok(())
                }
            }
        }
    }
}
