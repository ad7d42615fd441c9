//! A relay that remembers what it is asked and answers as it is told.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use mmsc_domain::command::{Accepted, Forward, Gone, HandsetAnswer, Retrieval, Submit};
use mmsc_domain::inbox::ReadStatus;
use mmsc_domain::mmbox::{MmBoxEntry, NotStored, StoreWish, Stored, Upload, View};
use mmsc_domain::record::{
    CarriedFields, ContentRef, Interface, MediaType, MessageClass, MmHead, Originator, Parameter, PartEntry, Priority,
};
use mmsc_domain::terminal::Sighting;
use mmsc_domain::why::Refusal;
use mmsc_domain::{Address, MmId, ShardId, Token, UnixMillis};
use mmsc_ports::BoxFuture;
use mmsc_relay::admission::Class;
use mmsc_relay::{Busy, Committed, FetchAnswer, HandsetReply, MmBoxAnswer, SubmitAnswer, Viewed};
use tokio::sync::Notify;

use crate::mm1::{Commands, ContentAway};
use crate::testing::Proof;

/// What a submission gets.
#[derive(Default)]
pub(super) enum Script {
    #[default]
    Busy,
    Accept(Proof),
    Refuse(Refusal),
    Panic,
}

/// A read report: about what, whose, what, when.
pub(super) type Read = (MmId, Address, ReadStatus, Option<UnixMillis>);

#[derive(Default)]
pub(super) struct Fake {
    pub(super) script: tokio::sync::Mutex<Script>,
    pub(super) submitted: Mutex<Vec<(Submit, Bytes)>>,
    pub(super) said: Mutex<Vec<(Token, Option<Address>, HandsetAnswer)>>,
    pub(super) handset_busy: Mutex<bool>,
    pub(super) fetched: Mutex<Vec<(Token, Option<Address>)>>,
    pub(super) messages: Mutex<BTreeMap<Token, (Retrieval, Bytes)>>,
    pub(super) not_yet: Mutex<bool>,
    pub(super) fetch_busy: Mutex<bool>,
    pub(super) served: Mutex<Vec<(Token, bool)>>,
    pub(super) served_now: Notify,
    pub(super) seen: Mutex<Vec<Address>>,
    pub(super) sighted: Mutex<Vec<(Address, Sighting)>>,
    pub(super) forwarded: Mutex<Vec<Forward>>,
    pub(super) read: Mutex<Vec<Read>>,
    /// What handsets' words come to; [`HandsetReply::Done`] for what is not in it.
    pub(super) replies: Mutex<BTreeMap<Token, HandsetReply>>,
    /// Classes that there is no credit for.
    pub(super) full: Mutex<Vec<Class>>,
    /// What an acceptance says of the wish to store the message.
    pub(super) stored_as: Mutex<Option<Stored>>,
    /// What every command about a store comes to; `None`: it is done.
    pub(super) box_says: Mutex<Option<NotStored>>,
    pub(super) stored: Mutex<BTreeMap<Token, (MmBoxEntry, Bytes)>>,
    pub(super) store_wishes: Mutex<Vec<(Address, Token, StoreWish)>>,
    pub(super) uploads: Mutex<Vec<(Upload, Bytes)>>,
    pub(super) views: Mutex<Vec<View>>,
    pub(super) viewed: Mutex<Option<Viewed>>,
    pub(super) box_deleted: Mutex<Vec<(Address, Token)>>,
    /// Deletions that are not done.
    pub(super) deletions: Mutex<BTreeMap<Token, NotStored>>,
}

impl Fake {
    pub(super) async fn accepting(&self) {
        *self.script.lock().await = Script::Accept(Proof::open());
    }

    async fn box_answer(&self, token: Token) -> MmBoxAnswer<Committed<Token>> {
        if let Some(not) = *self.box_says.lock().unwrap() {
            return MmBoxAnswer::Not(not);
        }
        match &*self.script.lock().await {
            Script::Accept(proof) => MmBoxAnswer::Done(proof.committed(token).await),
            Script::Busy | Script::Refuse(_) | Script::Panic => MmBoxAnswer::Busy(Busy::Store),
        }
    }

