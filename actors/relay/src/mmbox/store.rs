//! How messages come into a store, and what happens to them there.

use std::sync::OnceLock;

use mmsc_domain::accept::{Admission, MAX_VISIBLE_RECIPIENTS};
use mmsc_domain::forward::Original;
use mmsc_domain::lifecycle::Final;
use mmsc_domain::mmbox::{
    MmBoxEntry, MmBoxState, NewEntry, NotStored, StoreWish, Stored, Upload, change_flags, check_upload, may_be_stored,
    state_of_received, state_of_sent,
};
use mmsc_domain::profile::SubscriberProfile;
use mmsc_domain::record::{ContentRef, CopyRecord, MmHead};
use mmsc_domain::{Address, ShardId, Token};
use mmsc_store::{Staged, Txn};

use super::rows;
use crate::context::{Context, Stop};
use crate::keys::{self, Target};
use crate::mm::{Change, original, resolve};
use crate::records::read;

/// Octets of entries that one transaction writes on behalf of recipients: a hundred of the largest would not fit into
/// one. Beyond it a copy is told of without being stored.
const AUTOMATIC_OCTETS: usize = 2 * 1024 * 1024;

/// The owner's own rules, if it may use a store at all.
pub async fn may_use(ctx: &Context, txn: &Txn, owner: &Address) -> Result<Result<SubscriberProfile, NotStored>, Stop> {
    if ctx.policy.mmbox.is_none() {
        return Ok(Err(NotStored::NotOffered));
    }
    let record = read::<SubscriberProfile>(txn, keys::subscriber(ctx.shard_of(owner), owner)).await?;
    Ok(ctx.policy.sender(record).map_err(NotStored::from))
}

/// m-mbox-store-req: changes the entry that `token` means, or stores the copy with that token. The copy itself goes on
/// as it was.
pub async fn store(
    ctx: &Context,
    txn: &Txn,
    owner: &Address,
    token: Token,
    wish: &StoreWish,
) -> Result<Result<Token, NotStored>, Stop> {
    if let Err(not) = may_use(ctx, txn, owner).await? {
        return Ok(Err(not));
    }
    match rows::of_owner(ctx, txn, owner, token).await? {
        Ok(entry) => Ok(change(ctx, txn, owner, entry, wish)),
        Err(NotStored::NotFound) => store_copy(ctx, txn, owner, token, wish).await,
        Err(not) => Ok(Err(not)),
    }
}

fn change(ctx: &Context, txn: &Txn, owner: &Address, entry: MmBoxEntry, wish: &StoreWish) -> Result<Token, NotStored> {
    let state = wish.state.unwrap_or(entry.state);
    if wish.state.is_some() && !entry.state.may_become(state, entry.own) {
        return Err(NotStored::BadState);
    }
    let flags = change_flags(&entry.flags, &wish.flags)?;
    let token = entry.token;
    if state != entry.state || flags != entry.flags {
        rows::rewrite(ctx, txn, owner, &MmBoxEntry { state, flags, ..entry })?;
    }
    Ok(token)
}

/// The MM is read with conflict: its content cannot go while this commits.
async fn store_copy(
    ctx: &Context,
    txn: &Txn,
    owner: &Address,
    token: Token,
    wish: &StoreWish,
) -> Result<Result<Token, NotStored>, Stop> {
    let not_found = Ok(Err(NotStored::NotFound));
    let Some(Target::Copy(id, index)) = resolve(txn, token).await? else {
        return not_found;
    };
    let Some((head, copy, has_content)) = original(txn, id, index).await? else {
        return not_found;
    };
    let now = ctx.now();
    let from = Original {
        head: &head,
        copy: &copy,
        has_content,
    };
    let new = || {
        may_be_stored(from, owner, now)?;
        Ok::<_, NotStored>(NewEntry {
            token: rows::token_of_copy(ctx, owner, token),
            stored_at: now,
            state: state_of_received(&copy.state, wish.state)?,
            own: false,
            flags: change_flags(&[], &wish.flags)?,
        })
    };
    match new() {
        Ok(new) => {
            put(
                ctx,
                txn,
                owner,
                MmBoxEntry::of_message(&head, head.visible_recipients.clone(), new),
                None,
            )
            .await
        }
        Err(not) => Ok(Err(not)),
    }
}

