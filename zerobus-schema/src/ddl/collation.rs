use super::cursor::{Cursor, short};
use crate::error::SchemaError;
use crate::types::DataType;

/// The collations of Spark 4.3 that are named after a language (`SELECT * FROM collations()`), without modifiers.
const LOCALES: &str = "\
    af am ar ar_SAU as az be bg blo bn bo br bs bs_Cyrl ca ceb chr cs cy da de de_AUT dsb dz ee el \
    en en_USA eo es et fa fa_AFG ff ff_Adlm fi fil fo fr fr_CAN fy ga gl gu ha haw he he_ISR hi hr \
    hsb hu hy id id_IDN ig is it ja ka kk kk_Arab kl km kn ko kok ku ky lb lij lkt ln lo lt lv mk ml \
    mn mr ms mt my nb nb_NOR ne nl nn no nso om or pa pa_Guru pa_Guru_IND pl ps pt ro ru sa se si sk \
    sl smn sq sr sr_Cyrl sr_Cyrl_BIH sr_Cyrl_MNE sr_Cyrl_SRB sr_Latn sr_Latn_BIH sr_Latn_SRB st sv \
    sw ta te th tk tn to tr ug uk ur uz vi wae wo xh yi yo zh zh_Hans zh_Hans_CHN zh_Hans_SGP \
    zh_Hant zh_Hant_HKG zh_Hant_MAC zh_Hant_TWN zu";

/// What may follow a collation's name, in the order that Spark writes them.
const MODIFIERS: [&str; 3] = ["CI", "AI", "RTRIM"];

/// `COLLATE` has been read: the STRING that the name makes.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<DataType, SchemaError> {
    Ok(of(name(cursor)?))
}

/// The name of a collation that Spark knows, as Spark spells it; the catalog it lies in may stand before it.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Result<String, SchemaError> {
    let place = cursor.token().start;
    let parts = cursor.dotted("the name of a collation")?;
    let name = match parts.as_slice() {
        [name] => Some(name),
        [catalog, schema, name]
            if catalog.eq_ignore_ascii_case("system") && schema.eq_ignore_ascii_case("builtin") =>
        {
            Some(name)
        }
        _ => None,
    };
    name.and_then(|name| known(name)).ok_or_else(|| {
        let found = short(&parts.join("."));
        cursor.error_at(
            place,
            format!(
                "`{found}` is no collation; write UTF8_LCASE, UNICODE or a language such as de, with _CI, _AI and \
                 _RTRIM as they are wanted"
            ),
        )
    })
}

/// A STRING with a collation, spelled as Spark spells it: `UTF8_LCASE`, `UNICODE_CI`, `sr_Cyrl_SRB_AI`. A name that
/// is not known stays as it is. `UTF8_BINARY` is what a STRING has without one.
pub(crate) fn collated(name: &str) -> DataType {
    of(known(name).unwrap_or_else(|| name.to_owned()))
}

fn of(name: String) -> DataType {
    match name.as_str() {
        "UTF8_BINARY" => DataType::String,
        _ => DataType::CollatedString(name),
    }
}

/// The collation of this name, in Spark's spelling: modifiers in one order, and none that only says the default.
fn known(name: &str) -> Option<String> {
    let base_of = |name: &str| -> Option<&'static str> {
        ["UTF8_BINARY", "UTF8_LCASE", "UNICODE"]
            .into_iter()
            .chain(LOCALES.split(' '))
            .find(|base| base.eq_ignore_ascii_case(name))
    };
    let mut rest = name;
    let mut given = [false; 3];
    let (mut cased, mut accented) = (false, false);
    let base = loop {
        if let Some(base) = base_of(rest) {
            break base;
        }
        let (before, modifier) = rest.rsplit_once('_')?;
        let modifier = modifier.to_ascii_uppercase();
        let fresh = match modifier.as_str() {
            "CS" => !std::mem::replace(&mut cased, true),
            "AS" => !std::mem::replace(&mut accented, true),
            _ => {
                let at = MODIFIERS.iter().position(|known| *known == modifier)?;
                !std::mem::replace(given.get_mut(at)?, true)
            }
        };
        if !fresh {
            return None;
        }
        rest = before;
    };
    let [ci, ai, _] = given;
    let plain = base.starts_with("UTF8_") && (ci || ai || cased || accented);
    if plain || (ci && cased) || (ai && accented) {
        return None;
    }
    let modifiers = MODIFIERS.iter().zip(given).filter(|(_, given)| *given);
    Some(modifiers.fold(base.to_owned(), |name, (modifier, _)| name + "_" + modifier))
}
