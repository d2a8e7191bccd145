//! Column types as the code the derive emits.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use zerobus_schema::{DataType, StructField, StructType};

/// The marker type in `__private::delta`; `layout` names the struct in it. `None` where a stream carries no such type.
pub(crate) fn marker(data_type: &DataType, layout: &Ident) -> Option<TokenStream> {
    Some(match data_type {
        DataType::Decimal(decimal) => {
            let (precision, scale) = (decimal.precision(), decimal.scale());
            quote!(__z::delta::DecimalType<#precision, #scale>)
        }
        DataType::Char(n) => quote!(__z::delta::CharType<#n>),
        DataType::Varchar(n) => quote!(__z::delta::VarcharType<#n>),
        DataType::Array(array) => {
            let element = marker(&array.element, layout)?;
            quote!(__z::delta::ArrayType<#element>)
        }
        DataType::Map(map) => {
            let (key, value) = (marker(&map.key, layout)?, marker(&map.value, layout)?);
            quote!(__z::delta::MapType<#key, #value>)
        }
        DataType::Struct(_) => quote!(__z::delta::StructType<#layout>),
        plain => {
            let name = format_ident!("{}Type", plain_name(plain)?);
            quote!(__z::delta::#name)
        }
    })
}

/// The type as a `ColumnType`.
pub(crate) fn constant(data_type: &DataType) -> Option<TokenStream> {
    Some(match data_type {
        DataType::Decimal(decimal) => {
            let (precision, scale) = (decimal.precision(), decimal.scale());
            quote!(__z::ColumnType::Decimal(#precision, #scale))
        }
        DataType::Char(n) => quote!(__z::ColumnType::Char(#n)),
        DataType::Varchar(n) => quote!(__z::ColumnType::Varchar(#n)),
        DataType::Array(array) => {
            let element = constant(&array.element)?;
            quote!(__z::ColumnType::Array(&#element))
        }
        DataType::Map(map) => {
            let (key, value) = (constant(&map.key)?, constant(&map.value)?);
            quote!(__z::ColumnType::Map(&#key, &#value))
        }
        DataType::Struct(fields) => {
            let columns = columns(fields);
            quote!(__z::ColumnType::Struct(#columns))
        }
        plain => {
            let name = format_ident!("{}", plain_name(plain)?);
            quote!(__z::ColumnType::#name)
        }
    })
}

/// The fields of a struct as a `&[StructColumn]`.
pub(crate) fn columns(fields: &StructType) -> TokenStream {
    list(fields.fields.iter())
}

/// These columns as a `&[StructColumn]`.
pub(crate) fn list<'a>(columns: impl Iterator<Item = &'a StructField>) -> TokenStream {
    let columns = columns.filter_map(|field| {
        let column_type = constant(&field.data_type)?;
        let (name, nullable) = (&field.name, field.nullable);
        let number = field.number?;
        Some(quote! {
            __z::StructColumn {
                name: #name,
                number: #number,
                nullable: #nullable,
                column_type: #column_type,
            }
        })
    });
    quote!(&[#(#columns),*])
}

/// The struct that a type holds, through arrays and map values.
pub(crate) fn innermost_struct(data_type: &DataType) -> Option<&StructType> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::Array(array) => innermost_struct(&array.element),
        DataType::Map(map) => innermost_struct(&map.value),
        _ => None,
    }
}

/// Whether some Rust type stands for it of which not every value fits.
pub(crate) fn may_misfit(data_type: &DataType) -> bool {
    match data_type {
        DataType::Array(array) => may_misfit(&array.element),
        DataType::Map(map) => may_misfit(&map.key) || may_misfit(&map.value),
        DataType::Struct(fields) => fields
            .fields
            .iter()
            .any(|field| may_misfit(&field.data_type)),
        DataType::Decimal(_)
        | DataType::Char(_)
        | DataType::Varchar(_)
        | DataType::Variant
        | DataType::Date
        | DataType::Timestamp
        | DataType::TimestampNtz => true,
        _ => false,
    }
}

fn plain_name(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Boolean => "Boolean",
        DataType::Byte => "Byte",
        DataType::Short => "Short",
        DataType::Integer => "Integer",
        DataType::Long => "Long",
        DataType::Float => "Float",
        DataType::Double => "Double",
        DataType::String | DataType::CollatedString(_) => "String",
        DataType::Binary => "Binary",
        DataType::Date => "Date",
        DataType::Timestamp => "Timestamp",
        DataType::TimestampNtz => "TimestampNtz",
        DataType::Variant => "Variant",
        _ => return None,
    })
}