    async fn scripted(&self) -> SubmitAnswer {
        match &*self.script.lock().await {
            Script::Busy => SubmitAnswer::Busy(Busy::NoCredit),
            Script::Refuse(refusal) => SubmitAnswer::Refused(refusal.clone()),
            Script::Panic => panic!("as the test asked"),
            Script::Accept(proof) => {
                let accepted = Accepted {
                    id: MmId::mint(ShardId(1), UnixMillis(2), [3; 8]),
                    refused_recipients: Vec::new(),
                    stored: *self.stored_as.lock().unwrap(),
                };
                SubmitAnswer::Accepted(proof.committed(accepted).await)
            }
        }
    }

    /// Waits for the next word about a response that has left.
    pub(super) async fn next_served(&self) -> (Token, bool) {
        let wait = async {
            loop {
                let told = self.served_now.notified();
                if let Some(served) = self.served.lock().unwrap().pop() {
                    return served;
                }
                told.await;
            }
        };
        tokio::time::timeout(crate::testing::PATIENCE, wait).await.unwrap()
    }

    /// A message of two parts, the second of `len` octets.
    pub(super) fn hold(&self, token: Token, len: usize) -> Bytes {
        let body: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let content = Bytes::from([b"<smil/>".to_vec(), body].concat());
        let parts = vec![
            part("application/smil", "<0>", 0, 7),
            part("image/jpeg", "<1>", 7, len as u64),
        ];
        let retrieval = retrieval(token, parts, content.len() as u64);
        self.messages
            .lock()
            .unwrap()
            .insert(token, (retrieval, content.clone()));
        content
    }
}

fn part(essence: &str, content_id: &str, offset: u64, len: u64) -> PartEntry {
    PartEntry {
        media_type: MediaType {
            essence: essence.to_owned(),
            parameters: Vec::new(),
        },
        content_id: Some(content_id.to_owned()),
        content_location: None,
        headers: Vec::new(),
        offset,
        len,
        installable: None,
    }
}

fn retrieval(token: Token, parts: Vec<PartEntry>, len: u64) -> Retrieval {
    let start = Parameter {
        name: "start".to_owned(),
        value: "<0>".to_owned(),
    };
    let head = MmHead {
        id: MmId::mint(ShardId(1), UnixMillis(1), [2; 8]),
        accepted_at: UnixMillis(1_704_067_200_000),
        originator: Originator {
            address: Address::Phone("15550100001".to_owned()),
            hidden: false,
            interface: Interface::Mm1,
        },
        visible_recipients: Vec::new(),
        subject: Some("Grüße".to_owned()),
        class: MessageClass::Personal,
        priority: Priority::Normal,
        expires_at: UnixMillis(u64::MAX),
        deliver_at: None,
        delivery_report: false,
        read_report: false,
        date: UnixMillis(1_704_067_200_000),
        content: ContentRef {
            id: [0; 16],
            len,
            sha256: [0; 32],
            media_type: MediaType {
                essence: "multipart/related".to_owned(),
                parameters: vec![start],
            },
            parts,
        },
        mms_version: 0x92,
        carried: CarriedFields::default(),
        recipient_count: 1,
        previously_sent: Vec::new(),
        reply_offer: None,
        reply_claim: None,
    };
    Retrieval {
        head,
        token,
        recipient: Address::Phone("15550100002".to_owned()),
        repeated: false,
        mms_version: None,
    }
}

impl Commands for Fake {
    fn room(&self, class: Class, _octets: u64) -> Result<(), Busy> {
        match self.full.lock().unwrap().contains(&class) {
            true => Err(Busy::NoCredit),
            false => Ok(()),
        }
    }

