//! The code for one column of a record.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use zerobus_schema::mapping;

use crate::ast::{Field, Input};
use crate::attr::Adapter;
use crate::column;
use crate::valid::Bound;

/// The code for one column.
#[derive(Default)]
pub(crate) struct Part {
    /// Items beside the impl: the trait that judges the type, the function that writes it.
    pub(crate) items: TokenStream,
    pub(crate) write: TokenStream,
    /// The same where a value can fail to fit, nothing elsewhere.
    pub(crate) validate: TokenStream,
    /// What is asked of a generic type.
    pub(crate) bound: Option<TokenStream>,
}

pub(crate) fn part(input: &Input<'_>, table: &str, bound: &Bound<'_>) -> Part {
    let Bound { field, column } = bound;
    let number = column.number.unwrap_or_default();
    let layout = format_ident!("__Layout{number}");
    let name = &column.name;
    let column_trait = column_trait(name);

    let value = value(field);
    // Where an error about the type belongs: at what lies within an `Option`.
    let span = value.span;
    let Some(marker) = column::marker(&column.data_type, &layout) else {
        // The mapping has refused it by now.
        return Part::default();
    };
    // An `Option` that the tokens show is taken apart here; one behind an alias is up to the trait.
    let nullable = column.nullable && !value.is_within_option;
    let delta = if nullable {
        quote!(__z::delta::Nullable<#marker>)
    } else {
        marker.clone()
    };

    let message = escaped(&format!(
        "column `{name}` of {table} is {}; ",
        column.data_type
    ));
    let message = match field.adapter {
        Some((_, Adapter::Json)) => {
            format!("{message}it takes JSON, and the field's type does not serialize")
        }
        _ => format!("{message}`{{Self}}` cannot be written to it"),
    };
    let label = escaped(&format!("not a type for {}", column.data_type));
    let note = match field.adapter {
        Some((_, Adapter::Json)) => "derive or implement `serde::Serialize` for it".to_owned(),
        _ => escaped(&note(column)),
    };
    // One trait for each column, so that the message is about this column, and has no list of what else there is.
    let mut items = quote! {
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
        #[allow(non_camel_case_types)]
        trait #column_trait {
            const COLUMN_SHAPE: __z::Shape;

            fn write_column(&self, out: &mut __z::Vec<__z::u8>) -> __z::Result<(), __z::RecordError>;
        }
        #[diagnostic::do_not_recommend]
        impl<__T: __z::ColumnValue<#delta> + ?::core::marker::Sized> #column_trait for __T {
            const COLUMN_SHAPE: __z::Shape = <Self as __z::WriteValue>::SHAPE;

            #[inline]
            fn write_column(&self, out: &mut __z::Vec<__z::u8>) -> __z::Result<(), __z::RecordError> {
                __z::write_table_column::<__z::At<#number, #marker>, Self>(self, #table, #name, out)
            }
        }
    };
    let ty = &value.ty;
    let is_generic = field.is_generic(input.generics);
    let mut check = TokenStream::new();
    if let Some(fields) = column::innermost_struct(&column.data_type) {
        let columns = column::columns(fields);
        items.extend(quote! {
            enum #layout {}
            impl __z::Layout for #layout {
                const COLUMNS: &'static [__z::StructColumn] = #columns;
            }
        });
        let static_ty = if is_generic {
            ty.clone()
        } else {
            with_static(ty.clone())
        };
        let assert = quote_spanned! {span=>
            __z::check(
                #name,
                <#marker as __z::DeltaType>::TYPE,
                #nullable,
                <#static_ty as #column_trait>::COLUMN_SHAPE,
            ).assert_empty()
        };
        if is_generic {
            check = quote!(const { #assert };);
        } else {
            items.extend(quote!(const _: () = #assert;));
        }
    }

    let member = &field.member;
    let expression = &value.expression;
    // A name in the span of the user's macro would not be the name in ours.
    let out = local("__out");
    let write = quote_spanned!(span=> <#ty as #column_trait>::write_column(#expression, #out)?;);
    let write = if value.is_within_option {
        quote! {
            if let __z::Some(__value) = &self.#member {
                #write
            }
        }
    } else {
        quote! {
            {
                let __value = &self.#member;
                #write
            }
        }
    };
    let validate = if column::may_misfit(&column.data_type) {
        quote! {
            if const {
                __z::needs_validation(
                    <#marker as __z::DeltaType>::TYPE,
                    <#ty as #column_trait>::COLUMN_SHAPE,
                )
            } {
                #write
            }
        }
    } else {
        TokenStream::new()
    };
    let write = quote!(#check #write);
    let bound = is_generic.then(|| quote!(#ty: __z::ColumnValue<#delta>));
    Part {
        items,
        write,
        validate,
        bound,
    }
}

/// What is written of a field.
pub(crate) struct FieldValue {
    /// The type that is judged, and written.
    pub(crate) ty: TokenStream,
    /// A reference to it, made of `__value`, a reference to what the field holds.
    pub(crate) expression: TokenStream,
    /// Where it stands in the source.
    pub(crate) span: Span,
    /// Whether `__value` is what lies in the field's `Option`.
    pub(crate) is_within_option: bool,
}

pub(crate) fn value(field: &Field<'_>) -> FieldValue {
    let option = field.option();
    let plain = option.unwrap_or(field.ty).to_token_stream();
    let held = local("__value");
    let value = |ty, expression| FieldValue {
        ty,
        expression,
        span: option.unwrap_or(field.ty).span(),
        is_within_option: option.is_some(),
    };
    match &field.adapter {
        None => value(plain, quote!(#held)),
        Some((_, Adapter::Unit(unit))) => {
            let unit = unit.marker();
            value(
                quote!(__z::Unit<__z::#unit>),
                quote!(&__z::Unit::new(<#plain as __z::UnitInteger>::widen(*#held))),
            )
        }
        Some((_, Adapter::Json)) => value(
            quote_spanned!(field.ty.span()=> __z::Json<&#plain>),
            quote!(&__z::Json(#held)),
        ),
        Some((_, Adapter::With(with))) => value(
            with.to_token_stream(),
            quote_spanned!(with.span()=> &<#with as ::core::convert::From<&#plain>>::from(#held)),
        ),
    }
}

/// A variable of the code that is emitted.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// What can be written to the column.
fn note(column: &zerobus_schema::StructField) -> String {
    use zerobus_schema::DataType;
    let mut note = format!("{} takes ", column.data_type);
    match &column.data_type {
        DataType::Struct(_) => note.push_str("a struct that derives `ZerobusRecord`"),
        data_type => {
            let carriers = mapping::row(data_type).map_or(&[][..], |row| row.rust);
            let names: Vec<String> = carriers
                .iter()
                .map(|carrier| match carrier.feature {
                    Some(feature) => format!("`{}` (feature `{feature}`)", carrier.rust),
                    None => format!("`{}`", carrier.rust),
                })
                .collect();
            note.push_str(&names.join(", "));
        }
    }
    match &column.data_type {
        DataType::Array(_) | DataType::Map(_) => {
            note.push_str("; no NULL can be sent in it, so its values are no `Option`s");
        }
        DataType::Timestamp | DataType::TimestampNtz => note.push_str(
            "; for an integer say its unit, one of `#[zerobus(unit = \"micros\")]`, \"millis\", \"seconds\", \"nanos\"",
        ),
        DataType::Date => note.push_str("; for an integer say `#[zerobus(unit = \"days\")]`"),
        DataType::Byte | DataType::Short | DataType::Integer | DataType::Long => {
            note.push_str("; a wider integer may not fit, so convert it with `try_from`");
        }
        DataType::Decimal(_) => note.push_str("; a float is not exact, and no type for it"),
        DataType::Variant => {
            note.push_str("; for any type that serializes say `#[zerobus(json)]`");
        }
        _ => {}
    }
    if !column.nullable {
        note.push_str("; the column is NOT NULL, so no `Option`");
    }
    note
}

/// Braces mean parameters in the texts of `on_unimplemented`.
fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A constant has no lifetimes of the impl at hand, and the shape of a type does not depend on them.
pub(crate) fn with_static(tokens: TokenStream) -> TokenStream {
    let mut out = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                out.push(TokenTree::Punct(punct));
                let span = tokens
                    .next()
                    .map_or_else(Span::call_site, |name| name.span());
                out.push(Ident::new("static", span).into());
            }
            TokenTree::Group(group) => {
                let mut inner =
                    proc_macro2::Group::new(group.delimiter(), with_static(group.stream()));
                inner.set_span(group.span());
                out.push(inner.into());
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
}

/// The trait that judges what is written to a column.
pub(crate) fn column_trait(name: &str) -> Ident {
    format_ident!("Column_{name}")
}
