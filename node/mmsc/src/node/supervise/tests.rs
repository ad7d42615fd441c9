use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::*;

/// A part that ends when its test says so.
struct Stub {
    fail: watch::Receiver<usize>,
    born: usize,
}

impl Part for Stub {
    fn ended(&self) -> BoxFuture<'static, String> {
        let (mut fail, born) = (self.fail.clone(), self.born);
        Box::pin(async move {
            let told = fail.wait_for(|generation| *generation > born).await.is_ok();
            if !told {
                std::future::pending::<()>().await;
            }
            "told to".to_owned()
        })
    }

    fn drain(self: Box<Self>, _limit: Duration) -> BoxFuture<'static, bool> {
        Box::pin(std::future::ready(true))
    }
}

struct Bench {
    spec: PartSpec,
    starts: Arc<AtomicUsize>,
    started: watch::Receiver<usize>,
    fail: watch::Sender<usize>,
}

fn stub(name: &'static str) -> Bench {
    let starts = Arc::new(AtomicUsize::new(0));
    let (fail, failed) = watch::channel(0);
    let (told, started) = watch::channel(0);
    let counter = Arc::clone(&starts);
    let start: StartPart = Arc::new(move || {
        let born = counter.fetch_add(1, Ordering::SeqCst);
        told.send_replace(born + 1);
        let part: Box<dyn Part> = Box::new(Stub {
            fail: failed.clone(),
            born,
        });
        Box::pin(std::future::ready(Ok(part)))
    });
    Bench {
        spec: PartSpec { name, start },
        starts,
        started,
        fail,
    }
}

async fn root(groups: Vec<GroupSpec>) -> (ActorRef<NodeMessage>, Arc<PartBoard>) {
    let board = Arc::new(PartBoard::default());
    let arguments = NodeArguments {
        groups,
        board: Arc::clone(&board),
        ports: Ports::real(),
    };
    let (actor, _) = Actor::spawn(None, NodeSupervisor, arguments).await.unwrap();
    (actor, board)
}

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn a_part_restarts_alone() {
    let (mut one, two) = (stub("mm1"), stub("smpp"));
    let parts = vec![two.spec.clone(), one.spec.clone()];
    let (root, board) = root(vec![GroupSpec {
        name: "interfaces",
        parts,
    }])
    .await;
    for generation in 1..=3usize {
        one.fail.send_replace(generation);
        let restarted = one.started.wait_for(|starts| *starts > generation);
        tokio::time::timeout(LIMIT, restarted).await.unwrap().unwrap();
    }
    assert_eq!(one.starts.load(Ordering::SeqCst), 4);
    assert_eq!(two.starts.load(Ordering::SeqCst), 1);
    assert_eq!(board.restarts("mm1").value(), 3);
    assert_eq!(board.restarts("smpp").value(), 0);
    assert_eq!(board.state("smpp"), Some(PartState::Running));

    let (reply, drained) = oneshot::channel();
    root.cast(NodeMessage::Drain {
        group: "interfaces",
        limit: LIMIT,
        reply,
    })
    .unwrap();
    assert!(tokio::time::timeout(LIMIT, drained).await.unwrap().unwrap());
    root.stop(None);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_cannot_start_stops_the_start_and_says_why() {
    let start: StartPart = Arc::new(|| Box::pin(std::future::ready(Err("the address is taken".to_owned()))));
    let arguments = NodeArguments {
        groups: vec![GroupSpec {
            name: "ops",
            parts: vec![PartSpec { name: "ops", start }],
        }],
        board: Arc::default(),
        ports: Ports::real(),
    };
    let error = Actor::spawn(None, NodeSupervisor, arguments).await.err().unwrap();
    assert!(error.to_string().contains("the address is taken"), "{error}");
}
