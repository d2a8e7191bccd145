use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{
    Data, DeriveInput, Error, Fields, GenericArgument, GenericParam, Generics, Member,
    PathArguments, Result, Type,
};

use zerobus_schema::DataType;

use crate::attr::{Adapter, FieldAttrs, TypeAttrs};

/// What the derive stands on.
pub(crate) struct Input<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) attrs: TypeAttrs,
    pub(crate) kind: Kind<'a>,
    /// The fields whose attributes could not be read: which columns they go to is anyone's guess.
    pub(crate) unread: Vec<String>,
}

pub(crate) enum Kind<'a> {
    /// A struct with named fields: a record of a table, or the value of a STRUCT.
    Struct(Vec<Field<'a>>),
    /// A struct that is written as its one field.
    Transparent(Box<Field<'a>>),
    /// An enum of unit variants: text.
    Enum(Vec<Variant<'a>>),
}

/// A field that is written to a column.
pub(crate) struct Field<'a> {
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
    pub(crate) column: String,
    /// Where an error about the column's name belongs.
    pub(crate) name_span: proc_macro2::Span,
    pub(crate) adapter: Option<(proc_macro2::Span, Adapter)>,
    /// Whether its fields, and not it itself, are columns.
    pub(crate) flatten: Option<proc_macro2::Span>,
    /// What is said of the column for want of a table.
    pub(crate) number: Option<(proc_macro2::Span, u32)>,
    pub(crate) data_type: Option<(proc_macro2::Span, DataType)>,
}

pub(crate) struct Variant<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) text: String,
}

impl<'a> Input<'a> {
    /// Reads the type; the fields that cannot be read are in `errors`, the others go on.
    pub(crate) fn from_syn(input: &'a DeriveInput, errors: &mut Errors) -> Result<Self> {
        let attrs = TypeAttrs::parse(&input.attrs)?;
        let mut unread = Vec::new();
        let kind = match &input.data {
            Data::Struct(data) => {
                Self::of_fields(&data.fields, &attrs, &input.ident, &mut unread, errors)?
            }
            Data::Enum(data) => Kind::Enum(Self::of_variants(data, &attrs)?),
            Data::Union(data) => {
                return Err(Error::new(
                    data.union_token.span,
                    "a union is no record; ZerobusRecord derives for structs and enums of unit variants",
                ));
            }
        };
        attrs.has_effect(matches!(kind, Kind::Struct(_)))?;
        if let (Some(table), Kind::Transparent(_) | Kind::Enum(_)) = (&attrs.table, &kind) {
            return Err(Error::new(
                table.span(),
                "only a struct with named fields is the record of a table",
            ));
        }
        Ok(Self {
            ident: &input.ident,
            generics: &input.generics,
            attrs,
            kind,
            unread,
        })
    }

