//! What an instance costs, and what the limits add to a call: engines of this bench's own, which differ in one thing
//! each. The host's has the pool and epochs.

use super::numbers::{median, time};
use super::pair::each;
use super::table::Figures;
use anyhow::{Result, anyhow};
use std::path::Path;
use std::time::Duration;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

wasmtime::component::bindgen!({ path: "../wit/judge-provider-0.1.0", world: "judge-provider" });

const ROUNDS: usize = 9;
const CALLS: u32 = 300;
const MEMORY_BYTES_MAX: usize = 64 << 20;
const RESIDENT_BYTES: usize = 2 << 20;
/// More than any call here takes.
const ENDLESS: u64 = u64::MAX / 2;
/// Instances that a pool has room for.
const INSTANCES: u32 = 128;

/// How an engine interrupts a guest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interrupt {
    Never,
    Epochs,
    Fuel,
}

/// One engine with the component.
pub(crate) struct Variant {
    engine: Engine,
    pre: JudgeProviderPre<()>,
    interrupt: Interrupt,
}

impl Variant {
    fn new(component: &Path, interrupt: Interrupt, is_pooled: bool) -> Result<Variant> {
        let mut config = Config::new();
        config.memory_reservation(4 << 30).memory_guard_size(32 << 20).memory_may_move(false);
        config.epoch_interruption(interrupt == Interrupt::Epochs).consume_fuel(interrupt == Interrupt::Fuel);
        if is_pooled {
            let mut pool = PoolingAllocationConfig::new();
            pool.total_component_instances(INSTANCES).total_core_instances(INSTANCES * 4).total_memories(INSTANCES);
            pool.total_tables(INSTANCES * 4).max_memory_size(MEMORY_BYTES_MAX).table_elements(100_000);
            pool.linear_memory_keep_resident(RESIDENT_BYTES).table_keep_resident(RESIDENT_BYTES);
            pool.pagemap_scan(Enabled::Auto);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        let engine = Engine::new(&config).map_err(told)?;
        let component = Component::from_file(&engine, component).map_err(told)?;
        let pre = Linker::new(&engine).instantiate_pre(&component).and_then(JudgeProviderPre::new).map_err(told)?;
        Ok(Variant { engine, pre, interrupt })
    }

    /// The one that is like the host's.
    pub(crate) fn like_the_host(component: &Path) -> Result<Variant> {
        Variant::new(component, Interrupt::Epochs, true)
    }

    /// An instance in a store of its own.
    pub(crate) fn instance(&self) -> Result<(Store<()>, JudgeProvider)> {
        let mut store = Store::new(&self.engine, ());
        match self.interrupt {
            Interrupt::Never => {}
            Interrupt::Epochs => store.set_epoch_deadline(ENDLESS),
            Interrupt::Fuel => store.set_fuel(ENDLESS).map_err(told)?,
        }
        let instance = self.pre.instantiate(&mut store).map_err(told)?;
        Ok((store, instance))
    }

    /// The call that does the most of what is the provider's own: a long prompt is put together.
    pub(crate) fn call(&self) -> Result<()> {
        self.called_instance().map(drop)
    }

    /// An instance that was called once.
    pub(crate) fn called_instance(&self) -> Result<(Store<()>, JudgeProvider)> {
        use exports::judge::provider::provider::{Cluster, Instructions, Settings, Task};
        let (mut store, instance) = self.instance()?;
        let candidates = (0..20).map(|number| Cluster {
            id: format!("cluster_{number}"),
            name: format!("Cluster {number}"),
            summary: String::new(),
            criteria: String::new(),
            samples: vec!["where is my card? It was sent two weeks ago, and the app says nothing".to_owned()],
        });
        let settings = Settings {
            model: "gpt-4o-mini".to_owned(),
            temperature: None,
            max_output_tokens: None,
            seed: None,
            extra: Vec::new(),
        };
        let task = Task {
            candidates: candidates.collect(),
            instructions: Instructions { text: String::new(), rationale_language: None },
            allow_new_cluster: true,
            records_max: 1,
            settings,
            profile: Vec::new(),
            extras: Vec::new(),
        };
        let brief = instance.judge_provider_provider().call_brief(&mut store, &task).map_err(told)?;
        brief.map_err(|fault| anyhow!("{}", fault.message))?;
        Ok((store, instance))
    }
}

pub(crate) fn measure(component: &Path, figures: &mut Figures) -> Result<()> {
    let pooled = |interrupt| Variant::new(component, interrupt, true);
    let (plain, epochs, fuel) = (pooled(Interrupt::Never)?, pooled(Interrupt::Epochs)?, pooled(Interrupt::Fuel)?);
    let on_demand = Variant::new(component, Interrupt::Epochs, false)?;

    let fresh = |variant: &Variant| each(CALLS, || variant.instance().map(drop));
    let [pool, none] = in_turns(|| Ok([fresh(&epochs)?, fresh(&on_demand)?]))?;
    figures.push("a fresh instance, from the pool", time(pool));
    figures.push("a fresh instance, without a pool", time(none));

    let called = |variant: &Variant| each(CALLS, || variant.call());
    let [without, with_epochs, with_fuel] = in_turns(|| Ok([called(&plain)?, called(&epochs)?, called(&fuel)?]))?;
    let beside = |other: Duration| format!("{}, {:.2}x", time(other), other.as_secs_f64() / without.as_secs_f64());
    figures.push("a call (`brief`) that nothing interrupts", time(without));
    figures.push("the same with epochs", beside(with_epochs));
    figures.push("the same with fuel", beside(with_fuel));
    Ok(())
}

/// The median of each of these, measured in turns.
fn in_turns<const N: usize>(mut measure: impl FnMut() -> Result<[Duration; N]>) -> Result<[Duration; N]> {
    measure()?;
    let rounds = (0..ROUNDS).map(|_| measure()).collect::<Result<Vec<_>>>()?;
    Ok(std::array::from_fn(|column| median(rounds.iter().map(|round| round[column]).collect())))
}

/// An error of the engine's, with its causes.
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
