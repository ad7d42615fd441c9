//! The configuration: everything that is wrong is told at once, with its place and a hint.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use mmsc::config::{self, Config, ConfigErrors, Fault, Issue, Place};
use mmsc_domain::content::ContentPolicy;
use mmsc_domain::fan_out::{FanOutAction, FanOutLimits, FanOutPolicy};

fn parse(text: &str, sets: &[&str]) -> Result<Config, ConfigErrors> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    config::parse(Path::new("node.toml"), text, &sets)
}

fn issues(text: &str, sets: &[&str]) -> Vec<Issue> {
    parse(text, sets).expect_err("this configuration is wrong").issues
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const SMSC: &str = "[smsc.main]\naddress = \"127.0.0.1:2775\"\nsystem_id = \"mmsc\"\npassword = \"secret\"\n";

#[test]
fn network_stores_are_offered_where_it_says_so() {
    let config = parse("[mmbox]\nmax_messages = 5\n", &[]).unwrap();
    assert_eq!(config.policy.mmbox, None, "figures alone offer nothing");
    let text = "[mmbox]\noffered = true\nmax_octets = \"2MiB\"\n[limits]\nforwards = 3\n";
    let config = parse(text, &["mmbox.max_view=7"]).unwrap();
    let mmbox = config.policy.mmbox.unwrap();
    assert_eq!((mmbox.max_messages, mmbox.max_octets), (1000, 2 * 1024 * 1024));
    assert_eq!((mmbox.max_view, mmbox.max_view_octets), (7, 1024 * 1024));
    assert_eq!(config.policy.max_forwards, 3);
    let sets = [
        "mmbox.offered=true",
        "mmbox.max_view_octets=16MiB",
        "relay.content_in_flight=1MiB",
    ];
    let issues = issues("", &sets);
    assert!(
        issues
            .iter()
            .any(|issue| issue.key.as_deref() == Some("mmbox.max_view_octets")),
        "{issues:?}"
    );
}

#[test]
fn content_is_refused_as_it_says() {
    let content = |text: &str, sets: &[&str]| parse(text, sets).unwrap().policy.content;
    let refuses = |content: &ContentPolicy, essence: &str| content.refused_types.iter().any(|it| it.matches(essence));
    assert_eq!(content("", &[]), ContentPolicy::default());
    let more = "[content]\nrefuse_types = ['installable', 'video/*', 'Image/GIF']\ncheck_magic = false\n";
    let more = content(more, &[]);
    for essence in ["application/java-archive", "video/mp4", "image/gif"] {
        assert!(refuses(&more, essence), "{essence}");
    }
    assert!(!more.check_magic && !refuses(&more, "image/jpeg"));
    assert_eq!(content("", &["content.refuse_types="]).refused_types, []);
    let told = issues("[content]\nrefuse_types = ['video/*', 'instalable']\n", &[]);
    assert!(told[0].message.starts_with("element 2 is \"instalable\""), "{told:#?}");
}

#[test]
fn fan_out_is_counted_as_it_says() {
    let fan_out = |sets: &[&str]| parse("", sets).unwrap().policy.fan_out;
    assert_eq!(fan_out(&[]), Some(FanOutPolicy::default()));
    assert_eq!(fan_out(&["fanout.action=off"]), None);
    let sets = [
        "fanout.action=refuse",
        "fanout.sender_submissions=5",
        "fanout.all_recipients=0",
        "fanout.window=10m",
    ];
    let strict = fan_out(&sets).unwrap();
    assert_eq!(strict.action, FanOutAction::Refuse);
    assert_eq!(
        (strict.sender.submissions, strict.sender.recipients),
        (Some(5), Some(1000))
    );
    assert_eq!(strict.everybody, FanOutLimits::default());
    assert_eq!(strict.window, Duration::from_secs(600));
}

#[test]
fn nothing_written_is_a_configuration() {
    let config = parse("", &[]).unwrap();
    assert_eq!(config.node.name, "node-1");
    assert_eq!(config.mm1.listen, Some("127.0.0.1:8081".parse().unwrap()));
    assert_eq!(config.ops, Some("127.0.0.1:9464".parse().unwrap()));
    assert_eq!(config.policy.retention_content, Duration::from_secs(600));
    assert_eq!(config.policy.retention_record, Duration::from_secs(7 * 86_400));
    assert_eq!((config.policy.mmbox, config.policy.max_forwards), (None, 20));
    assert!(config.smscs.is_empty() && config.unserved.is_empty());
}

/// What other people's scripts rely on.
#[test]
fn the_shipped_file_is_what_was_promised() {
    let file = repository().join("ops/deploy/single-node.toml");
    let config = config::load(&file, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.mm1.listen, Some("127.0.0.1:8081".parse().unwrap()));
    assert_eq!(config.ops, Some("127.0.0.1:9464".parse().unwrap()));
    let loopback = "127.0.0.1".parse().unwrap();
    assert!(
        config
            .mm1
            .identity
            .trusted
            .iter()
            .any(|network| network.contains(loopback))
    );
    assert!(
        config
            .mm1
            .identity
            .trusted
            .iter()
            .all(|network| !network.contains("10.0.0.1".parse().unwrap()))
    );
    assert!(
        config
            .mm1
            .identity
            .headers
            .iter()
            .any(|header| header.name == "x-msisdn")
    );
    assert_eq!(config.smscs.len(), 1);
    assert_eq!(config.smscs[0].link.name, "main");
    assert_eq!(config.smscs[0].link.address, "127.0.0.1:2775");
    assert_eq!(config.smscs[0].link.system_id, "mmsc");
    assert_eq!(
        config.policy.unknown_subscribers,
        mmsc_domain::policy::UnknownSubscribers::AcceptWithDefaults
    );
    assert_eq!(config.unserved, Vec::<String>::new());
    let free = [
        "mm1.listen=127.0.0.1:0",
        "ops.listen=off",
        "smsc.main.address=127.0.0.1:12775",
    ]
    .map(str::to_owned);
    let config = config::load(&file, &free).unwrap();
    assert_eq!(config.mm1.listen, Some("127.0.0.1:0".parse().unwrap()));
    assert_eq!(config.ops, None);
    assert_eq!(config.smscs[0].link.address, "127.0.0.1:12775");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "\
[node]
name = \"a b\"
[mm1]
listn = \"127.0.0.1:1\"
listen = \"localhost:80\"
[retention]
content = \"10\"
[smsc.main]
address = \"127.0.0.1:2775\"
[stor]
path = \"x\"
[expiry]
default = \"30d\"
[telling]
attempts = = 3
";
    let found = issues(text, &["limits.message_size=big", "nonsense", "relay.credit=5"]);
    let told: Vec<(Place, Fault, &str)> = found
        .iter()
        .map(|issue| (issue.place.clone(), issue.fault, issue.key.as_deref().unwrap_or("")))
        .collect();
    for expected in [
        (Place::Line(2), Fault::BadValue, "node.name"),
        (Place::Line(4), Fault::UnknownKey, "mm1.listn"),
        (Place::Line(5), Fault::BadValue, "mm1.listen"),
        (Place::Line(7), Fault::BadValue, "retention.content"),
        (Place::Line(8), Fault::Missing, "smsc.main.system_id"),
        (Place::Line(8), Fault::Missing, "smsc.main.password"),
        (Place::Line(10), Fault::UnknownKey, "stor"),
        (Place::Line(13), Fault::Contradiction, "expiry.default"),
        (Place::Line(15), Fault::Syntax, ""),
        (Place::Set(1), Fault::BadValue, "limits.message_size"),
        (Place::Set(2), Fault::Syntax, ""),
        (Place::Set(3), Fault::UnknownKey, "relay.credit"),
    ] {
        assert!(told.contains(&expected), "{expected:?} is not in {told:#?}");
    }
    assert_eq!(found.len(), 12, "{told:#?}");
    let text = ConfigErrors {
        file: "node.toml".into(),
        issues: found,
    }
    .to_string();
    assert!(
        text.contains("node.toml:4: mm1.listn: unknown key; did you mean mm1.listen?"),
        "{text}"
    );
    assert!(
        text.contains("--set #3: relay.credit: unknown key; did you mean relay.credits?"),
        "{text}"
    );
    assert!(
        text.contains("node.toml:10: stor: unknown table; did you mean store?"),
        "{text}"
    );
}

#[test]
fn a_set_overrides_any_key_and_the_last_one_wins() {
    let config = parse(
        SMSC,
        &[
            "smsc.main.address=127.0.0.1:1",
            "smsc.main.address=127.0.0.1:2",
            "smsc.main.window=50",
            "smsc.other.address=[::1]:2775",
            "smsc.other.system_id=x",
            "smsc.other.password=12345678",
            "smsc.other.prefixes=4670,4671",
            "retention.content=1h30m",
            "limits.message_size=300KiB",
            "mm4.listen=off",
        ],
    )
    .unwrap();
    let main = &config.smscs[0].link;
    assert_eq!((main.address.as_str(), main.window), ("127.0.0.1:2", 50));
    assert_eq!(config.smscs[1].link.prefixes, ["4670", "4671"]);
    assert_eq!(config.policy.retention_content, Duration::from_secs(5400));
    assert_eq!(config.policy.max_content_bytes, 300 * 1024);
    assert!(
        config.unserved.is_empty(),
        "off asks for nothing: {:?}",
        config.unserved
    );
    // A wrong value in the file that is overridden is nobody's problem.
    assert!(parse("[mm1]\nlisten = 5\n", &["mm1.listen=off"]).is_ok());
}

#[test]
fn interfaces_of_later_releases_are_checked_in_form_and_named() {
    let text = "\
[admin]
listen = \"127.0.0.1:0\"
[mm4]
listen = \"127.0.0.1:2525\"
[peer.north]
address = \"mms.north.example:25\"
allow = [\"10.1.0.0/16\"]
ranges = [\"4670\", \"46720000000-46729999999\"]
[vasp.weather]
system_id = \"w\"
[ocs.main]
address = \"ocs.example:3868\"
[cluster]
listen = \"off\"
";
    let config = parse(text, &[]).unwrap();
    assert_eq!(
        config.unserved,
        ["admin", "mm4", "ocs.main", "peer.north", "vasp.weather"]
    );
    let route = |digits: &str| {
        config
            .policy
            .routing
            .route(&mmsc_domain::Address::Phone(digits.to_owned()))
    };
    assert_eq!(route("46700000001").peer().map(|peer| peer.0.as_str()), Some("north"));
    assert_eq!(route("46725000000").peer().map(|peer| peer.0.as_str()), Some("north"));
    assert_eq!(route("46730000000"), mmsc_domain::routing::Route::Here);
    let wrong = issues(
        "[peer.north]\naddress = \"x\"\nranges = [\"9-1\"]\n[ocs.main]\n",
        &["mm3.listen=nowhere"],
    );
    assert_eq!(wrong.len(), 4, "{wrong:#?}");
}

#[test]
fn contradictions() {
    let cases = [
        (
            "[peer.a]\naddress='a:1'\nranges=['46']\n[peer.b]\naddress='b:1'\nranges=['46']\n",
            "peer.b.ranges",
        ),
        ("[mm1]\ncert = 'x.pem'\n", "mm1.cert"),
        ("[mm1]\nlisten = '127.0.0.1:9464'\n", "ops.listen"),
        ("[store]\nsegment_size = '4MiB'\n", "store.segment_size"),
        ("[numbers]\ncountry_code = '0'\n", "numbers.country_code"),
    ];
    for (text, key) in cases {
        let found = issues(text, &[]);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0].key.as_deref(), Some(key), "{found:#?}");
        assert_eq!(found[0].fault, Fault::Contradiction);
    }
    // Port 0 never clashes.
    assert!(parse("[mm1]\nlisten='127.0.0.1:0'\n[ops]\nlisten='127.0.0.1:0'\n", &[]).is_ok());
}

/// Numbers and gateways: what is not written is filled in, what is written arrives.
#[test]
fn gateways_and_the_choice_of_a_bearer() {
    use mmsc_interfaces::bearer::Kind;
    use mmsc_interfaces::pap::AddressForm;
    let text = "\
[smsc.main]
address = \"127.0.0.1:2775\"
system_id = \"mmsc\"
password = \"secret\"
prefixes = [\"49171\"]
[pap]
listen = \"127.0.0.1:0\"
[bearer]
prefer = \"ppg\"
rate = 0
[ppg.a]
url = \"http://ppg.example:8080/wappush\"
allow = [\"192.0.2.0/24\"]
ranges = [\"49\", \"15550100000-15550100099\"]
[ppg.b]
url = \"http://[::1]/\"
address_form = \"number\"
username = \"mmsc\"
password = \"hush-hu\"
";
    let config = parse(text, &[]).unwrap();
    let [a, b] = &config.ppgs[..] else {
        panic!("{:?}", config.ppgs)
    };
    assert_eq!(a.gateway.name, "a");
    assert_eq!(a.gateway.endpoint.target(), "ppg.example:8080");
    let host = "ppg.example".to_owned();
    assert_eq!(a.gateway.address_form, AddressForm::Plmn { host });
    assert_eq!(
        (b.gateway.address_form.clone(), b.gateway.endpoint.target()),
        (AddressForm::Bare, "[::1]:80".into())
    );
    assert!(!format!("{config:?}").contains("hush-hu"), "Debug shows the password");
    let rules = &config.bearer.rules;
    for (number, kind) in [
        ("4917155", Kind::Smsc),
        ("4917255", Kind::Ppg),
        ("15550100042", Kind::Ppg),
        ("33", Kind::Ppg),
    ] {
        assert_eq!(rules.choose(number), kind, "{number}");
    }
    assert_eq!(config.bearer.pace.rate, None);

    let base = "[ppg.a]\nurl = 'http://x/'\n";
    for (text, key) in [
        ("[ppg.a]\nurl = 'https://x/'\n".to_owned(), "ppg.a.url"),
        (format!("{base}notify_url = 'http://y/'\n"), "ppg.a.notify_url"),
        (format!("{base}username = 'u'\n"), "ppg.a.username"),
        (format!("{base}password = 'p'\n"), "ppg.a.username"),
        (format!("{base}tls_ca = 'x.pem'\n"), "ppg.a.tls_ca"),
        (
            format!("{base}address_form = 'number'\naddress_host = 'h'\n"),
            "ppg.a.address_host",
        ),
        (format!("{base}reconnect = '2m'\n"), "ppg.a.reconnect"),
        ("[ppg.a]\nurl = 'http://x:0/'\n".to_owned(), "ppg.a.url"),
        ("[ppg.a]\n".to_owned(), "ppg.a.url"),
        ("[pap]\npath = 'x'\n".to_owned(), "pap.path"),
        ("[pap]\ncert = 'x.pem'\n".to_owned(), "pap.cert"),
        (format!("{SMSC}[ppg.main]\nurl = 'http://x/'\n"), "ppg.main"),
    ] {
        let found = issues(&text, &[]);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0].key.as_deref(), Some(key), "{text}: {found:#?}");
    }
}

#[test]
fn foundationdb_is_refused_with_a_fault_of_its_own() {
    let found = issues("", &["store.engine=foundationdb"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fault, Fault::NotBuilt);
    assert!(found[0].message.contains("not built into this release"));
    assert_eq!(issues("", &["store.engine=sqlite"])[0].fault, Fault::BadValue);
}

#[test]
fn secrets_come_from_files_and_are_never_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    std::fs::write(&file, "hush-hu\n").unwrap();
    let head = "[smsc.main]\naddress = \"127.0.0.1:1\"\nsystem_id = \"mmsc\"\n";
    let text = format!("{head}password_file = \"{}\"\n", file.display());
    let config = parse(&text, &[]).unwrap();
    assert_eq!(
        config.smscs[0].link.password,
        mmsc_interfaces::smpp::Secret::new("hush-hu")
    );
    assert!(!format!("{config:?}").contains("hush-hu"), "Debug shows the password");

    let both = issues(&format!("{text}password = \"other\"\n"), &[]);
    assert_eq!(both[0].fault, Fault::Contradiction);
    let missing = issues(&format!("{head}password_file = \"{}.no\"\n", file.display()), &[]);
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert_eq!(missing[0].fault, Fault::Unreadable);
    let long = parse(head, &["smsc.main.password=waytoolongsecret"])
        .unwrap_err()
        .to_string();
    assert!(!long.contains("waytoolong"), "{long}");
}

#[test]
fn names_of_tables_are_checked() {
    let found = issues("[smsc.\"a b\"]\naddress = \"a:1\"\n", &[]);
    assert!(
        found.iter().any(|issue| issue.key.as_deref() == Some("smsc.a b")),
        "{found:#?}"
    );
    assert!(parse(SMSC, &["smsc=x"]).is_err());
    assert!(parse("smsc = 5\n", &[]).is_err());
    assert!(parse("[smsc]\nmain = 5\n", &[]).is_err());
}

#[test]
fn a_file_that_cannot_be_read_is_told_as_such() {
    let errors = config::load(Path::new("/nonexistent/node.toml"), &[]).unwrap_err();
    assert_eq!(errors.issues.len(), 1);
    assert_eq!(errors.issues[0].fault, Fault::Unreadable);
}

#[test]
fn every_key_has_a_default_of_its_own_kind_and_a_sentence() {
    for key in config::keys::all() {
        assert!(key.help.ends_with(['.', ')']), "{}: {:?}", key.path, key.help);
        if let config::keys::Default::Is(text) = key.default {
            let read = key.kind.read(&config::value::Raw::Bare(text.to_owned()));
            assert!(read.is_ok(), "{}: {read:?}", key.path);
        }
    }
    let mut paths: Vec<&str> = config::keys::all().map(|key| key.path).collect();
    let count = paths.len();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), count, "a key stands in the table twice");
}

