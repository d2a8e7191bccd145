use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, LitInt, LitStr, Path, Result, Token, Type};
use zerobus_schema::{DataType, ddl, is_usable_field_number};

use crate::case::Case;
use crate::suggest;

/// What stands in `#[zerobus(…)]` on the type, and what `#[serde(…)]` says of the same.
#[derive(Default)]
pub(crate) struct TypeAttrs {
    pub(crate) table: Option<LitStr>,
    pub(crate) schema: Option<LitStr>,
    pub(crate) root: Option<TokenStream>,
    pub(crate) rename_all: Option<(Span, Case)>,
    pub(crate) is_transparent: bool,
    pub(crate) allow_unproven_map_keys: Option<Span>,
}

/// What stands in `#[zerobus(…)]` on a field or a variant, and what `#[serde(…)]` says of the same.
#[derive(Default)]
pub(crate) struct FieldAttrs {
    pub(crate) rename: Option<LitStr>,
    pub(crate) skip: bool,
    pub(crate) flatten: Option<Span>,
    pub(crate) number: Option<(Span, u32)>,
    pub(crate) data_type: Option<(Span, DataType)>,
    pub(crate) adapter: Option<(Span, Adapter)>,
}

/// What makes a column's value of a field that cannot stand for it by itself.
pub(crate) enum Adapter {
    /// `unit = "…"`: the unit of an integer.
    Unit(Unit),
    /// `json`: the JSON that it serializes to.
    Json,
    /// `with = Type`: a type that is made from a reference to it.
    With(Box<Type>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Days,
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// The marker type in `__private`.
    pub(crate) fn marker(self) -> TokenStream {
        match self {
            Self::Days => quote!(Days),
            Self::Seconds => quote!(Seconds),
            Self::Millis => quote!(Millis),
            Self::Micros => quote!(Micros),
            Self::Nanos => quote!(Nanos),
        }
    }
}

/// What serde says, kept apart until both are read.
#[derive(Default)]
struct SerdeAttrs {
    rename: Option<LitStr>,
    rename_all: Option<LitStr>,
    skip: Option<Span>,
    flatten: Option<Span>,
    is_transparent: bool,
}

impl TypeAttrs {
    pub(crate) fn parse(attrs: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        let mut rename_all: Option<LitStr> = None;
        each_meta(attrs, "zerobus", &mut |meta| {
            if meta.path.is_ident("table") {
                set(&mut parsed.table, &meta)
            } else if meta.path.is_ident("schema") {
                set(&mut parsed.schema, &meta)
            } else if meta.path.is_ident("rename_all") {
                set(&mut rename_all, &meta)
            } else if meta.path.is_ident("crate") {
                parsed.root = Some(path_value(&meta)?.to_token_stream());
                Ok(())
            } else if meta.path.is_ident("transparent") {
                parsed.is_transparent = true;
                Ok(())
            } else if meta.path.is_ident("allow_unproven_map_keys") {
                parsed.allow_unproven_map_keys = Some(meta.path.span());
                Ok(())
            } else {
                Err(unknown(&meta, "type", &TYPE_ATTRIBUTES))
            }
        })?;
        let serde = SerdeAttrs::parse(attrs)?;
        parsed.is_transparent |= serde.is_transparent;
        let rename_all = agreed("rename_all", rename_all, serde.rename_all)?;
        parsed.rename_all = rename_all
            .as_ref()
            .map(|text| Ok::<_, Error>((text.span(), Case::parse(text)?)))
            .transpose()?;
        Ok(parsed)
    }
}

impl TypeAttrs {
    /// Refuses what would be read and ignored.
    pub(crate) fn has_effect(&self, is_struct: bool) -> Result<()> {
        if self.table.is_some() {
            return Ok(());
        }
        if let Some(schema) = &self.schema {
            return Err(Error::new(
                schema.span(),
                "a schema is read for a `table`, and none is named; add `table = \"catalog.schema.table\"`",
            ));
        }
        if let Some(span) = self.allow_unproven_map_keys {
            return Err(Error::new(
                span,
                "this is about the columns of a `table`, and none is named",
            ));
        }
        match &self.rename_all {
            Some((span, _)) if !is_struct && self.is_transparent => {
                Err(Error::new(*span, "a newtype has no columns to rename"))
            }
            _ => Ok(()),
        }
    }
}

impl FieldAttrs {
    /// The `rename` of a variant, which takes nothing else.
    pub(crate) fn of_variant(attrs: &[Attribute]) -> Result<Option<LitStr>> {
        let mut rename = None;
        each_meta(attrs, "zerobus", &mut |meta| {
            if meta.path.is_ident("rename") {
                set(&mut rename, &meta)
            } else {
                Err(meta.error("a variant takes `rename` and nothing else"))
            }
        })?;
        let serde = SerdeAttrs::parse(attrs)?;
        if let Some(skip) = serde.skip {
            return Err(Error::new(
                skip,
                "serde skips the variant, but a field may hold it; a record has to write something then",
            ));
        }
        agreed("rename", rename, serde.rename)
    }

