//! The receiving handsets: they take pushes from the SMSC, fetch, acknowledge, read reports, and write all of it into
//! the ledger. They keep trying while the node is away, as handsets do.

use std::sync::Arc;
use std::time::Duration;

use mmsc_ports::{Ports, Task};
use mmsc_wire::mms::Status;
use tokio::sync::{Mutex, mpsc};

use crate::error::PeerError;
use crate::handset::{Client, Fetched, Notification, Told, acknowledge, notify_response, retrieve};
use crate::ledger::{Entry, Ledger};
use crate::msisdn::Msisdn;
use crate::smsc::Push;

/// Something that a handset just saw, for who measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A notification of this submission.
    Notified {
        /// The submission.
        number: u64,
    },
    /// Its content, with how long the retrieval took.
    Retrieved {
        /// The submission.
        number: u64,
        /// From request to the last octet, the successful attempt alone.
        took: Duration,
    },
    /// Its acknowledgement was taken.
    Acknowledged {
        /// The submission.
        number: u64,
    },
    /// Its delivery report; the number is known once its acceptance is.
    Reported {
        /// The submission.
        number: Option<u64>,
    },
}

/// Is told what the handsets see; must not block.
pub type Observer = Arc<dyn Fn(Seen) + Send + Sync>;

/// How the handsets behave.
#[derive(Clone)]
pub struct Crowd {
    /// The outside.
    pub ports: Ports,
    /// MM1, `host:port`.
    pub target: String,
    /// Where everything is written down.
    pub ledger: Arc<Ledger>,
    /// For the answer to one request.
    pub deadline: Duration,
    /// Attempts at each request while it is refused for now or not answered.
    pub attempts: u32,
    /// Pause between those.
    pub pause: Duration,
    /// Every so many submissions the handset first answers Deferred, then fetches and acknowledges (digest 14.3);
    /// all others fetch and answer Retrieved (14.2).
    pub deferred_every: Option<u64>,
    /// Every so many submissions the handset waits so long before it does anything about a notification.
    pub slow_every: Option<(u64, Duration)>,
    /// Who measures.
    pub observer: Option<Observer>,
}

impl Crowd {
    /// Handsets that talk to `target`, write to `ledger`, and try each request for some minutes.
    #[must_use]
    pub fn new(ports: &Ports, target: impl Into<String>, ledger: Arc<Ledger>) -> Self {
        Self {
            ports: ports.clone(),
            target: target.into(),
            ledger,
            deadline: Duration::from_secs(10),
            attempts: 3000,
            pause: Duration::from_millis(50),
            deferred_every: None,
            slow_every: None,
            observer: None,
        }
    }

    /// Starts `workers` connections that share the pushes; they end when the SMSC is gone.
    pub fn start(&self, pushes: mpsc::Receiver<Push>, workers: usize) -> Vec<Task> {
        let pushes = Arc::new(Mutex::new(pushes));
        let start = |_| {
            let worker = Worker {
                crowd: self.clone(),
                client: Client::new(self.ports.clone(), self.target.clone(), self.deadline),
            };
            let run = worker.run(Arc::clone(&pushes));
            self.ports.spawn.task("handset", Box::pin(run))
        };
        (0..workers.max(1)).map(start).collect()
    }

    fn saw(&self, seen: Seen) {
        if let Some(observer) = &self.observer {
            observer(seen);
        }
    }
}

struct Worker {
    crowd: Crowd,
    client: Client,
}

impl Worker {
    async fn run(mut self, pushes: Arc<Mutex<mpsc::Receiver<Push>>>) {
        loop {
            let push = pushes.lock().await.recv().await;
            let Some(push) = push else { return };
            if self.take(push).await.is_err() {
                // The ledger cannot be written any more: what goes on would go on unseen.
                return;
            }
        }
    }

    async fn take(&mut self, push: Push) -> Result<(), PeerError> {
        let Ok(who) = push.to.parse::<Msisdn>() else {
            return Ok(());
        };
        match push.told {
            Ok(Told::Notification(notification)) => self.notified(who, &notification).await,
            Ok(Told::DeliveryReport {
                message_id, to, status, ..
            }) => self.reported(who, message_id, &to, status),
            Ok(other @ (Told::ReadReport { .. } | Told::Cancel { .. } | Told::Other(_))) => {
                self.stranger(who, format!("{other:?}"))
            }
            Err(reason) => self.stranger(who, reason),
        }
    }

