//! A struct that is bound to a table.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{LitStr, Result, parse_quote};
use zerobus_schema::proto::Message;
use zerobus_schema::{Fingerprint, TableSchema};

use crate::ast::{Errors, Field, Input};
use crate::flatten;
use crate::part::{Part, column_trait, part, value};
use crate::snapshot::{self, Found};
use crate::valid::{self, Bound};

pub(crate) fn expand(
    input: &Input<'_>,
    fields: &[Field<'_>],
    table: &LitStr,
    errors: &mut Errors,
) -> Result<TokenStream> {
    let Found {
        name,
        snapshot,
        tracked,
    } = snapshot::find(table, input.attrs.schema.as_ref())?;
    let schema = snapshot.schema();
    // What is `dev.iot.air_quality` in the snapshot may be `prod.iot.air_quality` here; a short name is made whole.
    let name = match &schema.table {
        Some(full) if name.to_full().is_err() => full.to_string(),
        _ => name.to_string(),
    };
    let flattened: Vec<&Field<'_>> = fields
        .iter()
        .filter(|field| field.flatten.is_some())
        .collect();
    let mut bound = valid::bind(&name, input, schema, fields, errors);
    let message = valid::message(input, schema, &mut bound, !flattened.is_empty(), errors);

    let columns = column_infos(schema, &message, &bound, &flattened);
    let descriptor = Literal::byte_string(&message.descriptor());
    let fingerprint = Fingerprint::of(schema);
    let table_doc = format!("`{name}`, the table that this type was compiled against.");
    let fingerprint_doc = format!("`{fingerprint}`: what {name} asked of a record.");
    let columns_doc = columns_doc(&name, schema, &message);
    let fingerprint = Literal::byte_string(fingerprint.as_bytes());
    let mut parts: Vec<Part> = bound
        .iter()
        .map(|bound| part(input, &name, bound))
        .collect();
    if !flattened.is_empty() {
        let left = valid::left(schema, &bound, &message);
        parts.extend(flatten::parts(input, &name, &left, &flattened));
    }
    let items = parts.iter().map(|part| &part.items);
    let writes = parts.iter().map(|part| &part.write);
    let validates = parts.iter().map(|part| &part.validate);

    let mut generics = input.generics.clone();
    let bounds = parts.iter().filter_map(|part| part.bound.as_ref());
    let predicates = &mut generics.make_where_clause().predicates;
    predicates.extend(bounds.map(|bound| -> syn::WherePredicate { parse_quote!(#bound) }));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let ident = input.ident;
    Ok(quote! {
        // A changed snapshot, or another folder of snapshots, rebuilds.
        const _: &[__z::u8] = ::core::include_bytes!(#tracked);
        const _: ::core::option::Option<&__z::str> = ::core::option_env!("ZEROBUS_SCHEMAS");

        #(#items)*

        #[automatically_derived]
        impl #impl_generics __z::ZerobusRecord for #ident #type_generics #where_clause {
            #[doc = #table_doc]
            const TABLE: &'static __z::str = #name;
            #[doc = #fingerprint_doc]
            const FINGERPRINT: __z::Fingerprint = __z::Fingerprint::from_bytes(*#fingerprint);
            #[doc = #columns_doc]
            const COLUMNS: &'static [__z::ColumnInfo] = &[#(#columns),*];
            /// The message that records of this type are, as one serialized `google.protobuf.DescriptorProto`.
            const DESCRIPTOR: &'static [__z::u8] = #descriptor;

            fn encode(&self, __out: &mut __z::Vec<__z::u8>) -> __z::Result<(), __z::RecordError> {
                #(#writes)*
                __z::Ok(())
            }

            fn validate(&self) -> __z::Result<(), __z::RecordError> {
                // Allocates when something is written to it, and not before.
                let __out = &mut __z::Vec::new();
                let _: &mut __z::Vec<__z::u8> = __out;
                #(#validates)*
                __z::Ok(())
            }
        }
    })
}

/// The table's columns, as an editor shows them.
fn columns_doc(table: &str, schema: &TableSchema, message: &Message) -> String {
    let mut doc = format!("The columns of {table}:\n");
    for column in &schema.columns.fields {
        let null = if column.nullable { "" } else { " NOT NULL" };
        let left_out = match message.field(&column.name) {
            Some(_) => "",
            None => " (not sent)",
        };
        doc.push_str(&format!(
            "\n* `{} {}{null}`{left_out}",
            column.name, column.data_type
        ));
    }
    doc
}

fn column_infos(
    schema: &TableSchema,
    message: &Message,
    bound: &[Bound<'_>],
    flattened: &[&Field<'_>],
) -> Vec<TokenStream> {
    let mut columns = Vec::new();
    schema.visit_fields(&mut |path, field| {
        let (name, data_type) = (path.to_string(), field.data_type.to_string());
        let nullable = field.nullable;
        let mut column = quote!(__z::ColumnInfo::new(#name, #data_type, #nullable));
        if field.generation_expression().is_some() {
            column = quote!(#column.with_source(__z::ColumnSource::Generated));
        } else if field.is_generated() {
            column = quote!(#column.with_source(__z::ColumnSource::Identity));
        }
        let top = path.parts().first();
        if top.is_none_or(|top| message.field(top).is_none()) {
            column = quote!(#column.left_out());
        } else if nullable {
            column = written_by(column, path.parts(), bound, flattened);
        }
        columns.push(column);
    });
    columns
}

/// Whether a column that may be NULL is so in these records is known of the type that is written to it alone.
fn written_by(
    column: TokenStream,
    path: &[String],
    bound: &[Bound<'_>],
    flattened: &[&Field<'_>],
) -> TokenStream {
    let Some((top, below)) = path.split_first() else {
        return column;
    };
    let Some(bound) = bound.iter().find(|bound| bound.column.name == *top) else {
        return flattened.iter().fold(column, |column, field| {
            let ty = field.ty;
            let shape = quote!(<#ty as __Flattened>::FLATTENED_SHAPE);
            quote!(__z::written_by(#column, #shape, &[#(#path),*]))
        });
    };
    let value = value(bound.field);
    if below.is_empty() && value.is_within_option {
        return column;
    }
    let ty = &value.ty;
    let column_trait = column_trait(top);
    let shape = quote!(<#ty as #column_trait>::COLUMN_SHAPE);
    quote!(__z::written_by(#column, #shape, &[#(#below),*]))
}
