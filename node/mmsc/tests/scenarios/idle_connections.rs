//! Thousands of connections that do nothing cost little, and hinder nobody; what is beyond the limit is told so.
//!
//! `MMSC_IDLE_CONNECTIONS` sets how many (2,000 otherwise); 10,000 need a limit of open files to match.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::pdu::{from, get, post, submission};
use crate::rig::{ALICE, BOB, Rig};
use crate::story::Story;
use crate::wire::Wire;

const CONNECTIONS: usize = 2_000;
/// Resident memory that an idle connection may cost, sockets' kernel memory apart.
const ALLOWED_KIB: u64 = 40;
/// Connections that are open at a time beside the idle ones.
const SPARE: usize = 8;

pub async fn run(story: &mut Story) {
    let wanted = std::env::var("MMSC_IDLE_CONNECTIONS").ok();
    let count = wanted.map_or(CONNECTIONS, |text| text.parse().unwrap());
    raise_open_files(count);
    let limit = (count + SPARE).to_string();
    let sets = [("mm1.connections", limit.as_str()), ("mm1.idle_timeout", "10m")];
    let rig = Rig::start(&sets).await;
    let mm1 = rig.mm1();
    let identity = from(ALICE);
    let warm = crate::wire::ask(&mm1, &post(&identity, &submission("warm", &[BOB.as_bytes()]))).await;
    story.tell(format!("a submission before: {warm}"));

    let before = rig.node.usage().unwrap().resident_bytes;
    let mut idle = Vec::with_capacity(count);
    for _ in 0..count {
        let mut wire = Wire::open(&mm1).await;
        // Used once and kept, as a gateway keeps its connections.
        assert_eq!(wire.ask(&get(&identity, "/")).await.status, 404);
        idle.push(wire);
    }
    rig.await_metric("mmsc_mm1_open_connections", |open| open >= count as f64).await;
    let after = rig.node.usage().unwrap().resident_bytes;
    let each = after.saturating_sub(before) / 1024 / count as u64;
    println!("{count} idle connections: {each} KiB each");
    assert!(each <= ALLOWED_KIB, "{each} KiB for each idle connection");
    story.tell("an idle connection costs no more than it may");

    let body = submission("among", &[BOB.as_bytes()]);
    let mut among = Wire::open(&mm1).await;
    story.tell(format!("a submission among them: {}", among.ask(&post(&identity, &body)).await));
    // Whoever is not idle fills the rest, then nobody else comes in.
    let mut rest = vec![among];
    while rest.len() < SPARE {
        let mut wire = Wire::open(&mm1).await;
        assert_eq!(wire.ask(&get(&identity, "/")).await.status, 404);
        rest.push(wire);
    }
    let mut beyond = Wire::open(&mm1).await;
    story.tell(format!("one beyond the limit: {}", beyond.until_closed().await));
    let refused = rig.metrics().await.sum("mmsc_mm1_connections_refused_total");
    story.tell(format!("turned away: {refused:?}"));
    let kept = idle.last_mut().unwrap().ask(&post(&identity, &submission("kept", &[BOB.as_bytes()]))).await;
    story.tell(format!("an idle one wakes up: {kept}"));
    drop(rest);
    rig.await_metric("mmsc_mm1_open_connections", |open| open <= count as f64).await;
    let mut next = Wire::open(&mm1).await;
    story.tell(format!("after some have gone: {}", next.ask(&post(&identity, &body)).await));
    rig.stop().await;
}

/// The node inherits it.
fn raise_open_files(connections: usize) {
    let needed = connections as u64 + 1000;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < needed) {
        let current = Some(maximum.map_or(needed, |maximum| maximum.min(needed)));
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    }
    let allowed = getrlimit(Resource::Nofile).current;
    assert!(allowed.is_none_or(|allowed| allowed >= needed), "{allowed:?} open files are too few");
}
