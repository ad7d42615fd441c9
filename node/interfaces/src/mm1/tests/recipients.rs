//! Recipients that are named more than once, or are not readable (`consistency.md` 12: made unique before they count).

use mmsc_domain::UnixMillis;
use mmsc_domain::accept::{ServicePolicy, SubscriberProfile, admit};
use mmsc_wire::mms::ResponseStatus;

use super::*;
use crate::metrics::Mm1Refusal;

/// A message to `to`, on a node whose decoder has its usual limits.
async fn submit(bench: &Bench, to: Vec<String>) -> Reply {
    bench.fake.accepting().await;
    let request = SendReq {
        to: to.into_iter().map(Into::into).collect(),
        ..send_req("T", Version::V1_2)
    };
    bench.post(&encode(request)).await
}

async fn bench() -> Bench {
    let mut config = config();
    config.limits.decoder = Limits::default();
    Bench::with(config).await
}

#[tokio::test]
async fn three_hundred_times_the_same_recipient_is_one() {
    let bench = bench().await;
    // As handsets write one number: international, with separators, with and without type.
    let forms = ["+15550100002/TYPE=PLMN", "+1 (555) 010-0002", "+15550100002"];
    let to = (0..300).map(|nth| forms[nth % forms.len()].to_owned()).collect();
    let reply = submit(&bench, to).await;
    assert_eq!(send_conf(&reply).response_status, ResponseStatus::Ok);

    let submitted = bench.fake.submitted.lock().unwrap();
    let [(submit, octets)] = submitted.as_slice() else {
        panic!("{submitted:?}")
    };
    let policy = ServicePolicy::default();
    assert!(submit.recipients.len() > policy.max_recipients);
    let len = u64::try_from(octets.len()).unwrap();
    let admission = admit(submit, len, UnixMillis(1), &policy, &SubscriberProfile::default()).unwrap();
    assert_eq!(admission.recipients.len(), 1);
}

/// Hostile input meets a bound of the decoder before anything is kept of it.
#[tokio::test]
async fn the_decoder_has_a_bound_all_the_same() {
    let bench = bench().await;
    let reply = submit(&bench, vec!["1".to_owned(); 20_000]).await;
    assert_eq!(
        send_conf(&reply).response_status,
        ResponseStatus::PermanentContentNotAccepted
    );
    assert!(bench.fake.submitted.lock().unwrap().is_empty());
    assert_eq!(bench.metrics.refusals(Mm1Refusal::Malformed), 1);
}

#[tokio::test]
async fn what_was_left_out_is_named_once_and_not_without_end() {
    let bench = bench().await;
    let good = "+15550100002/TYPE=PLMN".to_owned();
    let reply = submit(&bench, [vec![good.clone()], vec!["a@@b".to_owned(); 300]].concat()).await;
    let conf = send_conf(&reply);
    assert_eq!(conf.response_status, ResponseStatus::PartialSuccess);
    assert_eq!(conf.response_text.unwrap().to_str(), "Not sent to: a@@b");

    let many = (0..300).map(|nth| format!("{nth}@@b"));
    let reply = submit(&bench, std::iter::once(good).chain(many).collect()).await;
    let text = send_conf(&reply).response_text.unwrap().to_str().into_owned();
    assert!(
        text.starts_with("Not sent to: 0@@b, 1@@b,") && text.ends_with(" and 290 more"),
        "{text}"
    );
}
