use rust_decimal::Decimal;

use crate::delta;
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::value::{self, WriteValue, stands_for};

stands_for!(Decimal: {const P: u8, const S: u8} delta::DecimalType<P, S>);

impl From<Decimal> for value::Decimal {
    #[inline]
    fn from(value: Decimal) -> Self {
        // Its scale is at most 28, of the 38 that there are.
        let scale = u8::try_from(value.scale()).unwrap_or_default();
        Self::new(value.mantissa(), scale).unwrap_or_default()
    }
}

impl WriteValue for Decimal {
    const SHAPE: Shape = Shape::leaf("Decimal", Kinds::NONE.with(ColumnType::Decimal(0, 0)));

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        value::Decimal::from(*self).write::<P>(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::At;

    #[test]
    fn a_decimal_is_its_text() {
        let mut out = Vec::new();
        Decimal::new(-199_900, 4)
            .write::<At<1, delta::DecimalType<10, 2>>>(&mut out)
            .unwrap();
        assert_eq!(&out[2..], b"-19.99");
        out.clear();
        Decimal::MIN
            .write::<At<1, delta::DecimalType<38, 0>>>(&mut out)
            .unwrap();
        assert_eq!(&out[2..], b"-79228162514264337593543950335");
        let error = Decimal::new(1_999, 3)
            .write::<At<1, delta::DecimalType<10, 2>>>(&mut out)
            .unwrap_err();
        assert_eq!(error.found(), "\"1.999\"");
    }
}