    fn of_fields(
        fields: &'a Fields,
        attrs: &TypeAttrs,
        ident: &Ident,
        unread: &mut Vec<String>,
        errors: &mut Errors,
    ) -> Result<Kind<'a>> {
        let mut kept = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            let field_attrs = match FieldAttrs::parse(&field.attrs) {
                Ok(attrs) => attrs,
                Err(error) => {
                    errors.push(error);
                    unread.extend(field.ident.as_ref().map(|ident| ident.unraw().to_string()));
                    continue;
                }
            };
            if field_attrs.skip {
                continue;
            }
            let (member, name, ident_span) = match &field.ident {
                Some(ident) => (
                    Member::Named(ident.clone()),
                    ident.unraw().to_string(),
                    ident.span(),
                ),
                None => (Member::from(index), String::new(), ident.span()),
            };
            let (column, name_span) = match (&field_attrs.rename, attrs.rename_all) {
                (Some(rename), _) => (rename.value(), rename.span()),
                (None, Some((_, case))) => (case.of_field(&name), ident_span),
                (None, None) => (name, ident_span),
            };
            kept.push(Field {
                member,
                ty: ungrouped(&field.ty),
                column,
                name_span,
                adapter: field_attrs.adapter,
                flatten: field_attrs.flatten,
                number: field_attrs.number,
                data_type: field_attrs.data_type,
            });
        }
        if matches!(fields, Fields::Named(_)) && !attrs.is_transparent {
            return Ok(Kind::Struct(kept));
        }
        let count = kept.len();
        match <[Field<'a>; 1]>::try_from(kept) {
            Ok([field]) => {
                let spans = [
                    field.flatten,
                    field.number.as_ref().map(|(span, _)| *span),
                    field.data_type.as_ref().map(|(span, _)| *span),
                ];
                match spans.into_iter().flatten().next() {
                    Some(span) => Err(Error::new(
                        span,
                        format!(
                            "`{ident}` is written as this field and is no struct of columns, so this has no effect"
                        ),
                    )),
                    None => Ok(Kind::Transparent(Box::new(field))),
                }
            }
            Err(_) => Err(Error::new(
                ident.span(),
                match (count, &attrs.table) {
                    (0, _) => format!("`{ident}` has no field, so there is nothing to write"),
                    (_, Some(_)) => format!(
                        "the fields of a record are found by name; name those of `{ident}` after the columns"
                    ),
                    (_, None) => format!(
                        "`{ident}` is written as its one field, but it has {count}; name the fields to make it a STRUCT"
                    ),
                },
            )),
        }
    }

    fn of_variants(data: &'a syn::DataEnum, attrs: &TypeAttrs) -> Result<Vec<Variant<'a>>> {
        let mut variants = Vec::new();
        for variant in &data.variants {
            if !matches!(variant.fields, Fields::Unit) {
                return Err(Error::new_spanned(
                    &variant.fields,
                    "a variant with fields has no column type; for a VARIANT column use `#[zerobus(json)]` on the field",
                ));
            }
            let name = variant.ident.unraw().to_string();
            let rename = FieldAttrs::of_variant(&variant.attrs)?;
            variants.push(Variant {
                ident: &variant.ident,
                text: match (rename, attrs.rename_all) {
                    (Some(rename), _) => rename.value(),
                    (None, Some((_, case))) => case.of_variant(&name),
                    (None, None) => name,
                },
            });
        }
        Ok(variants)
    }
}

impl Field<'_> {
    /// The field's name as its author wrote it.
    pub(crate) fn shown_member(&self) -> String {
        self.member.to_token_stream().to_string()
    }

    /// The type within `Option<…>`, as far as tokens show it.
    pub(crate) fn option(&self) -> Option<&Type> {
        let Type::Path(path) = self.ty else {
            return None;
        };
        let segments: Vec<String> = path
            .path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let is_option = matches!(
            segments.as_slice(),
            ["Option"] | ["std" | "core", "option", "Option"]
        );
        let arguments = &path.path.segments.last()?.arguments;
        match arguments {
            PathArguments::AngleBracketed(arguments) if is_option && arguments.args.len() == 1 => {
                match arguments.args.first()? {
                    GenericArgument::Type(inner) => Some(inner),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether the type speaks of a type or const parameter.
    pub(crate) fn is_generic(&self, generics: &Generics) -> bool {
        let params: Vec<&Ident> = generics
            .params
            .iter()
            .filter_map(|param| match param {
                GenericParam::Type(param) => Some(&param.ident),
                GenericParam::Const(param) => Some(&param.ident),
                GenericParam::Lifetime(_) => None,
            })
            .collect();
        !params.is_empty() && mentions(self.ty.to_token_stream(), &params)
    }
}

/// A type that came through a macro is wrapped in a group without brackets.
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

fn mentions(tokens: TokenStream, names: &[&Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.iter().any(|name| **name == ident),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

/// All that is wrong, so that one build shows it all.
#[derive(Default)]
pub(crate) struct Errors(Vec<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    pub(crate) fn to_compile_error(&self) -> TokenStream {
        self.0.iter().map(Error::to_compile_error).collect()
    }
}
