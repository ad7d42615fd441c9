//! The suite of every engine, on the embedded one: on the real disk, on the simulated disk, and without workers.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use mmsc_ports::Ports;
use mmsc_ports::disk::{Disk, RealDisk};
use mmsc_store::embedded::Pipeline;
use mmsc_store::sim::SimDisk;
use mmsc_store::{EmbeddedEngine, EmbeddedOptions, Engine};

struct Fresh {
    engine: Arc<dyn Engine>,
    _directory: Option<tempfile::TempDir>,
}

fn open(disk: Arc<dyn Disk>, options: EmbeddedOptions) -> Arc<dyn Engine> {
    let options = EmbeddedOptions {
        segment_bytes: 4 * 1024 * 1024,
        ready_segments: 1,
        reserve_bytes: 0,
        ..options
    };
    Arc::new(EmbeddedEngine::open(options, disk, &Ports::real()).unwrap())
}

async fn on_the_real_disk() -> Fresh {
    let directory = tempfile::tempdir().unwrap();
    Fresh {
        engine: open(Arc::new(RealDisk), EmbeddedOptions::new(directory.path().join("store"))),
        _directory: Some(directory),
    }
}

async fn on_the_simulated_disk() -> Fresh {
    Fresh {
        engine: open(Arc::new(SimDisk::new()), EmbeddedOptions::new("/store")),
        _directory: None,
    }
}

async fn without_workers() -> Fresh {
    let options = EmbeddedOptions {
        pipeline: Pipeline::Inline,
        ..EmbeddedOptions::new("/store")
    };
    Fresh {
        engine: open(Arc::new(SimDisk::new()), options),
        _directory: None,
    }
}

mod real_disk {
    mmsc_store::contract_tests!(super::on_the_real_disk);
}

mod simulated_disk {
    mmsc_store::contract_tests!(super::on_the_simulated_disk);
}

mod inline {
    mmsc_store::contract_tests!(super::without_workers);
}
