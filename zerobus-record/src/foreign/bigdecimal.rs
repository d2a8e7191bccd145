use bigdecimal::BigDecimal;

use crate::delta;
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::value::{Decimal, WriteValue, stands_for};

stands_for!(BigDecimal: {const P: u8, const S: u8} delta::DecimalType<P, S>);

impl TryFrom<&BigDecimal> for Decimal {
    type Error = RecordError;

    fn try_from(value: &BigDecimal) -> Result<Self, RecordError> {
        const DIGITS_MAX: i64 = 38;
        // 1e1000000000 is a small number of bytes here and a very long text.
        let plain = value.normalized();
        let (digits, scale) = plain.as_bigint_and_scale();
        let small = || {
            let digits = i128::try_from(digits.as_ref()).ok()?;
            let Ok(scale) = u8::try_from(scale) else {
                let zeros = u32::try_from(scale.checked_neg()?).ok()?;
                return Self::new(digits.checked_mul(10_i128.checked_pow(zeros)?)?, 0);
            };
            Self::new(digits, scale)
        };
        small().ok_or_else(|| {
            RecordError::new(
                format!("a decimal of at most {DIGITS_MAX} digits"),
                format!(
                    "one of {} digits, {scale} of them behind the point",
                    plain.digits()
                ),
            )
        })
    }
}

impl TryFrom<BigDecimal> for Decimal {
    type Error = RecordError;

    fn try_from(value: BigDecimal) -> Result<Self, RecordError> {
        Self::try_from(&value)
    }
}

impl WriteValue for BigDecimal {
    const SHAPE: Shape = Shape::leaf("BigDecimal", Kinds::NONE.with(ColumnType::Decimal(0, 0)));

    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        Decimal::try_from(self)?.write::<P>(out)
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
