//! The contract as wasmtime binds it. Only the conversions look inside these types.

wasmtime::component::bindgen!({
    path: "../wit/judge-provider-0.1.0",
    world: "judge-provider",
    exports: { default: async },
});

pub(super) use exports::judge::provider::provider as contract;
