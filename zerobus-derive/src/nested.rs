//! Types that are bound to no table: the value of a STRUCT, a newtype, an enum of unit variants.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Generics, parse_quote};

use crate::ast::{Errors, Field, Input, Variant};
use crate::own;
use crate::part::value;

/// A struct whose fields are found by name in whatever STRUCT it is written to; by itself it is a schema.
pub(crate) fn expand_struct(
    input: &Input<'_>,
    fields: &[Field<'_>],
    errors: &mut Errors,
) -> TokenStream {
    let ident = input.ident;
    let rust = ident.to_string();
    let columns = own::columns(fields, errors);
    let names: Vec<&String> = fields.iter().map(|field| &field.column).collect();
    let count = fields.len();
    let shapes = fields.iter().map(|field| {
        let (name, shape) = (&field.column, shape(field));
        quote!(__z::FieldShape { name: #name, shape: #shape })
    });
    let writes: Vec<TokenStream> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| write(index, field))
        .collect();
    let arms = writes.iter().enumerate().map(|(index, write)| {
        let index = Literal::usize_unsuffixed(index);
        quote!(#index => { #write })
    });
    let message = own::message_name(ident);

    let generics = bounded(input, fields, &|_, value| quote!(#value: __z::WriteValue));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let layouts = with_param(&generics, &quote!(__L: __z::Layout));
    let (layout_generics, _, _) = layouts.split_for_impl();
    let record = own::record(input);
    quote! {
        #[diagnostic::on_unimplemented(
            message = "`{Self}` cannot be written to any column",
            label = "not a type for a column",
            note = "derive `ZerobusRecord` for it; for a type of another crate say `#[zerobus(with = Type)]`, or `#[zerobus(json)]` for VARIANT"
        )]
        trait __Field {
            const FIELD_SHAPE: __z::Shape;
            const FIELD_TYPE: __z::ColumnType;

            fn write_field<__P: __z::Place>(
                &self,
                name: &__z::str,
                out: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError>;
        }
        #[diagnostic::do_not_recommend]
        impl<__T: __z::WriteValue + ?::core::marker::Sized> __Field for __T {
            const FIELD_SHAPE: __z::Shape = <__T as __z::WriteValue>::SHAPE;
            const FIELD_TYPE: __z::ColumnType = <__T as __z::WriteValue>::COLUMN_TYPE;

            #[inline]
            fn write_field<__P: __z::Place>(
                &self,
                name: &__z::str,
                out: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError> {
                __z::write_column::<__P, Self>(self, name, out)
            }
        }

        #[automatically_derived]
        impl #impl_generics __z::StructValue for #ident #type_generics #where_clause {
            const NAMES: &'static [&'static __z::str] = &[#(#names),*];
            const MESSAGE: &'static __z::str = #message;
            const SCHEMA: &'static [__z::StructColumn] = &[#(#columns),*];

            #[inline]
            fn write_fields<__P: __z::Place>(
                &self,
                __out: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError> {
                if const { __z::is_in_order::<__P, Self>() } {
                    #(#writes)*
                } else {
                    for __index in const { __z::order::<__P, Self, #count>() } {
                        match __index {
                            #(#arms)*
                            _ => {}
                        }
                    }
                }
                __z::Ok(())
            }
        }

        #[automatically_derived]
        impl #impl_generics __z::WriteValue for #ident #type_generics #where_clause {
            const SHAPE: __z::Shape = __z::Shape::Struct(#rust, &[#(#shapes),*]);
            const COLUMN_TYPE: __z::ColumnType =
                __z::ColumnType::Struct(<Self as __z::StructValue>::SCHEMA);

            #[inline]
            fn write<__P: __z::Place>(
                &self,
                __out: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError> {
                let __start = __z::begin::<__P>(__out);
                <Self as __z::StructValue>::write_fields::<__P>(self, __out)?;
                __z::end(__out, __start);
                __z::Ok(())
            }
        }

        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl #layout_generics __z::ColumnValue<__z::delta::StructType<__L>>
            for #ident #type_generics #where_clause {}
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl #layout_generics __z::ColumnValue<__z::delta::Nullable<__z::delta::StructType<__L>>>
            for #ident #type_generics #where_clause {}

        #record
    }
}

pub(crate) fn shape(field: &Field<'_>) -> TokenStream {
    let value = value(field);
    let ty = &value.ty;
    if value.is_within_option {
        quote!(__z::Shape::Option(&<#ty as __Field>::FIELD_SHAPE))
    } else {
        quote!(<#ty as __Field>::FIELD_SHAPE)
    }
}

fn write(index: usize, field: &Field<'_>) -> TokenStream {
    let value = value(field);
    let (ty, expression, member, name) =
        (&value.ty, &value.expression, &field.member, &field.column);
    let call = quote! {
        <#ty as __Field>::write_field::<__z::Member<__P, Self, #index>>(#expression, #name, __out)?;
    };
    if value.is_within_option {
        quote! {
            if let __z::Some(__value) = &self.#member {
                #call
            }
        }
    } else {
        quote! {
            {
                let __value = &self.#member;
                #call
            }
        }
    }
}

/// A struct that is written as its one field.
pub(crate) fn expand_transparent(input: &Input<'_>, field: &Field<'_>) -> TokenStream {
    let ident = input.ident;
    let FieldParts { ty, expression } = FieldParts::of(field);
    let member = &field.member;
    let generics = bounded(
        input,
        std::slice::from_ref(field),
        &|_, value| quote!(#value: __z::WriteValue),
    );
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let mut columns = with_param(&generics, &quote!(__D));
    columns
        .make_where_clause()
        .predicates
        .push(parse_quote!(#ty: __z::ColumnValue<__D>));
    let (column_generics, _, column_where) = columns.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics __z::WriteValue for #ident #type_generics #where_clause {
            const SHAPE: __z::Shape = <#ty as __z::WriteValue>::SHAPE;
            const COLUMN_TYPE: __z::ColumnType = <#ty as __z::WriteValue>::COLUMN_TYPE;

            #[inline]
            fn write<__P: __z::Place>(
                &self,
                __out: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError> {
                let __value = &self.#member;
                <#ty as __z::WriteValue>::write::<__P>(#expression, __out)
            }
        }

        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl #column_generics __z::ColumnValue<__D> for #ident #type_generics #column_where {}
    }
}

/// The field of a newtype, whole: an `Option` in it stays one.
struct FieldParts {
    ty: TokenStream,
    expression: TokenStream,
}

impl FieldParts {
    fn of(field: &Field<'_>) -> Self {
        let value = value(field);
        let ty = &value.ty;
        if value.is_within_option {
            let expression = &value.expression;
            Self {
                ty: quote!(__z::Option<#ty>),
                expression: match field.adapter {
                    None => quote!(__value),
                    Some(_) => quote!(&__value.as_ref().map(|__value| *#expression)),
                },
            }
        } else {
            Self {
                ty: ty.clone(),
                expression: value.expression,
            }
        }
    }
}

/// An enum of unit variants, as text.
pub(crate) fn expand_enum(input: &Input<'_>, variants: &[Variant<'_>]) -> TokenStream {
    let ident = input.ident;
    let rust = ident.to_string();
    let arms = variants
        .iter()
        .map(|Variant { ident, text }| quote!(Self::#ident => #text));
    let text = if variants.is_empty() {
        quote!(match *self {})
    } else {
        quote!(match self { #(#arms),* })
    };
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let columns = with_param(input.generics, &quote!(__D));
    let (column_generics, _, _) = columns.split_for_impl();
    let mut column_where = input.generics.clone();
    column_where
        .make_where_clause()
        .predicates
        .push(parse_quote!(__z::str: __z::TextValue<__D>));
    let column_where = &column_where.where_clause;
    quote! {
        #[automatically_derived]
        impl #impl_generics __z::WriteValue for #ident #type_generics #where_clause {
            const SHAPE: __z::Shape = __z::text_shape(#rust);

            #[inline]
            fn write<__P: __z::Place>(
                &self,
                __out: &mut __z::Vec<__z::u8>,
            ) -> __z::Result<(), __z::RecordError> {
                let __text: &'static __z::str = #text;
                __z::write_text::<__P>(__text, __out)
            }
        }

        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl #column_generics __z::ColumnValue<__D> for #ident #type_generics #column_where {}
    }
}

/// The generics of the type, with what is asked of its generic fields.
fn bounded(
    input: &Input<'_>,
    fields: &[Field<'_>],
    bound: &dyn Fn(&Field<'_>, &TokenStream) -> TokenStream,
) -> Generics {
    let mut generics = input.generics.clone();
    for field in fields
        .iter()
        .filter(|field| field.is_generic(input.generics))
    {
        let value = value(field);
        let bound = bound(field, &value.ty);
        generics
            .make_where_clause()
            .predicates
            .push(parse_quote!(#bound));
    }
    generics
}

fn with_param(generics: &Generics, param: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    generics.params.push(parse_quote!(#param));
    generics
}
