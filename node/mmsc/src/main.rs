//! The `mmsc` program.

use std::process::ExitCode;

/// Gives memory back in the background (`background_thread:true` is compiled in), so that a burst does not stay
/// resident.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    mmsc::cli::main()
}
