use bigdecimal::BigDecimal;

use crate::delta;
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::value::{WriteValue, stands_for, write_decimal};

stands_for!(BigDecimal: {const P: u8, const S: u8} delta::DecimalType<P, S>);

impl WriteValue for BigDecimal {
    const SHAPE: Shape = Shape::leaf("BigDecimal", Kinds::NONE.with(ColumnType::Decimal(0, 0)));

    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        const DIGITS_MAX: i64 = 38;
        // 1e1000000000 is a small number of bytes here and a very long text.
        let plain = self.normalized();
        let scale = plain.fractional_digit_count();
        if plain.digits() > 2 * DIGITS_MAX.unsigned_abs() || scale.abs() > DIGITS_MAX {
            return Err(RecordError::new(
                format!("a decimal of at most {DIGITS_MAX} digits"),
                format!(
                    "one of {} digits, {scale} of them behind the point",
                    plain.digits()
                ),
            ));
        }
        write_decimal::<P>(&plain.to_plain_string(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::At;

    #[test]
    fn a_decimal_is_its_plain_text() {
        let written = |text: &str| {
            let mut out = Vec::new();
            let value: BigDecimal = text.parse().unwrap();
            value
                .write::<At<1, delta::DecimalType<10, 2>>>(&mut out)
                .map(|()| String::from_utf8(out[2..].to_vec()).unwrap())
        };
        assert_eq!(written("-19.9900").unwrap(), "-19.99");
        assert_eq!(written("1e3").unwrap(), "1000");
        assert_eq!(written("0e900000000").unwrap(), "0");
        assert!(written("1e900000000").is_err());
        assert!(written("1e-900000000").is_err());
        assert!(written("1.999").is_err());
    }
}