#[test]
fn the_keys_that_others_rely_on_exist() {
    for path in [
        "node.name",
        "store.engine",
        "store.path",
        "store.cluster_file",
        "store.prefix",
        "mm1.listen",
        "mm1.public_url",
        "ops.listen",
        "admin.listen",
        "cluster.listen",
        "cluster.cert",
        "cluster.key",
        "cluster.ca",
        "mm4.listen",
        "mm3.listen",
        "mm7.listen",
        "api.listen",
        "retention.content",
        "retention.record",
        "smsc.*.address",
        "smsc.*.system_id",
        "smsc.*.password",
        "ppg.*.url",
        "ppg.*.allow",
        "pap.listen",
        "bearer.prefer",
        "peer.*.address",
        "peer.*.allow",
        "peer.*.ranges",
    ] {
        assert!(config::keys::all().any(|key| key.path == path), "{path}");
    }
}

/// `mmsc docs configuration > ops/docs/configuration.md` writes it.
#[test]
fn the_reference_page_is_up_to_date() {
    let file = repository().join("ops/docs/configuration.md");
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == config::reference::page(),
        "{} is stale: write it with `cargo run -- docs configuration > ops/docs/configuration.md`",
        file.display()
    );
}

/// The policy counts unique recipients; the decoder lets their repetitions pass, and has room for them.
#[test]
fn the_decoder_takes_more_recipients_than_the_policy_allows() {
    for recipients in [1_usize, 100, 10_000] {
        let config = parse("", &[&format!("limits.recipients={recipients}")]).unwrap();
        let (limits, decoder) = (&config.mm1.limits, &config.mm1.limits.decoder);
        assert_eq!(config.policy.max_recipients, recipients);
        assert!(decoder.max_recipients >= 2_000.max(3 * recipients), "{decoder:?}");
        assert!(decoder.max_fields >= decoder.max_recipients + 512, "{decoder:?}");
        let field = "\u{97}+155501000021/TYPE=PLMN\0".len();
        assert!(decoder.max_head >= recipients * field, "{decoder:?}");
        let content = usize::try_from(config.policy.max_content_bytes).unwrap();
        assert!(limits.max_pdu_octets >= content + decoder.max_head);
    }
}

