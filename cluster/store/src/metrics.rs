//! What the store measures of itself.

use std::sync::Arc;

use mmsc_ports::metrics::{Counter, Family, Gauge, Histogram, Source};

/// The store's counters, gauges and histograms; cheap to share.
#[derive(Debug, Clone, Default)]
pub struct StoreMetrics {
    /// Transactions that were committed with writes.
    pub commits: Arc<Counter>,
    /// Transactions that met a newer write of what they had read.
    pub conflicts: Arc<Counter>,
    /// Frames appended to the log, one sync each.
    pub groups: Arc<Counter>,
    /// Transactions in the newest frame.
    pub group_size: Arc<Gauge>,
    /// Octets appended to the log, padding included.
    pub frame_bytes: Arc<Counter>,
    /// From the write of a frame to the end of its sync.
    pub sync_seconds: Arc<Histogram>,
    /// Applying one group to the index, without checkpoints.
    pub apply_seconds: Arc<Histogram>,
    /// Durable checkpoints of the index.
    pub checkpoint_seconds: Arc<Histogram>,
    /// Octets of content that somebody holds.
    pub live_content_bytes: Arc<Gauge>,
    /// Log segments on disk, spare ones included.
    pub segments: Arc<Gauge>,
    /// Segments that were emptied by copying what lived in them.
    pub compacted_segments: Arc<Counter>,
    /// Octets copied by compaction.
    pub compacted_bytes: Arc<Counter>,
    /// 1 once the store has closed.
    pub closed: Arc<Gauge>,
    /// Failed syncs, applies and checkpoints: each closes the store.
    pub failures: Arc<Counter>,
    /// Refusals because too much was in flight, or the disk was below its reserve.
    pub busy: Arc<Counter>,
    /// Octets of transactions on their way into the log.
    pub in_flight_bytes: Arc<Gauge>,
    /// 1 while the disk is below its reserve and no content is taken.
    pub low_room: Arc<Gauge>,
    /// Reads of content.
    pub content_reads: Arc<Counter>,
    /// Reads whose octets did not match their digest; nothing was served.
    pub corrupt_reads: Arc<Counter>,
    /// Backups that were finished.
    pub backups: Arc<Counter>,
    /// Backups that were not.
    pub backup_failures: Arc<Counter>,
    /// When the newest finished backup was begun, in seconds since 1970; 0: none is known.
    pub backup_last_success: Arc<Gauge>,
    /// How long the newest finished backup took, in seconds.
    pub backup_duration: Arc<Gauge>,
    /// Octets of rows and content in the newest finished backup.
    pub backup_bytes: Arc<Gauge>,
    /// Octets copied so far by the one that is running; 0: none is.
    pub backup_running_bytes: Arc<Gauge>,
}

impl StoreMetrics {
    /// All of them, for the exposition.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let counter = |name, help, of: &Arc<Counter>| Family::single(name, help, Source::Counter(Arc::clone(of)));
        let gauge = |name, help, of: &Arc<Gauge>| Family::single(name, help, Source::Gauge(Arc::clone(of)));
        let histogram = |name, help, of: &Arc<Histogram>| Family::single(name, help, Source::Histogram(Arc::clone(of)));
        let mut families = vec![
            counter(
                "mmsc_store_commits_total",
                "Transactions committed with writes.",
                &self.commits,
            ),
            counter(
                "mmsc_store_conflicts_total",
                "Transactions run again because something they had read was written meanwhile.",
                &self.conflicts,
            ),
            counter(
                "mmsc_store_groups_total",
                "Frames appended to the log, one sync each.",
                &self.groups,
            ),
            gauge(
                "mmsc_store_group_size",
                "Transactions in the newest frame.",
                &self.group_size,
            ),
            counter(
                "mmsc_store_frame_bytes_total",
                "Bytes appended to the log.",
                &self.frame_bytes,
            ),
            histogram(
                "mmsc_store_sync_seconds",
                "Writing and syncing one frame: the disk's part in a commit.",
                &self.sync_seconds,
            ),
            histogram(
                "mmsc_store_apply_seconds",
                "Applying one group to the index.",
                &self.apply_seconds,
            ),
            histogram(
                "mmsc_store_checkpoint_seconds",
                "Making the index durable; acknowledgements wait for that long.",
                &self.checkpoint_seconds,
            ),
            gauge(
                "mmsc_store_live_content_bytes",
                "Bytes of content that somebody holds.",
                &self.live_content_bytes,
            ),
            gauge(
                "mmsc_store_segments",
                "Log segments on disk, spare ones included.",
                &self.segments,
            ),
            counter(
                "mmsc_store_compacted_segments_total",
                "Segments emptied by copying what lived in them.",
                &self.compacted_segments,
            ),
            counter(
                "mmsc_store_compacted_bytes_total",
                "Bytes copied by compaction.",
                &self.compacted_bytes,
            ),
            gauge(
                "mmsc_store_closed",
                "1 once the store has closed; only reopening helps.",
                &self.closed,
            ),
            counter(
                "mmsc_store_failures_total",
                "Failed syncs, applies and checkpoints; each closes the store.",
                &self.failures,
            ),
            counter(
                "mmsc_store_busy_total",
                "Refusals because too much was in flight or the disk was below its reserve.",
                &self.busy,
            ),
            gauge(
                "mmsc_store_in_flight_bytes",
                "Bytes of transactions on their way into the log.",
                &self.in_flight_bytes,
            ),
            gauge(
                "mmsc_store_low_room",
                "1 while the disk is below its reserve and no content is taken.",
                &self.low_room,
            ),
            counter(
                "mmsc_store_content_reads_total",
                "Reads of content.",
                &self.content_reads,
            ),
            counter(
                "mmsc_store_corrupt_reads_total",
                "Reads whose bytes did not match their digest; nothing was served.",
                &self.corrupt_reads,
            ),
        ];
        families.extend(self.backup_families());
        families
    }

    fn backup_families(&self) -> Vec<Family> {
        let counter = |name, help, of: &Arc<Counter>| Family::single(name, help, Source::Counter(Arc::clone(of)));
        let gauge = |name, help, of: &Arc<Gauge>| Family::single(name, help, Source::Gauge(Arc::clone(of)));
        vec![
            counter("mmsc_store_backups_total", "Backups finished.", &self.backups),
            counter(
                "mmsc_store_backup_failures_total",
                "Backups that failed or were cut off; the log says why.",
                &self.backup_failures,
            ),
            gauge(
                "mmsc_store_backup_last_success_timestamp_seconds",
                "When the newest finished backup was begun, in seconds since 1970; 0: none is known.",
                &self.backup_last_success,
            ),
            gauge(
                "mmsc_store_backup_duration_seconds",
                "How long the newest finished backup took.",
                &self.backup_duration,
            ),
            gauge(
                "mmsc_store_backup_bytes",
                "Bytes of rows and content in the newest finished backup.",
                &self.backup_bytes,
            ),
            gauge(
                "mmsc_store_backup_running_bytes",
                "Bytes copied so far by the backup that is running; 0: none is.",
                &self.backup_running_bytes,
            ),
        ]
    }
}
