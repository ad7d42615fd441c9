//! The machinery behind the field tables of [`super::pdus`]: one row per field, from which the struct, its decoder and
//! its encoder are made.

use super::error::Fault;
use super::{DecodeErrorKind, EncodeError, Field, HeadField, HeadName, Place};
use crate::wsp::{Value, ValueError};

/// A value that a header field can have.
pub(crate) trait FieldValue<'a>: Sized {
    /// Interprets a value that the skip rule cut.
    fn decode(value: Value<'a>) -> Result<Self, ValueError>;

    /// Writes the value, in the form that every known receiver reads.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ValueError>;
}

fn fault(field: &HeadField<'_>, kind: ValueError) -> Fault {
    let place = match field.name {
        HeadName::Field(name) => Place::Field(name),
        HeadName::Text(_) => Place::TextField,
    };
    Fault::new(field.offset, place, kind)
}

/// A mandatory field: a wrong value is an error; the first one wins.
pub(super) fn take_mandatory<'a, T: FieldValue<'a>>(slot: &mut Option<T>, field: &HeadField<'a>) -> Result<(), Fault> {
    if slot.is_none() {
        *slot = Some(T::decode(field.value).map_err(|kind| fault(field, kind))?);
    }
    Ok(())
}

/// An optional field: an unknown value or a wrong form is as if absent; the first one wins.
pub(super) fn take_optional<'a, T: FieldValue<'a>>(slot: &mut Option<T>, field: &HeadField<'a>) -> Result<(), Fault> {
    if slot.is_none() {
        *slot = match T::decode(field.value) {
            Ok(value) => Some(value),
            Err(ValueError::WrongForm | ValueError::UnknownValue(_)) => None,
            Err(kind) => return Err(fault(field, kind)),
        };
    }
    Ok(())
}

/// A repeatable field: an unknown value is left out, a wrong form is an error, because a recipient must not be lost.
pub(super) fn take_repeated<'a, T: FieldValue<'a>>(slot: &mut Vec<T>, field: &HeadField<'a>) -> Result<(), Fault> {
    match T::decode(field.value) {
        Ok(value) => slot.push(value),
        Err(ValueError::UnknownValue(_)) => {}
        Err(kind) => return Err(fault(field, kind)),
    }
    Ok(())
}

/// Writes one field.
pub(super) fn emit<'a, T: FieldValue<'a>>(field: Field, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.push(field.0);
    value.encode(out).map_err(|kind| EncodeError {
        place: Place::Field(field),
        kind,
    })
}

/// The fault of a mandatory field that is not there.
pub(super) fn missing(field: Field) -> Fault {
    Fault::new(0, Place::Field(field), DecodeErrorKind::Missing)
}

/// Declares the PDUs. A row is `mode name: type = FIELD`; the modes are
/// `M` mandatory, `D` optional with a default that is always sent, `O` optional, `R` repeatable.
/// `with content M` or `with content O` marks a PDU that has a body.
macro_rules! pdus {
    ($(
        $(#[$doc:meta])*
        $name:ident $(with content $content_mode:ident)? {
            $($(#[$field_doc:meta])* $mode:ident $field:ident: $type:ty = $octet:ident;)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name<'a> {
            $($(#[$field_doc])* pub $field: slot!($mode $type),)*
            $(
                /// Content-Type and body.
                pub content: slot!($content_mode Content<'a>),
            )?
        }

        impl<'a> $name<'a> {
            /// The fields of this PDU in the order in which they are sent.
            pub const FIELDS: &'static [Field] =
                &[Field::MESSAGE_TYPE, $(Field::$octet,)* $(content_field!($content_mode))?];

            pub(super) fn decode(head: &Head<'a>, limits: &Limits) -> Result<Self, Fault> {
                $(let mut $field: draft!($mode $type) = Default::default();)*
                for field in head.fields() {
                    let HeadName::Field(name) = field.name else { continue };
                    match name {
                        $(Field::$octet => take!($mode)(&mut $field, &field)?,)*
                        _ => {}
                    }
                }
                let _ = limits;
                Ok(Self {
                    $($field: finish!($mode $field, $octet),)*
                    $(content: finish_content!($content_mode head, limits),)?
                })
            }

            pub(super) fn emit(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                $(emit_row!($mode self.$field, $octet, out);)*
                Ok(())
            }

            /// Content-Type and body, of a PDU that has them.
            pub(super) fn content_ref(&self) -> Option<&Content<'a>> {
                content_ref!(self $($content_mode)?)
            }
        }
    )*};
}

macro_rules! slot {
    (M $type:ty) => { $type };
    (D $type:ty) => { $type };
    (O $type:ty) => { Option<$type> };
    (R $type:ty) => { Vec<$type> };
}

macro_rules! draft {
    (R $type:ty) => { Vec<$type> };
    ($mode:ident $type:ty) => { Option<$type> };
}

macro_rules! take {
    (M) => {
        table::take_mandatory
    };
    (D) => {
        table::take_optional
    };
    (O) => {
        table::take_optional
    };
    (R) => {
        table::take_repeated
    };
}

macro_rules! finish {
    (M $slot:ident, $octet:ident) => {
        $slot.ok_or_else(|| table::missing(Field::$octet))?
    };
    (D $slot:ident, $octet:ident) => {
        $slot.unwrap_or_default()
    };
    (O $slot:ident, $octet:ident) => {
        $slot
    };
    (R $slot:ident, $octet:ident) => {
        $slot
    };
}

macro_rules! finish_content {
    (M $head:ident, $limits:ident) => {
        $head
            .content($limits)?
            .ok_or_else(|| table::missing(Field::CONTENT_TYPE))?
    };
    (O $head:ident, $limits:ident) => {
        $head.content($limits)?
    };
}

macro_rules! content_field {
    ($mode:ident) => {
        Field::CONTENT_TYPE
    };
}

macro_rules! emit_row {
    (M $value:expr, $octet:ident, $out:ident) => {
        table::emit(Field::$octet, &$value, $out)?
    };
    (D $value:expr, $octet:ident, $out:ident) => {
        table::emit(Field::$octet, &$value, $out)?
    };
    (O $value:expr, $octet:ident, $out:ident) => {
        if let Some(value) = &$value {
            table::emit(Field::$octet, value, $out)?;
        }
    };
    (R $value:expr, $octet:ident, $out:ident) => {
        for value in &$value {
            table::emit(Field::$octet, value, $out)?;
        }
    };
}

macro_rules! content_ref {
    ($self:ident) => {
        None
    };
    ($self:ident M) => {
        Some(&$self.content)
    };
    ($self:ident O) => {
        $self.content.as_ref()
    };
}
