use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use std::ffi::OsStr;
use std::fmt;

/// Where the driver's library lies where there are no development files: most machines that only run things.
const LIBRARY: &str = "libnvidia-ml.so.1";
/// Cards that are looked at, at most.
const GPUS_MAX: u32 = 64;
/// Bytes of the gibibytes that cards are sold by.
const GIB: f64 = (1_u64 << 30) as f64;

/// The NVIDIA GPUs of this machine.
#[derive(Debug)]
pub struct Gpus {
    nvml: Nvml,
}

/// What one GPU tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Its name, for people.
    pub name: String,
    /// Memory in use, by whomever, in bytes.
    pub memory_used_bytes: u64,
    /// Memory in all, in bytes.
    pub memory_total_bytes: u64,
    /// Share of the last moments in which it had something to do, in parts of a hundred; none where it does not tell.
    pub busy_percent: Option<u32>,
}

impl Gpus {
    /// Loads the driver's library; none where there is no such driver or no card.
    pub fn find() -> Option<Gpus> {
        let nvml = Nvml::init().or_else(|_| Nvml::builder().lib_path(OsStr::new(LIBRARY)).init()).ok()?;
        let count = nvml.device_count().ok()?;
        (count > 0).then_some(Gpus { nvml })
    }

    /// Each card as it is now; one that does not answer is left out. Takes a few milliseconds, and may block.
    pub fn read(&self) -> Vec<Gpu> {
        let count = self.nvml.device_count().unwrap_or(0).min(GPUS_MAX);
        (0..count).filter_map(|index| self.gpu(index).ok()).collect()
    }

    fn gpu(&self, index: u32) -> Result<Gpu, NvmlError> {
        let device = self.nvml.device_by_index(index)?;
        let memory = device.memory_info()?;
        Ok(Gpu {
            name: device.name().unwrap_or_else(|_| format!("GPU {index}")),
            memory_used_bytes: memory.used,
            memory_total_bytes: memory.total,
            busy_percent: device.utilization_rates().ok().map(|rates| rates.gpu),
        })
    }
}

impl Gpu {
    /// Its memory in the whole gigabytes that it is sold by: a card of 24 GB has a little less.
    pub fn memory_gb(&self) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "no card has billions of gigabytes"
        )]
        let rounded = (self.memory_total_bytes as f64 / GIB).round() as u32;
        rounded
    }
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, total) = (self.memory_used_bytes as f64 / GIB, self.memory_total_bytes as f64 / GIB);
        match self.busy_percent {
            Some(busy) => write!(f, "GPU {busy} % {used:.1}/{total:.1} GB"),
            None => write!(f, "GPU {used:.1}/{total:.1} GB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_told_in_a_few_words_and_by_the_size_it_is_sold_by() {
        let gpu = |total_mib: u64, busy_percent| Gpu {
            name: "NVIDIA RTX 4090".into(),
            memory_used_bytes: 12 << 30,
            memory_total_bytes: total_mib << 20,
            busy_percent,
        };
        assert_eq!(gpu(24_564, Some(87)).to_string(), "GPU 87 % 12.0/24.0 GB");
        assert_eq!(gpu(24_564, None).to_string(), "GPU 12.0/24.0 GB");
        assert_eq!([8_188, 16_376, 24_564, 81_559].map(|mib| gpu(mib, None).memory_gb()), [8, 16, 24, 80]);
    }

    #[test]
    fn a_machine_without_a_driver_has_none_and_that_is_fine() {
        if let Some(gpus) = Gpus::find() {
            let read = gpus.read();
            assert!(read.iter().all(|gpu| gpu.memory_used_bytes <= gpu.memory_total_bytes), "{read:?}");
        }
    }
}
