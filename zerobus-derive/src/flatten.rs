//! Structs whose fields are columns of the table.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use zerobus_schema::StructField;

use crate::ast::{Field, Input};
use crate::column;
use crate::part::{Part, local, with_static};

/// The code for the flattened fields; `left` are the columns that no other field is written to.
pub(crate) fn parts(
    input: &Input<'_>,
    table: &str,
    left: &[&StructField],
    fields: &[&Field<'_>],
) -> Vec<Part> {
    let columns = column::list(left.iter().copied());
    let static_types = fields
        .iter()
        .map(|field| with_static(field.ty.to_token_stream()));
    let all = quote_spanned! {input.ident.span()=>
        __z::check_flat_all(#table, <__Left as __z::Layout>::COLUMNS, &[
            #(<#static_types as __Flattened>::FLATTENED_SHAPE),*
        ]).assert_empty()
    };
    let is_generic = fields.iter().any(|field| field.is_generic(input.generics));
    let (item, inline) = if is_generic {
        (TokenStream::new(), quote!(const { #all };))
    } else {
        (quote!(const _: () = #all;), TokenStream::new())
    };
    let message =
        format!("`{{Self}}` is flattened into the columns of {table}, which takes a struct");
    let common = Part {
        items: quote! {
            #[diagnostic::on_unimplemented(
                message = #message,
                label = "not a struct that derives `ZerobusRecord`",
                note = "derive `ZerobusRecord` for it, without `table`"
            )]
            trait __Flattened: __z::WriteValue {
                const FLATTENED_SHAPE: __z::Shape = <Self as __z::WriteValue>::SHAPE;

                fn write_flattened(&self, out: &mut __z::Vec<__z::u8>) -> __z::Result<(), __z::RecordError>;
            }
            #[diagnostic::do_not_recommend]
            impl<__T: __z::StructValue + ?::core::marker::Sized> __Flattened for __T {
                #[inline]
                fn write_flattened(&self, out: &mut __z::Vec<__z::u8>) -> __z::Result<(), __z::RecordError> {
                    __z::write_flattened::<__z::At<0, __z::delta::StructType<__Left>>, Self>(self, #table, out)
                }
            }

            enum __Left {}
            impl __z::Layout for __Left {
                const COLUMNS: &'static [__z::StructColumn] = #columns;
            }
            #item
        },
        write: inline,
        ..Part::default()
    };
    let each = fields.iter().map(|field| part(input, table, field));
    std::iter::once(common).chain(each).collect()
}

fn part(input: &Input<'_>, table: &str, field: &Field<'_>) -> Part {
    let (ty, member) = (field.ty, &field.member);
    let span = ty.span();
    let is_generic = field.is_generic(input.generics);
    let static_ty = if is_generic {
        ty.to_token_stream()
    } else {
        with_static(ty.to_token_stream())
    };
    let assert = quote_spanned! {span=>
        __z::check_flat(
            #table,
            <__Left as __z::Layout>::COLUMNS,
            <#static_ty as __Flattened>::FLATTENED_SHAPE,
        ).assert_empty()
    };
    let (items, check) = if is_generic {
        (TokenStream::new(), quote!(const { #assert };))
    } else {
        (quote!(const _: () = #assert;), TokenStream::new())
    };
    // Names in the span of the user's macro would not be the names in ours.
    let (value, out) = (local("__value"), local("__out"));
    let write = quote_spanned! {span=>
        <#ty as __Flattened>::write_flattened(#value, #out)?;
    };
    let write = quote! {
        {
            let __value = &self.#member;
            #write
        }
    };
    Part {
        items,
        validate: quote! {
            if const {
                __z::needs_validation(
                    <__z::delta::StructType<__Left> as __z::DeltaType>::TYPE,
                    <#ty as __Flattened>::FLATTENED_SHAPE,
                )
            } {
                #write
            }
        },
        write: quote!(#check #write),
        bound: is_generic.then(|| quote!(#ty: __z::StructValue)),
    }
}