    pub(crate) fn parse(attrs: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        let mut skip = None;
        each_meta(attrs, "zerobus", &mut |meta| {
            let span = meta
                .path
                .get_ident()
                .map_or_else(Span::call_site, proc_macro2::Ident::span);
            let mut adapt = |adapter| match parsed.adapter {
                Some(_) => {
                    Err(meta.error("only one of `unit`, `json` and `with` can stand on a field"))
                }
                None => {
                    parsed.adapter = Some((span, adapter));
                    Ok(())
                }
            };
            if meta.path.is_ident("rename") {
                set(&mut parsed.rename, &meta)
            } else if meta.path.is_ident("skip") {
                skip = Some(span);
                Ok(())
            } else if meta.path.is_ident("unit") {
                let unit = unit_value(&meta)?;
                adapt(Adapter::Unit(unit))
            } else if meta.path.is_ident("json") {
                adapt(Adapter::Json)
            } else if meta.path.is_ident("with") {
                let with = meta.value()?.parse()?;
                adapt(Adapter::With(Box::new(with)))
            } else if meta.path.is_ident("flatten") {
                parsed.flatten = Some(span);
                Ok(())
            } else if meta.path.is_ident("number") {
                parsed.number = Some((span, number_value(&meta)?));
                Ok(())
            } else if meta.path.is_ident("type") {
                let text: LitStr = meta.value()?.parse()?;
                let data_type = ddl::parse_type(&text.value()).map_err(|error| {
                    let error = error.to_string();
                    // Line and column of one word tell nothing.
                    let problem = error.split_once(": ").map_or(&*error, |(_, problem)| problem);
                    Error::new(
                        text.span(),
                        format!("not a column's type as SQL writes it, as in \"DECIMAL(10,2)\": {problem}"),
                    )
                })?;
                parsed.data_type = Some((text.span(), data_type));
                Ok(())
            } else {
                Err(unknown(&meta, "field", &FIELD_ATTRIBUTES))
            }
        })?;
        let serde = SerdeAttrs::parse(attrs)?;
        if let (Some(_), Some(rename)) = (serde.skip, &parsed.rename) {
            return Err(Error::new(
                rename.span(),
                "`rename` gives the field a column, but serde skips it; say `#[zerobus(skip)]` or let serde keep it",
            ));
        }
        parsed.skip = skip.is_some() || serde.skip.is_some();
        let values = [
            parsed.adapter.as_ref().map(|(span, _)| *span),
            parsed.number.as_ref().map(|(span, _)| *span),
            parsed.data_type.as_ref().map(|(span, _)| *span),
        ];
        let mut values = values.into_iter().flatten();
        if let (true, Some(span)) = (parsed.skip, values.clone().next().or(parsed.flatten)) {
            return Err(Error::new(
                span,
                "the field is skipped, so this has no effect",
            ));
        }
        parsed.flatten = parsed.flatten.or(serde.flatten);
        if let (Some(_), Some(span)) = (parsed.flatten, values.next()) {
            return Err(Error::new(
                span,
                "the field is flattened, so it is no column itself and this has no effect",
            ));
        }
        parsed.rename = agreed("rename", parsed.rename, serde.rename)?;
        Ok(parsed)
    }
}

impl SerdeAttrs {
    fn parse(attrs: &[Attribute]) -> Result<Self> {
        let mut parsed = Self::default();
        each_meta(attrs, "serde", &mut |meta| {
            let span = meta
                .path
                .get_ident()
                .map_or_else(Span::call_site, proc_macro2::Ident::span);
            if meta.path.is_ident("rename") {
                serialize_value(&meta, &mut parsed.rename)
            } else if meta.path.is_ident("rename_all") {
                serialize_value(&meta, &mut parsed.rename_all)
            } else if meta.path.is_ident("skip") || meta.path.is_ident("skip_serializing") {
                parsed.skip = Some(span);
                Ok(())
            } else if meta.path.is_ident("flatten") {
                parsed.flatten = Some(span);
                Ok(())
            } else if meta.path.is_ident("transparent") {
                parsed.is_transparent = true;
                Ok(())
            } else {
                pass_over(&meta)
            }
        })?;
        Ok(parsed)
    }
}

const TYPE_ATTRIBUTES: [&str; 6] = [
    "table",
    "schema",
    "rename_all",
    "transparent",
    "crate",
    "allow_unproven_map_keys",
];
const FIELD_ATTRIBUTES: [&str; 8] = [
    "rename", "skip", "flatten", "unit", "json", "with", "type", "number",
];

fn unknown(meta: &ParseNestedMeta<'_>, place: &str, known: &[&str]) -> Error {
    let name = meta
        .path
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default();
    if let Some(meant) = suggest::closest(&name, known.iter().copied()) {
        return meta.error(format!("unknown attribute; did you mean `{meant}`?"));
    }
    meta.error(format!(
        "unknown attribute; on a {place} it is one of `{}`",
        known.join("`, `")
    ))
}

/// Calls `read` for each item of every `#[name(…)]`.
fn each_meta(
    attrs: &[Attribute],
    name: &str,
    read: &mut dyn FnMut(ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident(name))
        .try_for_each(|attr| attr.parse_nested_meta(&mut *read))
}

fn set(slot: &mut Option<LitStr>, meta: &ParseNestedMeta<'_>) -> Result<()> {
    if slot.is_some() {
        return Err(meta.error("this stands here twice"));
    }
    *slot = Some(meta.value()?.parse()?);
    Ok(())
}

/// `rename = "a"`, or the serializing half of `rename(serialize = "a", deserialize = "b")`.
fn serialize_value(meta: &ParseNestedMeta<'_>, slot: &mut Option<LitStr>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        *slot = Some(meta.value()?.parse()?);
        return Ok(());
    }
    meta.parse_nested_meta(|half| {
        if half.path.is_ident("serialize") {
            *slot = Some(half.value()?.parse()?);
            Ok(())
        } else {
            pass_over(&half)
        }
    })
}

