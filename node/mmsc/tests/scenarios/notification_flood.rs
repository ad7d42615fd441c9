//! A flood of messages to one absent number: when the handset shows itself it is told of all of them, in the order of
//! their birth, at a pace that it bears.

use std::time::Duration;

use mmsc_peers::smsc::Behaviour;
use mmsc_wire::smpp::Status;

use crate::pdu::{from, get};
use crate::rig::{BOB, CAROL, Rig};
use crate::story::Story;

const MESSAGES: u64 = 60;
const PACE: u64 = 20;
/// Attempts that ended in a failure.
const FAILED: &str = "mmsc_relay_tell_failed_total";

pub async fn run(story: &mut Story) {
    let sets = [("telling.pace", "20"), ("telling.failed_backoff", "1h"), ("telling.renotify", "1h")];
    let mut rig = Rig::start(&sets).await;
    let mm1 = rig.mm1();
    let digits = BOB.trim_start_matches('+');
    rig.smsc.behave_towards(digits, Some(Behaviour::Refuse(Status::RX_T_APPN)));
    for number in 1..=MESSAGES {
        rig.submitted(number, BOB, 2_000).await;
    }
    story.tell(format!("{MESSAGES} messages to an absent handset: accepted"));
    // Each was tried once, at the same pace, and none again: whatever is under way when the handset shows itself would be
    // told by its schedule, and not now.
    let failed = rig.await_metric(FAILED, |count| count >= MESSAGES as f64).await;
    story.tell(format!("attempts while it was absent: {failed}"));
    rig.submitted(1_000, CAROL, 2_000).await;
    let (push, _) = rig.notification().await;
    story.tell(format!("the first that is notified is somebody else: {}", push.to));

    rig.smsc.behave_towards(digits, None);
    let seen = crate::wire::ask(&mm1, &get(&from(BOB), "/AAAAAAAAAAAAAAAAAAAAAA")).await;
    story.tell(format!("the handset shows itself: {}", seen.status));
    let mut numbers = Vec::new();
    let mut times = Vec::new();
    for _ in 0..MESSAGES {
        let (push, notification) = rig.notification().await;
        assert_eq!(push.to, digits);
        numbers.push(notification.number().unwrap());
        times.push(push.at);
    }
    let in_order = numbers == (1..=MESSAGES).collect::<Vec<_>>();
    story.tell(format!("it is told of {} messages, in the order of their birth: {in_order}", numbers.len()));
    assert!(in_order, "{numbers:?}");
    // A second's worth at once, the rest at the pace. A slow machine only makes it longer; a quarter less allows for
    // pushes that overtake each other on their way here.
    let took = times[times.len() - 1].saturating_sub(times[0]);
    println!("{MESSAGES} notifications in {took:?}");
    let least = Duration::from_secs(1) * u32::try_from((MESSAGES - PACE) / PACE).unwrap();
    assert!(took * 4 >= least * 3, "all at once: {took:?}");
    story.tell("at its pace");
    rig.stop().await;
}