    fn submit(&self, submit: Submit, octets: Bytes) -> BoxFuture<'_, SubmitAnswer> {
        Box::pin(async move {
            self.submitted.lock().unwrap().push((submit, octets));
            self.scripted().await
        })
    }

    fn fetch(&self, token: Token, requester: Option<Address>) -> BoxFuture<'_, FetchAnswer> {
        self.fetched.lock().unwrap().push((token, requester));
        if let Some((entry, _)) = self.stored.lock().unwrap().get(&token) {
            return Box::pin(std::future::ready(FetchAnswer::Stored(Box::new(entry.clone()))));
        }
        let found = self
            .messages
            .lock()
            .unwrap()
            .get(&token)
            .map(|(retrieval, _)| retrieval.clone());
        let answer = match found {
            _ if *self.fetch_busy.lock().unwrap() => FetchAnswer::Busy(Busy::Store),
            _ if *self.not_yet.lock().unwrap() => FetchAnswer::NotYet,
            Some(retrieval) => FetchAnswer::Content(Box::new(retrieval)),
            None => FetchAnswer::Gone(Gone::Unknown),
        };
        Box::pin(std::future::ready(answer))
    }

    fn content<'a>(&'a self, retrieval: &'a Retrieval) -> BoxFuture<'a, Result<Bytes, ContentAway>> {
        let found = self
            .messages
            .lock()
            .unwrap()
            .get(&retrieval.token)
            .map(|(_, content)| content.clone());
        Box::pin(std::future::ready(
            found.ok_or_else(|| ContentAway::ForNow("away".to_owned())),
        ))
    }

    fn served(&self, token: Token, complete: bool) -> BoxFuture<'_, ()> {
        self.served.lock().unwrap().push((token, complete));
        self.served_now.notify_one();
        Box::pin(std::future::ready(()))
    }

    fn handset_answer(
        &self,
        token: Token,
        requester: Option<Address>,
        answer: HandsetAnswer,
    ) -> BoxFuture<'_, HandsetReply> {
        self.said.lock().unwrap().push((token, requester, answer));
        let busy = *self.handset_busy.lock().unwrap();
        let reply = if busy {
            HandsetReply::Busy(Busy::Store)
        } else {
            let replies = self.replies.lock().unwrap();
            replies.get(&token).copied().unwrap_or(HandsetReply::Done)
        };
        Box::pin(std::future::ready(reply))
    }

    fn forward(&self, forward: Forward) -> BoxFuture<'_, SubmitAnswer> {
        Box::pin(async move {
            self.forwarded.lock().unwrap().push(forward);
            self.scripted().await
        })
    }

    fn read_report(
        &self,
        mm: MmId,
        recipient: Address,
        status: ReadStatus,
        at: Option<UnixMillis>,
    ) -> BoxFuture<'_, HandsetReply> {
        self.read.lock().unwrap().push((mm, recipient, status, at));
        Box::pin(std::future::ready(HandsetReply::Done))
    }

    fn stored_content<'a>(&'a self, entry: &'a MmBoxEntry) -> BoxFuture<'a, Result<Bytes, ContentAway>> {
        let found = self
            .stored
            .lock()
            .unwrap()
            .get(&entry.token)
            .map(|(_, content)| content.clone());
        Box::pin(std::future::ready(
            found.ok_or_else(|| ContentAway::ForNow("away".to_owned())),
        ))
    }

    fn mmbox_store(
        &self,
        owner: Address,
        token: Token,
        wish: StoreWish,
    ) -> BoxFuture<'_, MmBoxAnswer<Committed<Token>>> {
        Box::pin(async move {
            self.store_wishes.lock().unwrap().push((owner, token, wish));
            self.box_answer(Token([0x55; 16])).await
        })
    }

    fn mmbox_upload(&self, upload: Upload, octets: Bytes) -> BoxFuture<'_, MmBoxAnswer<Committed<Token>>> {
        Box::pin(async move {
            self.uploads.lock().unwrap().push((upload, octets));
            self.box_answer(Token([0x66; 16])).await
        })
    }

    fn mmbox_view(&self, view: View) -> BoxFuture<'_, MmBoxAnswer<Viewed>> {
        self.views.lock().unwrap().push(view);
        let answer = match (&*self.box_says.lock().unwrap(), &*self.viewed.lock().unwrap()) {
            (None, Some(viewed)) => MmBoxAnswer::Done(viewed.clone()),
            (None, None) => MmBoxAnswer::Busy(Busy::NoCredit),
            (Some(not), _) => MmBoxAnswer::Not(*not),
        };
        Box::pin(std::future::ready(answer))
    }

    fn mmbox_delete(&self, owner: Address, token: Token) -> BoxFuture<'_, MmBoxAnswer<()>> {
        self.box_deleted.lock().unwrap().push((owner, token));
        let answer = match (
            *self.box_says.lock().unwrap(),
            self.deletions.lock().unwrap().get(&token),
        ) {
            (Some(not), _) => MmBoxAnswer::Not(not),
            (None, Some(not)) => MmBoxAnswer::Not(*not),
            (None, None) => MmBoxAnswer::Done(()),
        };
        Box::pin(std::future::ready(answer))
    }

    fn subscriber_seen(&self, address: Address) {
        self.seen.lock().unwrap().push(address);
    }

    fn terminal_seen(&self, address: Address, sighting: Sighting) {
        self.sighted.lock().unwrap().push((address, sighting));
    }
}