/// A mistake is told once, at the table that it is made in, whether or not there is a key in the table.
#[test]
fn an_unknown_table_is_told_once() {
    let cases = [
        ("[stor]\n", "stor"),
        ("[stor]\npath = 'x'\ncache = '1MiB'\n", "stor"),
        ("stor.path = 'x'\n", "stor"),
        ("[smcs.main]\naddress = 'a:1'\n[smcs.other]\n", "smcs"),
        ("[mm1.tls]\ncert = 'x'\n", "mm1.tls"),
        ("[mm1.tls]\n", "mm1.tls"),
        ("[smsc.\"a b\"]\naddress = 'a:1'\n", "smsc.a b"),
        ("[mm1.listen]\nport = 1\n", "mm1.listen"),
    ];
    for (text, key) in cases {
        let found = issues(text, &[]);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0].key.as_deref(), Some(key), "{text}: {found:#?}");
    }
    let found = issues(&format!("{SMSC}[smsc.main.timers]\nidle = '1s'\n"), &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].place, Place::Line(5));
    // A --set is a mistake of its own.
    assert_eq!(issues("[stor]\npath = 'x'\n", &["stor.path=y"]).len(), 2);
}

#[test]
fn an_error_in_a_list_names_the_element() {
    let message = |text: &str, sets: &[&str]| {
        let found = issues(text, sets);
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].message.clone()
    };
    let networks = "[mm1]\ntrusted_networks = ['10.0.0.0/8', '10.0.0/8', '::1', 5]\n";
    let told = message(networks, &[]);
    assert!(told.ends_with("; element 2 is \"10.0.0/8\", element 4 is 5"), "{told}");
    let told = message("", &["mm1.trusted_networks=10.0.0.0/8,ten"]);
    assert!(told.ends_with("; element 2 is 'ten'"), "{told}");
    // Taken by this check, it would be left out where it is used: 104 bits of an IPv4 address.
    let told = message("[mm1]\ntrusted_networks = ['::ffff:10.0.0.0/104']\n", &[]);
    assert!(told.ends_with("; element 1 is \"::ffff:10.0.0.0/104\""), "{told}");
    let told = message("[mm1]\nidentity_headers = ['x-msisdn', 'x y']\n", &[]);
    assert!(told.starts_with("element 2 is \"x y\""), "{told}");
    let told = message("[telling]\nrenotify = ['1m', '1']\n", &[]);
    assert!(told.ends_with("; element 2 is \"1\""), "{told}");
    let told = message("[mm1]\ntrusted_networks = '10.0.0.0/8'\n", &[]);
    assert!(told.ends_with(", found \"10.0.0.0/8\""), "{told}");
    let ranges = "[peer.a]\naddress='a:1'\nranges=['46']\n[peer.b]\naddress='b:1'\nranges=['47', '46']\n";
    let told = message(ranges, &[]);
    assert!(told.starts_with("element 2 is \"46\": "), "{told}");
}
