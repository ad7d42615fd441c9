//! Rows of a store, each read with conflict. A row that cannot be read costs its owner that entry, never the message
//! that the transaction is about.

use mmsc_domain::mmbox::{MmBoxEntry, MmBoxTotals, NotStored};
use mmsc_domain::{Address, ShardId, Token};
use mmsc_store::limits::MAX_VALUE;
use mmsc_store::{ContentId, Holder, Staged, Txn};
use sha2::{Digest as _, Sha256};

use crate::context::{Context, Stop};
use crate::keys::{self, EntryPlace, Target};
use crate::mm::resolve;
use crate::records::encode;

/// Who holds the content of an entry.
pub fn holder(token: Token) -> Holder {
    Holder([b"mmbox".as_slice(), &token.0].concat().into())
}

/// A token that follows from `parts`, in the shard of `owner`.
pub fn token_from(ctx: &Context, owner: &Address, parts: &[&[u8]]) -> Token {
    let mut hash = Sha256::new();
    hash.update(b"mmbox");
    for part in parts {
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut random = [0; 14];
    for (to, from) in random.iter_mut().zip(digest) {
        *to = from;
    }
    Token::mint(ShardId(ctx.shard_of(owner)), random)
}

/// The token of the entry that the copy with this token is stored as.
pub fn token_of_copy(ctx: &Context, owner: &Address, copy: Token) -> Token {
    token_from(ctx, owner, &[&copy.0])
}

fn place(owner: &Address, entry: &MmBoxEntry) -> EntryPlace {
    EntryPlace {
        owner: owner.clone(),
        stored_at: entry.stored_at,
        token: entry.token,
    }
}

/// What `owner` means by `token`: its entry, or the entry of its copy with that token. None if it is neither.
///
/// [`NotStored`]: not offered, nothing there, or somebody else's.
pub async fn of_owner(
    ctx: &Context,
    txn: &Txn,
    owner: &Address,
    token: Token,
) -> Result<Result<MmBoxEntry, NotStored>, Stop> {
    if ctx.policy.mmbox.is_none() {
        return Ok(Err(NotStored::NotOffered));
    }
    if let Some(Target::Entry(place)) = resolve(txn, token).await? {
        if place.owner != *owner {
            return Ok(Err(NotStored::NotAllowed));
        }
        return Ok(at(ctx, txn, &place).await?.ok_or(NotStored::NotFound));
    }
    let stored = entry_of_copy(ctx, txn, owner, token).await?;
    Ok(stored.ok_or(NotStored::NotFound))
}

/// The entry that a copy is stored as, if it is.
pub async fn entry_of_copy(ctx: &Context, txn: &Txn, owner: &Address, copy: Token) -> Result<Option<MmBoxEntry>, Stop> {
    match resolve(txn, token_of_copy(ctx, owner, copy)).await? {
        Some(Target::Entry(place)) if place.owner == *owner => at(ctx, txn, &place).await,
        Some(Target::Entry(_) | Target::Copy(..)) | None => Ok(None),
    }
}

async fn at(ctx: &Context, txn: &Txn, place: &EntryPlace) -> Result<Option<MmBoxEntry>, Stop> {
    let row = txn.get(keys::mmbox_entry(ctx.shard_of(&place.owner), place)).await?;
    Ok(row.and_then(|row| readable(&row, place.token)))
}

/// An entry from its row.
pub fn readable(row: &[u8], token: impl std::fmt::Debug) -> Option<MmBoxEntry> {
    let entry = minicbor::decode(row);
    entry
        .inspect_err(|error| tracing::error!(?token, %error, "a stored message's record cannot be read"))
        .ok()
}

/// What `owner` has stored.
pub async fn totals(ctx: &Context, txn: &Txn, owner: &Address) -> Result<Result<MmBoxTotals, NotStored>, Stop> {
    let Some(row) = txn.get(keys::mmbox_totals(ctx.shard_of(owner), owner)).await? else {
        return Ok(Ok(MmBoxTotals::default()));
    };
    Ok(minicbor::decode(&row).map_err(|error| {
        tracing::error!(owner = ?owner, %error, "the totals of a network store cannot be read");
        NotStored::Damaged
    }))
}

/// Writes a new entry, if there is room: its content is adopted if it is `staged`, and held by one more holder if it is
/// not. The octets of its record come back.
pub async fn put(
    ctx: &Context,
    txn: &Txn,
    owner: &Address,
    entry: &MmBoxEntry,
    staged: Option<&Staged>,
) -> Result<Result<usize, NotStored>, Stop> {
    let Some(policy) = &ctx.policy.mmbox else {
        return Ok(Err(NotStored::NotOffered));
    };
    let record = encode(entry);
    if record.len() > MAX_VALUE {
        return Ok(Err(NotStored::TooLarge));
    }
    let more = totals(ctx, txn, owner).await?;
    let more = match more.and_then(|totals| totals.with(entry.content.len, policy)) {
        Ok(more) => more,
        Err(not) => return Ok(Err(not)),
    };
    match staged {
        Some(staged) => txn.adopt(staged.clone(), holder(entry.token)),
        None if entry.content.len > 0 => txn.hold(ContentId(entry.content.id), holder(entry.token)).await?,
        None => {}
    }
    let (shard, place) = (ctx.shard_of(owner), place(owner, entry));
    let octets = record.len();
    txn.set(keys::mmbox_entry(shard, &place), record);
    txn.set(keys::token(entry.token), keys::entry_value(&place));
    txn.set(keys::mmbox_totals(shard, owner), encode(&more));
    Ok(Ok(octets))
}

/// Writes a changed entry in its place.
pub fn rewrite(ctx: &Context, txn: &Txn, owner: &Address, entry: &MmBoxEntry) -> Result<(), NotStored> {
    let record = encode(entry);
    if record.len() > MAX_VALUE {
        return Err(NotStored::TooLarge);
    }
    txn.set(keys::mmbox_entry(ctx.shard_of(owner), &place(owner, entry)), record);
    Ok(())
}

/// Removes an entry; its content goes if nobody else holds it.
pub async fn remove(ctx: &Context, txn: &Txn, owner: &Address, entry: &MmBoxEntry) -> Result<(), Stop> {
    let shard = ctx.shard_of(owner);
    // Totals that cannot be read stay as they are, for an operator to mend; the entry goes all the same.
    if let Ok(totals) = totals(ctx, txn, owner).await? {
        let less = totals.without(entry.content.len);
        txn.set(keys::mmbox_totals(shard, owner), encode(&less));
    }
    txn.clear(keys::mmbox_entry(shard, &place(owner, entry)));
    txn.clear(keys::token(entry.token));
    if entry.content.len > 0 {
        txn.release(ContentId(entry.content.id), holder(entry.token)).await?;
    }
    Ok(())
}
