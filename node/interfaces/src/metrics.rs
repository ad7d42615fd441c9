//! What the adapters measure. Names start with the interface; labels come from closed sets.

use std::sync::Arc;

use mmsc_ports::metrics::{Counter, Family, Gauge, Histogram, Sample, Source};

/// What an HTTP server measures.
#[derive(Debug, Default)]
pub struct HttpMetrics {
    /// Connections accepted.
    pub connections: Arc<Counter>,
    /// Connections open now.
    pub open_connections: Arc<Gauge>,
    /// Connections turned away because there were too many.
    pub connections_refused: Arc<Counter>,
    /// TLS handshakes that failed or took too long.
    pub handshake_failures: Arc<Counter>,
    /// Requests that were cut off because two readers could frame them differently.
    pub ambiguous_requests: Arc<Counter>,
    /// Errors of `accept`.
    pub accept_errors: Arc<Counter>,
    /// Times that the accepting task had to be started again.
    pub restarts: Arc<Counter>,
    /// Octets read from clients (inside TLS).
    pub received_octets: Arc<Counter>,
    /// Octets written to clients (inside TLS).
    pub sent_octets: Arc<Counter>,
}

/// Declares an enum whose values are a label's values.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The value of the label.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

label! {
    /// What a client asks for on MM1.
    Mm1Request {
        /// m-send-req.
        SendReq = "send_req",
        /// m-notifyresp-ind.
        NotifyRespInd = "notifyresp_ind",
        /// m-acknowledge-ind.
        AcknowledgeInd = "acknowledge_ind",
        /// GET of a message.
        Retrieve = "retrieve",
        /// HEAD of a message.
        RetrieveHead = "retrieve_head",
        /// m-read-rec-ind.
        ReadRecInd = "read_rec_ind",
        /// m-forward-req.
        ForwardReq = "forward_req",
        /// m-mbox-store-req.
        MboxStoreReq = "mbox_store_req",
        /// m-mbox-view-req.
        MboxViewReq = "mbox_view_req",
        /// m-mbox-upload-req.
        MboxUploadReq = "mbox_upload_req",
        /// m-mbox-delete-req.
        MboxDeleteReq = "mbox_delete_req",
        /// m-delete-req.
        DeleteReq = "delete_req",
        /// m-cancel-conf.
        CancelConf = "cancel_conf",
        /// A PDU that only a relay sends, or that could not be read as far as its type.
        Other = "other",
    }
}

label! {
    /// How a request on MM1 ended.
    Mm1Outcome {
        /// Done.
        Ok = "ok",
        /// Refused for good.
        Refused = "refused",
        /// Refused for now.
        Busy = "busy",
        /// There is nothing (any more) to retrieve.
        Gone = "gone",
        /// It could not be read.
        Malformed = "malformed",
        /// We do not offer it.
        Unsupported = "unsupported",
        /// Taken and dropped, as the standard lets us.
        Dropped = "dropped",
        /// The HTTP request itself was wrong, too slow or broken off.
        Http = "http",
    }
}

label! {
    /// Why a request on MM1 was refused.
    Mm1Refusal {
        /// No trusted gateway says who it is.
        NoIdentity = "no_identity",
        /// Gateway headers contradict each other, repeat or cannot be read.
        BadIdentity = "bad_identity",
        /// From in the PDU is somebody else's.
        ForeignFrom = "foreign_from",
        /// The PDU cannot be read.
        Malformed = "malformed",
        /// PDU type or version that we do not serve.
        Unsupported = "unsupported",
        /// Larger than allowed.
        TooLarge = "too_large",
        /// Came too slowly.
        TooSlow = "too_slow",
        /// HTTP method, encoding or target that we do not serve.
        Http = "http",
        /// What the relay said: policy, recipients, content.
        Policy = "policy",
        /// About a message that is not there (any more), or is somebody else's.
        UnknownMessage = "unknown_message",
        /// About a reply that somebody else pays for: not offered, not within the offer, not to be forwarded.
        ReplyCharging = "reply_charging",
        /// No room, the store is away, or we are draining.
        Busy = "busy",
    }
}

