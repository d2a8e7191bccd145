//! The numeric codes at the end of the service's error messages.

use std::fmt;

const CODE_LABEL: &str = "Error Code: ";
const STATE_LABEL: &str = "Error State: ";

/// A numeric error code of the service.
///
/// An open set: the service has more codes than it documents, so any number is a value of this type and the known
/// ones are constants, usable as patterns. Source: the Databricks documentation page "Zerobus Ingest error codes";
/// meanings marked **assumption** come from reports of its users.
///
/// ```
/// use zerobus_proto::ErrorCode;
///
/// let message = "Offsets must be sequential. Error Code: 4002, Error State: 0.";
/// match ErrorCode::parse_from_message(message) {
///     Some(ErrorCode::OFFSET_NOT_SEQUENTIAL) => {}
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(u32);

impl ErrorCode {
    /// 3: the token lacks MODIFY on the table.
    pub const PERMISSION_DENIED: Self = Self(3);
    /// 4002: an `offset_id` left a gap or came twice.
    pub const OFFSET_NOT_SEQUENTIAL: Self = Self(4002);
    /// 4024: a kind of table the service does not write to. Also seen where direct grants are missing.
    pub const UNSUPPORTED_TABLE: Self = Self(4024);
    /// 4033: the descriptor names a type that it does not contain.
    pub const DESCRIPTOR_NOT_SELF_CONTAINED: Self = Self(4033);
    /// 4044: a record cannot be decoded, or does not fit the table.
    pub const RECORD_REFUSED: Self = Self(4044);
    /// 6002: the stream has lived its time. Reconnect.
    pub const STREAM_LIFETIME_REACHED: Self = Self(6002);
    /// 6006: the pipeline is blocked for the moment. Wait about a minute before reconnecting.
    pub const PIPELINE_BLOCKED: Self = Self(6006);
    /// 8001: the record's schema does not fit the table's. The causes are in the status details, see
    /// [`SchemaCause`](crate::SchemaCause).
    pub const SCHEMA_MISMATCH: Self = Self(8001);

    /// Every code named here, ascending.
    pub const KNOWN: [Self; 8] = [
        Self::PERMISSION_DENIED,
        Self::OFFSET_NOT_SEQUENTIAL,
        Self::UNSUPPORTED_TABLE,
        Self::DESCRIPTOR_NOT_SELF_CONTAINED,
        Self::RECORD_REFUSED,
        Self::STREAM_LIFETIME_REACHED,
        Self::PIPELINE_BLOCKED,
        Self::SCHEMA_MISMATCH,
    ];

    /// The code with this number, known or not.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The gRPC status it comes with; `None` for a code not named here.
    ///
    /// **Assumption** for 4002 and 4024 (INVALID_ARGUMENT) and 6006 (UNAVAILABLE).
    #[cfg(any(feature = "client", feature = "server"))]
    pub const fn grpc_code(self) -> Option<tonic::Code> {
        match self {
            Self::PERMISSION_DENIED => Some(tonic::Code::PermissionDenied),
            Self::OFFSET_NOT_SEQUENTIAL
            | Self::UNSUPPORTED_TABLE
            | Self::DESCRIPTOR_NOT_SELF_CONTAINED
            | Self::RECORD_REFUSED
            | Self::SCHEMA_MISMATCH => Some(tonic::Code::InvalidArgument),
            Self::STREAM_LIFETIME_REACHED | Self::PIPELINE_BLOCKED => {
                Some(tonic::Code::Unavailable)
            }
            _ => None,
        }
    }

    /// `text` with this code behind it, as the service writes it: `{text} Error Code: N, Error State: M.`
    ///
    /// The meaning of the state is not published; 0 where there is nothing to tell.
    pub fn message(self, text: &str, state: u32) -> String {
        let tail = ErrorTail { code: self, state };
        if text.is_empty() {
            tail.to_string()
        } else {
            format!("{text} {tail}")
        }
    }

    /// The code at the end of a status message; `None` where there is none.
    pub fn parse_from_message(message: &str) -> Option<Self> {
        ErrorTail::parse_from_message(message).map(|tail| tail.code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The end of a service message: `Error Code: N, Error State: M.`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorTail {
    /// What went wrong.
    pub code: ErrorCode,
    /// The service's own detail, of unpublished meaning.
    pub state: u32,
}

impl ErrorTail {
    /// The last tail in `message`: texts quote user data, which may look like one, and the service's own comes last.
    /// What follows it (a request id, a wrapper's words) is passed over.
    pub fn parse_from_message(message: &str) -> Option<Self> {
        message
            .rmatch_indices(CODE_LABEL)
            .find_map(|(at, label)| Self::parse_at(message.get(at + label.len()..)?))
    }

    /// `rest` starts behind the code's label.
    fn parse_at(rest: &str) -> Option<Self> {
        let (code, rest) = leading_number(rest)?;
        let rest = rest.strip_prefix(", ")?.strip_prefix(STATE_LABEL)?;
        let (state, _) = leading_number(rest)?;
        Some(Self {
            code: ErrorCode(code),
            state,
        })
    }
}

impl fmt::Display for ErrorTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{CODE_LABEL}{}, {STATE_LABEL}{}.", self.code, self.state)
    }
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn message_has_the_services_form() {
        let message = ErrorCode::RECORD_REFUSED.message("Record cannot be decoded.", 7);
        assert_eq!(
            message,
            "Record cannot be decoded. Error Code: 4044, Error State: 7."
        );
    }

    #[test]
    fn last_tail_wins_over_one_quoted_from_a_record() {
        let message = ErrorCode::RECORD_REFUSED.message(
            "Unknown key \"Error Code: 3, Error State: 1.\" in the record.",
            0,
        );
        assert_eq!(
            ErrorCode::parse_from_message(&message),
            Some(ErrorCode::RECORD_REFUSED)
        );
    }

    #[test]
    fn words_after_the_tail_do_not_hide_it() {
        let message = "x. Error Code: 6002, Error State: 0. [request 12; Error Code: none]";
        assert_eq!(
            ErrorCode::parse_from_message(message),
            Some(ErrorCode::STREAM_LIFETIME_REACHED)
        );
    }

    #[test]
    fn half_a_tail_is_none() {
        for message in [
            "",
            "Error Code: ",
            "Error Code: 4002",
            "Error Code: 4002, Error State: ",
            "Error Code: -1, Error State: 0.",
            "Error Code: 4294967296, Error State: 0.",
            "Error State: 0, Error Code: 4002.",
        ] {
            assert_eq!(ErrorCode::parse_from_message(message), None, "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_undoes_printing(text in any::<String>(), code: u32, state: u32) {
            let tail = ErrorTail { code: ErrorCode::new(code), state };
            let message = tail.code.message(&text, state);
            prop_assert_eq!(ErrorTail::parse_from_message(&message), Some(tail));
        }

        #[test]
        fn arbitrary_text_never_panics(
            text in "(Error Code: |Error State: |, |[0-9]{0,12}|\\PC{0,4}){0,12}",
        ) {
            let _ = ErrorTail::parse_from_message(&text);
        }
    }
}