async fn put(
    ctx: &Context,
    txn: &Txn,
    owner: &Address,
    entry: MmBoxEntry,
    staged: Option<&Staged>,
) -> Result<Result<Token, NotStored>, Stop> {
    let octets = rows::put(ctx, txn, owner, &entry, staged).await?;
    Ok(octets.map(|_| entry.token))
}

/// m-mbox-upload-req. A repeat finds what the first one stored.
pub async fn upload(
    ctx: &Context,
    txn: &Txn,
    upload: &Upload,
    staged: Option<&Staged>,
    within_rate: &OnceLock<bool>,
) -> Result<Result<Token, NotStored>, Stop> {
    let Upload {
        owner, wish, message, ..
    } = upload;
    let profile = match may_use(ctx, txn, owner).await? {
        Ok(profile) => profile,
        Err(not) => return Ok(Err(not)),
    };
    let (id, len, sha256) = staged.map_or(([0; 16], 0, [0; 32]), |staged| (staged.id.0, staged.len, staged.sha256));
    let named = owner.to_string();
    let subject = message.subject.as_deref().unwrap_or_default();
    let length = |octets: &[u8]| u64::try_from(octets.len()).unwrap_or(u64::MAX).to_be_bytes();
    let (transaction, lengths) = (
        &upload.transaction_id,
        (length(named.as_bytes()), length(&upload.transaction_id)),
    );
    let token = rows::token_from(
        ctx,
        owner,
        &[
            &lengths.0,
            named.as_bytes(),
            &lengths.1,
            transaction,
            &sha256,
            subject.as_bytes(),
        ],
    );
    if let Ok(first) = rows::of_owner(ctx, txn, owner, token).await? {
        return Ok(Ok(first.token));
    }
    let state = wish.state.unwrap_or(MmBoxState::Draft);
    let checked = check_upload(message, len, &ctx.policy, &profile).and_then(|()| change_flags(&[], &wish.flags));
    let flags = match checked {
        Ok(flags) => flags,
        Err(not) => return Ok(Err(not)),
    };
    // Asked once, however often the transaction runs. What is uploaded costs as much as what is sent.
    let now = ctx.now();
    let may = within_rate.get_or_init(|| {
        let rate = ctx.policy.rate_of(&profile);
        rate.is_none_or(|rate| ctx.rates.take(owner, rate, now).is_ok())
    });
    if !may {
        return Ok(Err(NotStored::TooOften));
    }
    let content = ContentRef {
        id,
        len,
        sha256,
        media_type: message.media_type.clone(),
        parts: message.parts.clone(),
    };
    let new = NewEntry {
        token,
        stored_at: now,
        state,
        own: matches!(state, MmBoxState::Draft | MmBoxState::Sent),
        flags,
    };
    put(ctx, txn, owner, MmBoxEntry::uploaded(message, content, new), staged).await
}

/// X-Mms-Store in what is sent, within the transaction that accepts it, which holds its content already. Whatever comes
/// of it, the message itself is not refused.
pub async fn store_sent(
    ctx: &Context,
    txn: &Txn,
    head: &MmHead,
    admission: &Admission,
    wish: &StoreWish,
) -> Result<Stored, Stop> {
    let owner = &head.originator.address;
    let new = || {
        Ok::<_, NotStored>(NewEntry {
            token: Token::mint(ShardId(ctx.shard_of(owner)), ctx.random()),
            stored_at: head.accepted_at,
            state: state_of_sent(wish.state)?,
            own: true,
            flags: change_flags(&[], &wish.flags)?,
        })
    };
    let new = match new() {
        Ok(new) => new,
        Err(not) => return Ok(Stored::Not(not)),
    };
    // The sender may see whom it sent blind copies to.
    let recipients = admission.recipients.iter().take(MAX_VISIBLE_RECIPIENTS);
    let recipients = recipients.map(|routed| routed.recipient.clone()).collect();
    let entry = MmBoxEntry::of_message(head, recipients, new);
    Ok(match put(ctx, txn, owner, entry, None).await? {
        Ok(token) => Stored::At(token),
        Err(not) => Stored::Not(not),
    })
}

