//! m-mbox-view-req: one snapshot, read page by page.

use mmsc_domain::mmbox::{MmBoxEntry, MmBoxTotals, NotStored, Pager, Place, View};
use mmsc_domain::{Address, Token};
use mmsc_store::{RangeOptions, Txn};

use super::{rows, store};
use crate::context::{Context, Stop};
use crate::keys;

/// Rows read at a time: a page of the largest stays within ten megabytes.
const ROWS: usize = 100;

/// What a view lists, without content.
#[derive(Debug, Default)]
pub struct Listing {
    /// The entries of the page, and whether each goes with its content.
    pub entries: Vec<(MmBoxEntry, bool)>,
    /// Entries that match, on this page or not.
    pub matching: u64,
    /// What the owner has stored.
    pub totals: MmBoxTotals,
}

/// The page that `view` asks for.
pub async fn view(ctx: &Context, txn: &Txn, view: &View) -> Result<Result<Listing, NotStored>, Stop> {
    if let Err(not) = store::may_use(ctx, txn, &view.owner).await? {
        return Ok(Err(not));
    }
    let Some(policy) = &ctx.policy.mmbox else {
        return Ok(Err(NotStored::NotOffered));
    };
    let totals = match rows::totals(ctx, txn, &view.owner).await? {
        Ok(totals) => totals,
        Err(not) => return Ok(Err(not)),
    };
    let mut listing = Listing {
        totals,
        ..Listing::default()
    };
    let mut pager = Pager::new(view.start, view.limit, view.content, policy);
    match &view.named {
        Some(named) => by_name(ctx, txn, &view.owner, named, &mut pager, &mut listing).await?,
        None => by_filter(ctx, txn, view, &mut pager, &mut listing).await?,
    }
    listing.matching = pager.matching();
    let none_of_the_named = view.named.as_ref().is_some_and(|named| !named.is_empty()) && listing.matching == 0;
    Ok(if none_of_the_named {
        Err(NotStored::NotFound)
    } else {
        Ok(listing)
    })
}

/// Messages that are named are listed whatever their state and keywords (digest 7.14).
async fn by_name(
    ctx: &Context,
    txn: &Txn,
    owner: &Address,
    named: &[Option<Token>],
    pager: &mut Pager,
    listing: &mut Listing,
) -> Result<(), Stop> {
    for token in named.iter().flatten() {
        if let Ok(entry) = rows::of_owner(ctx, txn, owner, *token).await? {
            let described = crate::records::encode(&entry).len();
            take(pager, listing, entry, described);
        }
    }
    Ok(())
}

async fn by_filter(
    ctx: &Context,
    txn: &Txn,
    view: &View,
    pager: &mut Pager,
    listing: &mut Listing,
) -> Result<(), Stop> {
    let shard = ctx.shard_of(&view.owner);
    let options = RangeOptions {
        limit: ROWS,
        snapshot: true,
        ..RangeOptions::default()
    };
    let mut last: Option<bytes::Bytes> = None;
    loop {
        let range = keys::mmbox_entries(shard, &view.owner, last.as_deref());
        let page = txn.range(&range, options).await?;
        let full = page.len() >= ROWS;
        for (key, row) in page {
            if let Some(entry) = rows::readable(&row, "listed").filter(|entry| view.filter.matches(entry)) {
                take(pager, listing, entry, row.len());
            }
            last = Some(key);
        }
        if !full {
            return Ok(());
        }
        // A large store must not keep a thread from everybody else.
        tokio::task::yield_now().await;
    }
}

fn take(pager: &mut Pager, listing: &mut Listing, entry: MmBoxEntry, described: usize) {
    let described = u64::try_from(described).unwrap_or(u64::MAX);
    match pager.place(described, entry.content.len) {
        Place::Here { content } => listing.entries.push((entry, content)),
        Place::Elsewhere => {}
    }
}
