//! The octets of one connection: what was read and not yet understood, what is to be written. Reading never waits for
//! writing, so a peer that writes before it reads cannot lock us up.

use std::io;

use bytes::{Buf, BytesMut};
use mmsc_ports::net::BoxStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

/// Above this much unwritten nothing more is read: the peer has to take its answers first.
const OUT_LIMIT: usize = 256 * 1024;
const READ_SIZE: usize = 16 * 1024;

pub(super) struct Io {
    reader: ReadHalf<BoxStream>,
    writer: WriteHalf<BoxStream>,
    /// Read and not yet understood.
    pub(super) inbox: BytesMut,
    /// To be written.
    pub(super) out: BytesMut,
    unflushed: bool,
}

/// What happened on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// `inbox` has more.
    Read,
    /// `out` has less.
    Wrote,
}

impl Io {
    pub(super) fn new(stream: BoxStream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            inbox: BytesMut::new(),
            out: BytesMut::new(),
            unflushed: false,
        }
    }

    /// Reads or writes once. May be dropped and called again without losing an octet. A closed connection is an error.
    pub(super) async fn turn(&mut self) -> io::Result<Turn> {
        let readable = self.out.len() < OUT_LIMIT;
        self.inbox.reserve(READ_SIZE);
        let Self {
            reader,
            writer,
            inbox,
            out,
            unflushed,
        } = self;
        tokio::select! {
            biased;
            wrote = write_some(writer, out, unflushed), if !out.is_empty() || *unflushed => wrote,
            read = reader.read_buf(inbox), if readable => match read? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(Turn::Read),
            },
        }
    }

    /// Writes what is left, as far as the peer takes it, and closes.
    pub(super) async fn close(&mut self) {
        while !self.out.is_empty() || self.unflushed {
            if write_some(&mut self.writer, &mut self.out, &mut self.unflushed)
                .await
                .is_err()
            {
                return;
            }
        }
        let _closed = self.writer.shutdown().await;
    }
}

/// One write, or the flush that TLS wants after the last.
async fn write_some(writer: &mut WriteHalf<BoxStream>, out: &mut BytesMut, unflushed: &mut bool) -> io::Result<Turn> {
    if out.is_empty() {
        writer.flush().await?;
        *unflushed = false;
    } else {
        let written = writer.write(out).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        out.advance(written);
        *unflushed = true;
    }
    Ok(Turn::Wrote)
}