/// A copy is about to be told of: it is stored for a recipient that wants this, if there is room.
pub async fn store_for_recipient(change: &mut Change<'_>, copy: &mut CopyRecord) -> Result<(), Stop> {
    let (ctx, txn, owner) = (change.ctx, change.txn, &copy.recipient.address);
    if ctx.policy.mmbox.is_none() {
        return Ok(());
    }
    let profile = read::<SubscriberProfile>(txn, keys::subscriber(ctx.shard_of(owner), owner)).await?;
    if !profile.is_some_and(|profile| profile.mmbox_auto_store) {
        return Ok(());
    }
    let new = NewEntry {
        token: rows::token_of_copy(ctx, owner, copy.token),
        stored_at: change.now,
        state: MmBoxState::New,
        own: false,
        flags: Vec::new(),
    };
    if change.after.stored_octets >= AUTOMATIC_OCTETS {
        change.after.not_stored += 1;
        return Ok(());
    }
    let entry = MmBoxEntry::of_message(&change.head, change.head.visible_recipients.clone(), new);
    match rows::put(ctx, txn, owner, &entry, None).await? {
        Ok(octets) => {
            change.after.stored_octets += octets;
            copy.stored = true;
        }
        Err(not) => {
            tracing::debug!(mm = %change.head.id, ?not, "a copy is not stored for its recipient");
            change.after.not_stored += 1;
        }
    }
    Ok(())
}

/// A copy came to its end: if its recipient has stored it, the entry follows.
pub async fn copy_ended(ctx: &Context, txn: &Txn, copy: &CopyRecord, how: Final) -> Result<(), Stop> {
    let state = match how {
        Final::Retrieved => MmBoxState::Retrieved,
        Final::Forwarded => MmBoxState::Forwarded,
        Final::Rejected
        | Final::Expired
        | Final::Deleted
        | Final::Cancelled
        | Final::Undeliverable(_)
        | Final::Converted => return Ok(()),
    };
    if ctx.policy.mmbox.is_none() {
        return Ok(());
    }
    let owner = &copy.recipient.address;
    if let Some(entry) = rows::entry_of_copy(ctx, txn, owner, copy.token).await?
        && entry.state == MmBoxState::New
    {
        // A record that was written once does not grow by another state.
        let _fits = rows::rewrite(ctx, txn, owner, &MmBoxEntry { state, ..entry });
    }
    Ok(())
}

/// The entry was passed on.
pub fn passed_on(ctx: &Context, txn: &Txn, owner: &Address, entry: MmBoxEntry) {
    let state = entry.state_when_passed_on();
    // As above.
    let _fits = rows::rewrite(ctx, txn, owner, &MmBoxEntry { state, ..entry });
}

/// The owner fetched the entry whole.
pub async fn served(ctx: &Context, txn: &Txn, owner: &Address, token: Token) -> Result<(), Stop> {
    if let Ok(entry) = rows::of_owner(ctx, txn, owner, token).await?
        && entry.state == MmBoxState::New
    {
        let state = MmBoxState::Retrieved;
        let _fits = rows::rewrite(ctx, txn, owner, &MmBoxEntry { state, ..entry });
    }
    Ok(())
}

/// m-mbox-delete-req of one message.
pub async fn delete(ctx: &Context, txn: &Txn, owner: &Address, token: Token) -> Result<Result<(), NotStored>, Stop> {
    if let Err(not) = may_use(ctx, txn, owner).await? {
        return Ok(Err(not));
    }
    match rows::of_owner(ctx, txn, owner, token).await? {
        Ok(entry) => rows::remove(ctx, txn, owner, &entry).await.map(Ok),
        Err(not) => Ok(Err(not)),
    }
}
