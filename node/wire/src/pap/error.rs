//! Errors of PAP documents.

/// A document that cannot be read: the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("octet {offset}: {fault}")]
pub struct DecodeError {
    /// Offset in the document.
    pub offset: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More octets than allowed.
    #[error("the document is too large")]
    TooLarge,
    /// Not XML.
    #[error("not well-formed XML")]
    Malformed,
    /// It ends too early.
    #[error("the document ends too early")]
    Truncated,
    /// Octets that are no UTF-8, or a declared encoding that is another.
    #[error("not UTF-8")]
    Encoding,
    /// A document type with an internal subset, or in a place where none belongs.
    #[error("a document type with an internal subset, or out of place")]
    DocumentType,
    /// An entity other than the five and character references.
    #[error("an entity that is not predefined")]
    Entity,
    /// Elements nested too deeply.
    #[error("elements are nested too deeply")]
    Depth,
    /// Too many elements.
    #[error("too many elements")]
    Elements,
    /// Too many attributes on one element, or one twice.
    #[error("too many attributes, or one twice")]
    Attributes,
    /// A value that is too long.
    #[error("a value is too long")]
    ValueLength,
    /// A control character in a value.
    #[error("a control character in a value")]
    Control,
    /// No PAP operation that is known here.
    #[error("no known PAP operation")]
    Operation,
    /// An attribute that has to be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value that does not fit its attribute.
    #[error("{0} cannot be read")]
    Value(&'static str),
}

/// A value of ours that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} holds a control character")]
pub struct EncodeError {
    /// Which attribute.
    pub field: &'static str,
}
