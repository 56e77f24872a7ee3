//! What is said to people: progress, notes, errors, the summary. The only writer to stderr. It counts what it is shown, and
//! knows neither who judges nor where rows go.

mod bench;
mod console;
mod error;
mod level;
mod pace;
mod plot;
mod progress;
mod summary;
mod tally;
mod text;
mod together;

pub use bench::{BenchRow, Measured, bench_rows, bench_table};
pub use console::Console;
pub use error::{Hinted, error_lines, hinted};
pub use level::Level;
pub use plot::bench_plot;
pub use progress::{Progress, ProgressView, RecordCount, Wait};
pub use summary::{LatencyMs, RunFacts, Server, Summary, WaitedS};
pub use tally::{FAULT_KINDS_MAX, FaultGroup, Tally};
pub use text::{count, table};
pub use together::{RecordsPerRequest, Together};
