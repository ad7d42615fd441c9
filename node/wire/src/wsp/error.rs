//! What can be wrong with a WSP value.

/// Why a value could not be read. It says nothing about where; the caller adds the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The input ends inside the value, or a length goes past the end of what encloses it.
    #[error("the value goes past the end of its input")]
    Truncated,
    /// A Uintvar has more than five octets or does not fit 32 bits.
    #[error("a uintvar does not fit 32 bits")]
    UintvarOverflow,
    /// A text has no closing NUL.
    #[error("a text has no closing NUL")]
    UnterminatedText,
    /// The value has a form that the field does not allow, such as a text where a number is due.
    #[error("the value has a form that the field does not allow")]
    WrongForm,
    /// The value is of the right form, but no such value is assigned.
    #[error("the value 0x{0:02x} is not assigned")]
    UnknownValue(u8),
    /// The value is longer than the configured limit, in octets.
    #[error("the value has {octets} octets, {limit} are allowed")]
    TooLong {
        /// Octets received.
        octets: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// A text for the wire holds an octet that the form cannot carry (a NUL, or a control octet in first place).
    #[error("the text holds an octet that cannot be sent")]
    NotExpressible,
}
