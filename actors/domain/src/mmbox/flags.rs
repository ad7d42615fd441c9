//! X-Mms-MM-Flags: free keywords of a stored message, bounded, so that an entry stays one value of the store.

use super::NotStored;

/// Keywords of one entry.
pub const MAX_KEYWORDS: usize = 16;
/// Characters of one keyword.
pub const MAX_KEYWORD_CHARACTERS: usize = 40;

/// What is to happen to a keyword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// The entry has it afterwards.
    Add(String),
    /// The entry does not have it afterwards.
    Remove(String),
}

/// The keywords of an entry that has `flags` after `changes`, in the order in which they were added.
///
/// # Errors
/// [`NotStored::BadFlags`]: a keyword that is empty, too long or not printable, or more than [`MAX_KEYWORDS`].
pub fn change_flags(flags: &[String], changes: &[FlagChange]) -> Result<Vec<String>, NotStored> {
    let mut flags = flags.to_vec();
    for change in changes {
        match change {
            FlagChange::Add(keyword) => {
                let bad = keyword.is_empty() || keyword.chars().any(char::is_control);
                if bad || keyword.chars().count() > MAX_KEYWORD_CHARACTERS {
                    return Err(NotStored::BadFlags);
                }
                if !flags.contains(keyword) {
                    flags.push(keyword.clone());
                }
            }
            FlagChange::Remove(keyword) => flags.retain(|known| known != keyword),
        }
    }
    if flags.len() > MAX_KEYWORDS {
        return Err(NotStored::BadFlags);
    }
    Ok(flags)
}
