//! Errors of descriptions.

/// A description that cannot be read: the fault of whoever published it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("octet {offset}: {fault}")]
pub struct DecodeError {
    /// Offset in the document, once it is UTF-8.
    pub offset: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
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
    /// An entity other than the five and character references: none is ever expanded.
    #[error("an entity that is not predefined")]
    Entity,
    /// Elements nested too deeply.
    #[error("elements are nested too deeply")]
    Depth,
    /// Too many elements.
    #[error("too many elements")]
    Elements,
    /// The root is not `RDF`.
    #[error("not an RDF document")]
    NotRdf,
}