/// Leaves the value of an attribute that is serde's own business unread.
fn pass_over(meta: &ParseNestedMeta<'_>) -> Result<()> {
    while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
        meta.input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn path_value(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    let value = meta.value()?;
    if value.peek(LitStr) {
        value.parse::<LitStr>()?.parse()
    } else {
        value.parse()
    }
}

fn number_value(meta: &ParseNestedMeta<'_>) -> Result<u32> {
    let literal: LitInt = meta.value()?.parse()?;
    let number: u32 = literal.base10_parse()?;
    if is_usable_field_number(number) {
        return Ok(number);
    }
    Err(Error::new(
        literal.span(),
        "a protobuf field number is 1 to 536870911, 19000 to 19999 aside",
    ))
}

fn unit_value(meta: &ParseNestedMeta<'_>) -> Result<Unit> {
    let text: LitStr = meta.value()?.parse()?;
    match text.value().as_str() {
        "days" => Ok(Unit::Days),
        "seconds" => Ok(Unit::Seconds),
        "millis" => Ok(Unit::Millis),
        "micros" => Ok(Unit::Micros),
        "nanos" => Ok(Unit::Nanos),
        _ => Err(Error::new(
            text.span(),
            "unknown unit; it is one of \"seconds\", \"millis\", \"micros\", \"nanos\" for a time, \"days\" for a date",
        )),
    }
}

/// What both sides say where only one does, or both say the same.
fn agreed(what: &str, ours: Option<LitStr>, serdes: Option<LitStr>) -> Result<Option<LitStr>> {
    match (ours, serdes) {
        (Some(ours), Some(serdes)) if ours.value() != serdes.value() => Err(Error::new(
            ours.span(),
            format!(
                "`{what}` is {:?} here and {:?} for serde; let both say the same, or drop one",
                ours.value(),
                serdes.value()
            ),
        )),
        (ours, serdes) => Ok(ours.or(serdes)),
    }
}