label! {
    /// What is pushed to a handset.
    Mm1Push {
        /// m-notification-ind.
        Notification = "notification",
        /// m-delivery-ind.
        DeliveryReport = "delivery_report",
        /// m-read-orig-ind.
        ReadReport = "read_report",
        /// m-cancel-req.
        Cancel = "cancel",
    }
}

label! {
    /// How a push ended.
    PushOutcome {
        /// The bearer took it over.
        Sent = "sent",
        /// Refused for now.
        Failed = "failed",
        /// Refused for good.
        Refused = "refused",
        /// The bearer is down; no attempt was lost.
        Unavailable = "unavailable",
        /// The answer was lost.
        Unknown = "unknown",
        /// Not sent: it had expired, or cannot be expressed.
        Unsent = "unsent",
    }
}

/// What MM1 measures.
#[derive(Debug, Default)]
pub struct Mm1Metrics {
    /// Its HTTP server.
    pub http: Arc<HttpMetrics>,
    requests: Table<{ Mm1Request::ALL.len() }, { Mm1Outcome::ALL.len() }>,
    refusals: [Arc<Counter>; Mm1Refusal::ALL.len()],
    pushes: Table<{ Mm1Push::ALL.len() }, { PushOutcome::ALL.len() }>,
    /// From the head of a request to the head of its answer.
    pub answer_seconds: Arc<Histogram>,
    /// Responses to a retrieval that broke before their last octet.
    pub broken_responses: Arc<Counter>,
    /// Octets of content accepted for submission.
    pub submitted_octets: Arc<Counter>,
    /// Octets of content handed out.
    pub retrieved_octets: Arc<Counter>,
}

#[derive(Debug)]
struct Table<const ROWS: usize, const COLUMNS: usize>([[Arc<Counter>; COLUMNS]; ROWS]);

impl<const ROWS: usize, const COLUMNS: usize> Default for Table<ROWS, COLUMNS> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| Arc::default())))
    }
}

impl<const ROWS: usize, const COLUMNS: usize> Table<ROWS, COLUMNS> {
    fn cell(&self, row: usize, column: usize) -> Option<&Arc<Counter>> {
        self.0.get(row)?.get(column)
    }

    fn family(&self, name: &'static str, help: &'static str, rows: Axis<'_>, columns: Axis<'_>) -> Family {
        let mut samples = Vec::with_capacity(ROWS * COLUMNS);
        for (row, row_label) in self.0.iter().zip(rows.1) {
            for (counter, column_label) in row.iter().zip(columns.1) {
                samples.push(Sample {
                    labels: vec![
                        (rows.0, (*row_label).to_owned()),
                        (columns.0, (*column_label).to_owned()),
                    ],
                    source: Source::Counter(counter.clone()),
                });
            }
        }
        Family { name, help, samples }
    }
}

/// Name and values of a label.
struct Axis<'a>(&'static str, &'a [&'static str]);

impl Mm1Metrics {
    /// Counts a request.
    pub fn request(&self, request: Mm1Request, outcome: Mm1Outcome) {
        if let Some(counter) = self.requests.cell(request as usize, outcome as usize) {
            counter.increment();
        }
    }

    /// Requests counted so far.
    #[must_use]
    pub fn requests(&self, request: Mm1Request, outcome: Mm1Outcome) -> u64 {
        let counter = self.requests.cell(request as usize, outcome as usize);
        counter.map_or(0, |counter| counter.value())
    }

    /// Counts a refusal.
    pub fn refuse(&self, why: Mm1Refusal) {
        if let Some(counter) = self.refusals.get(why as usize) {
            counter.increment();
        }
    }

    /// Refusals counted so far.
    #[must_use]
    pub fn refusals(&self, why: Mm1Refusal) -> u64 {
        self.refusals.get(why as usize).map_or(0, |counter| counter.value())
    }

    /// Counts a push.
    pub fn push(&self, what: Mm1Push, outcome: PushOutcome) {
        if let Some(counter) = self.pushes.cell(what as usize, outcome as usize) {
            counter.increment();
        }
    }