    fn stranger(&self, recipient: Msisdn, what: String) -> Result<(), PeerError> {
        self.crowd.ledger.record(&Entry::Stranger { recipient, what })
    }

    fn reported(&self, who: Msisdn, message_id: String, to: &str, status: u8) -> Result<(), PeerError> {
        let Ok(recipient) = to.parse() else {
            return self.stranger(who, format!("a report about {to:?}"));
        };
        self.crowd.ledger.record(&Entry::Reported {
            message_id: message_id.clone(),
            recipient,
            status,
        })?;
        let number = self.crowd.ledger.look(|book| book.number_of(&message_id));
        self.crowd.saw(Seen::Reported { number });
        Ok(())
    }

    async fn notified(&mut self, who: Msisdn, notification: &Notification) -> Result<(), PeerError> {
        let Some(number) = notification.number() else {
            return self.stranger(who, format!("a notification with subject {:?}", notification.subject));
        };
        self.crowd.ledger.record(&Entry::Notified {
            number,
            recipient: who,
            transaction_id: notification.transaction_id.clone(),
            location: notification.location.clone(),
        })?;
        self.crowd.saw(Seen::Notified { number });
        let slow = self.crowd.slow_every.filter(|(every, _)| number.is_multiple_of(*every));
        if let Some((_, wait)) = slow {
            self.crowd.ports.clock.sleep(wait).await;
        }
        let id = notification.transaction_id.as_str();
        let deferred = self
            .crowd
            .deferred_every
            .is_some_and(|every| number.is_multiple_of(every));
        if deferred {
            self.answer(Answer::NotifyResponse(Status::Deferred), who, id).await;
        }
        let Some(acknowledge_id) = self.fetch(number, who, &notification.location).await? else {
            return Ok(());
        };
        let taken = match acknowledge_id.filter(|_| deferred) {
            Some(acknowledge_id) => self.answer(Answer::Acknowledge, who, &acknowledge_id).await,
            None => self.answer(Answer::NotifyResponse(Status::Retrieved), who, id).await,
        };
        if taken {
            self.crowd
                .ledger
                .record(&Entry::Acknowledged { number, recipient: who })?;
            self.crowd.saw(Seen::Acknowledged { number });
        }
        Ok(())
    }

    /// Fetches until the message or a final refusal came. Gives the transaction id to acknowledge, if it got it.
    async fn fetch(&mut self, number: u64, who: Msisdn, location: &str) -> Result<Option<Option<String>>, PeerError> {
        let clock = Arc::clone(&self.crowd.ports.clock);
        for _ in 0..self.crowd.attempts {
            let started = clock.monotonic();
            match retrieve(&mut self.client, who, location).await {
                Ok(Fetched::Message {
                    message_id,
                    transaction_id,
                    digest,
                    ..
                }) => {
                    let took = clock.monotonic().saturating_sub(started);
                    self.crowd.ledger.record(&Entry::Retrieved {
                        number,
                        recipient: who,
                        digest,
                        message_id,
                    })?;
                    self.crowd.saw(Seen::Retrieved { number, took });
                    return Ok(Some(transaction_id));
                }
                Ok(Fetched::Refused(status)) if !(0xC0..=0xDF).contains(&status) => {
                    let recipient = who;
                    self.crowd.ledger.record(&Entry::NotServed {
                        number,
                        recipient,
                        status,
                    })?;
                    return Ok(None);
                }
                Ok(Fetched::Refused(_) | Fetched::Http(_)) | Err(_) => clock.sleep(self.crowd.pause).await,
            }
        }
        Ok(None)
    }

    /// Says something until it is taken; gives whether it was.
    async fn answer(&mut self, answer: Answer, who: Msisdn, id: &str) -> bool {
        for _ in 0..self.crowd.attempts {
            let status = match answer {
                Answer::NotifyResponse(status) => notify_response(&mut self.client, who, id, status).await,
                Answer::Acknowledge => acknowledge(&mut self.client, who, id).await,
            };
            match status {
                Ok(200..=299) => return true,
                Ok(_) | Err(_) => self.crowd.ports.clock.sleep(self.crowd.pause).await,
            }
        }
        false
    }
}

#[derive(Clone, Copy)]
enum Answer {
    NotifyResponse(Status),
    Acknowledge,
}
