//! What GPUs and servers tell of themselves while a run goes on: how full and how busy they are. Only for people to look at,
//! and for where a search for the number in flight begins; nothing here is needed, and nothing waits for it. Alone knows NVML.

mod gpu;
mod prometheus;
mod server;

pub use gpu::{Gpu, Gpus};
pub use server::{GaugeError, ServerGauges, ServerLoad};
