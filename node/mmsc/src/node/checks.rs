//! What makes a node alive and ready. A bind that is down, or a clock that was stepped, is told and changes nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mmsc_admin::health::CheckFn;
use mmsc_admin::{Check, Condition, Health};
use mmsc_ports::clock::STEP_ALARM;
use mmsc_store::StoreError;

use super::bearers::Bearers;
use super::parts::Wiring;
use super::supervise::PartState;

/// All checks of this node.
pub(super) fn health(wiring: &Wiring, bearers: &Bearers) -> Health {
    let mut ready = vec![draining(wiring), store(wiring), relay(wiring)];
    if wiring.config.mm1.listen.is_some() {
        ready.push(part(wiring, "mm1", Condition::Failed));
    }
    ready.push(part(wiring, "smpp", Condition::Degraded));
    ready.extend(wiring.config.smscs.iter().map(|smsc| bind(bearers, &smsc.link.name)));
    if !wiring.config.ppgs.is_empty() || wiring.config.pap.listen.is_some() {
        ready.push(part(wiring, "pap", Condition::Degraded));
    }
    let gateways = wiring.config.ppgs.iter();
    ready.extend(gateways.map(|ppg| gateway(bearers, &ppg.gateway.name)));
    ready.push(clock(wiring));
    // Neither a closed store nor an ended tree comes back by itself: restarting the process is what helps.
    Health::new(vec![store(wiring), relay(wiring)], ready)
}

fn check(name: impl Into<String>, condition: impl Fn() -> Condition + Send + Sync + 'static) -> Arc<dyn Check> {
    Arc::new(CheckFn(name.into(), condition))
}

fn draining(wiring: &Wiring) -> Arc<dyn Check> {
    let draining = Arc::clone(&wiring.draining);
    check("drain", move || {
        if draining.load(Ordering::Acquire) {
            Condition::Failed("draining".to_owned())
        } else {
            Condition::Ok
        }
    })
}

fn store(wiring: &Wiring) -> Arc<dyn Check> {
    let store = wiring.store.clone();
    check("store", move || match store.health() {
        Ok(()) => Condition::Ok,
        // Content is refused for now, while retrievals and acknowledgements go on.
        Err(error @ StoreError::Busy(_)) => Condition::Degraded(error.to_string()),
        Err(error) => Condition::Failed(error.to_string()),
    })
}

fn relay(wiring: &Wiring) -> Arc<dyn Check> {
    let relay = wiring.relay.clone();
    check("relay", move || {
        if relay.is_standing() {
            Condition::Ok
        } else {
            Condition::Failed("the tree of actors has ended".to_owned())
        }
    })
}

fn part(wiring: &Wiring, name: &'static str, bad: fn(String) -> Condition) -> Arc<dyn Check> {
    let board = Arc::clone(&wiring.board);
    check(name, move || match board.state(name) {
        Some(PartState::Running) => Condition::Ok,
        Some(PartState::Restarting(reason)) => bad(format!("restarting: {reason}")),
        Some(PartState::Drained) => bad("drained".to_owned()),
        None => bad("not started".to_owned()),
    })
}

fn bind(bearers: &Bearers, smsc: &str) -> Arc<dyn Check> {
    let (bearers, name) = (bearers.clone(), smsc.to_owned());
    check(format!("smsc.{smsc}"), move || {
        if bearers.is_bound(&name) {
            Condition::Ok
        } else {
            Condition::Degraded("not bound: notifications over it wait".to_owned())
        }
    })
}

fn gateway(bearers: &Bearers, ppg: &str) -> Arc<dyn Check> {
    let (bearers, name) = (bearers.clone(), ppg.to_owned());
    check(format!("ppg.{ppg}"), move || {
        if bearers.is_up(&name) {
            Condition::Ok
        } else {
            Condition::Degraded("not reached: notifications over it wait".to_owned())
        }
    })
}

fn clock(wiring: &Wiring) -> Arc<dyn Check> {
    let clock = Arc::clone(&wiring.ports.clock);
    check("clock", move || {
        let offset = clock.wall_offset_millis();
        if u128::from(offset.unsigned_abs()) > STEP_ALARM.as_millis() {
            Condition::Degraded(format!(
                "the system's clock was stepped by {offset} ms; a restart follows it"
            ))
        } else {
            Condition::Ok
        }
    })
}