    /// Pushes counted so far.
    #[must_use]
    pub fn pushes(&self, what: Mm1Push, outcome: PushOutcome) -> u64 {
        let counter = self.pushes.cell(what as usize, outcome as usize);
        counter.map_or(0, |counter| counter.value())
    }

    /// Every metric, for the exposition.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let requests: Vec<_> = Mm1Request::ALL.iter().map(|request| request.label()).collect();
        let outcomes: Vec<_> = Mm1Outcome::ALL.iter().map(|outcome| outcome.label()).collect();
        let pushes: Vec<_> = Mm1Push::ALL.iter().map(|push| push.label()).collect();
        let ends: Vec<_> = PushOutcome::ALL.iter().map(|outcome| outcome.label()).collect();
        let refusals = Mm1Refusal::ALL.iter().zip(&self.refusals);
        let mut families = vec![
            self.requests.family(
                "mmsc_mm1_requests_total",
                "Requests of handsets, by what they asked for and how they were answered.",
                Axis("request", &requests),
                Axis("outcome", &outcomes),
            ),
            Family::labelled(
                "mmsc_mm1_refusals_total",
                "Requests of handsets that were refused, by reason.",
                "reason",
                refusals.map(|(why, counter)| (why.label().to_owned(), Source::Counter(counter.clone()))),
            ),
            self.pushes.family(
                "mmsc_mm1_pushes_total",
                "Attempts to tell a handset something by push, by what and how they ended.",
                Axis("push", &pushes),
                Axis("outcome", &ends),
            ),
            Family::single(
                "mmsc_mm1_answer_seconds",
                "Time from a request's head to its answer's head, which includes the client's sending of the body.",
                Source::Histogram(self.answer_seconds.clone()),
            ),
            counter(
                "mmsc_mm1_broken_responses_total",
                "Answers to a retrieval that broke off before their last octet was sent.",
                &self.broken_responses,
            ),
            counter(
                "mmsc_mm1_submitted_bytes_total",
                "Octets of content that were accepted from handsets.",
                &self.submitted_octets,
            ),
            counter(
                "mmsc_mm1_retrieved_bytes_total",
                "Octets of content that were sent to handsets whole.",
                &self.retrieved_octets,
            ),
        ];
        families.extend(self.http_families());
        families
    }

    fn http_families(&self) -> Vec<Family> {
        let http = &self.http;
        vec![
            Family::single(
                "mmsc_mm1_open_connections",
                "HTTP connections of handsets and gateways that are open now.",
                Source::Gauge(http.open_connections.clone()),
            ),
            counter(
                "mmsc_mm1_connections_total",
                "HTTP connections opened to MM1.",
                &http.connections,
            ),
            counter(
                "mmsc_mm1_connections_refused_total",
                "HTTP connections to MM1 that were turned away because there were too many.",
                &http.connections_refused,
            ),
            counter(
                "mmsc_mm1_handshake_failures_total",
                "TLS handshakes on MM1 that failed or took too long.",
                &http.handshake_failures,
            ),
            counter(
                "mmsc_mm1_ambiguous_requests_total",
                "Requests on MM1 that were cut off because two readers could frame them differently (request smuggling).",
                &http.ambiguous_requests,
            ),
            counter(
                "mmsc_mm1_accept_errors_total",
                "Errors of the operating system when MM1 accepts connections.",
                &http.accept_errors,
            ),
            counter(
                "mmsc_mm1_restarts_total",
                "Times that MM1's accepting task ended unexpectedly and was started again.",
                &http.restarts,
            ),
            counter(
                "mmsc_mm1_received_bytes_total",
                "Octets received on MM1, HTTP included.",
                &http.received_octets,
            ),
            counter(
                "mmsc_mm1_sent_bytes_total",
                "Octets sent on MM1, HTTP included.",
                &http.sent_octets,
            ),
        ]
    }
}

fn counter(name: &'static str, help: &'static str, source: &Arc<Counter>) -> Family {
    Family::single(name, help, Source::Counter(source.clone()))
}
