//! What compiling a component will cost, found out before the compiler sees it. A compiler's time and memory grow faster
//! than the size of its input where a function is made for it, so a file of some kilobytes could take gigabytes. All
//! bounds are in `limits`, beside what the largest known components need of them.

use super::Refusal;
use super::limits::{
    ARITY_MAX, CODE_BYTES_MAX, COMPONENTS_MAX, DEPTH_MAX, FUNCTION_BYTES_MAX, FUNCTION_SPREAD_MAX, FUNCTION_WORK_MAX,
    FUNCTIONS_MAX, ITEMS_MAX, LIFTED_MAX, LOCALS_MAX, LOOPS_DEEP_MAX, MEMORIES_DEFINED_MAX, MODULES_MAX, SEGMENTS_MAX,
    SPREAD_MAX, TYPES_MAX, VALUES_MAX, WORK_MAX,
};
use wasmparser::{
    BinaryReaderError, CompositeInnerType, FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator,
    OperatorsReader, Parser, Payload, TypeSectionReader, ValidPayload, Validator, ValidatorResources,
};

/// Whether a component is valid, and within what is compiled here.
///
/// # Errors
/// `Damaged` where it is no valid component, `TooComplex` with the first bound that it is over.
pub(super) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    let mut scan = Scan::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| damaged(&error))?;
        // Counted first: the validator, too, takes memory for what it has seen.
        scan.count(&payload)?;
        if let ValidPayload::Func(function, body) = scan.validator.payload(&payload).map_err(|error| damaged(&error))? {
            scan.check_function(function, &body)?;
        }
    }
    Ok(())
}

/// What was seen so far, of all modules and components together.
#[derive(Default)]
struct Scan {
    validator: Validator,
    /// Taken from function to function, as the validator wants it.
    allocations: FuncValidatorAllocations,
    depth: u64,
    modules: u64,
    components: u64,
    types: u64,
    functions: u64,
    code_bytes: u64,
    memories: u64,
    segments: u64,
    lifted: u64,
    items: u64,
    values: u64,
    spread: u64,
    work: u64,
}

impl Scan {
    fn count(&mut self, payload: &Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::ModuleSection { .. } => {
                self.depth += 1;
                add("core modules", &mut self.modules, 1u32, MODULES_MAX)?;
            }
            Payload::ComponentSection { .. } => {
                self.depth += 1;
                add("nested components", &mut self.components, 1u32, COMPONENTS_MAX)?;
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            Payload::TypeSection(types) => {
                add("types", &mut self.types, types.count(), TYPES_MAX)?;
                check_arity(types)?;
            }
            Payload::CoreTypeSection(types) => add("types", &mut self.types, types.count(), TYPES_MAX)?,
            Payload::ComponentTypeSection(types) => add("types", &mut self.types, types.count(), TYPES_MAX)?,
            Payload::FunctionSection(functions) => {
                add("functions", &mut self.functions, functions.count(), FUNCTIONS_MAX)?;
            }
            Payload::CodeSectionStart { size, .. } => {
                add("bytes of code", &mut self.code_bytes, *size, CODE_BYTES_MAX)?;
            }
            Payload::MemorySection(memories) => {
                add("memories", &mut self.memories, memories.count(), MEMORIES_DEFINED_MAX)?;
            }
            Payload::DataSection(segments) => {
                add("segments", &mut self.segments, segments.count(), SEGMENTS_MAX)?;
            }
            Payload::ElementSection(segments) => {
                add("segments", &mut self.segments, segments.count(), SEGMENTS_MAX)?;
            }
            Payload::ComponentCanonicalSection(lifted) => {
                add("lifted and lowered functions", &mut self.lifted, lifted.count(), LIFTED_MAX)?;
            }
            _ => add("items", &mut self.items, items(payload), ITEMS_MAX)?,
        }
        bound("levels of nesting", self.depth, DEPTH_MAX)
    }

    fn check_function(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(), Refusal> {
        bound("bytes in one function", body.range().len() as u64, FUNCTION_BYTES_MAX)?;
        let mut validator = function.into_validator(std::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader).map_err(|error| damaged(&error))?;
        let locals = u64::from(validator.len_locals());
        bound("locals in one function", locals, LOCALS_MAX)?;
        let (mut function, mut nest) = (Cost::default(), Nest::default());
        let mut operators = OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset().map_err(|error| damaged(&error))?;
            // What a dead end takes and gives is not known, and not compiled.
            let (taken, given) = operator.operator_arity(&validator.visitor(at)).unwrap_or_default();
            validator.op(at, &operator).map_err(|error| damaged(&error))?;
            function.values += u64::from(taken) + u64::from(given);
            let branches = branches(&operator);
            function.branches += branches;
            function.spread += branches * (locals + u64::from(validator.operand_stack_height()));
            bound("loops within each other", nest.loops_after(&operator), LOOPS_DEEP_MAX)?;
            bound("locals times branches in one function", function.spread, FUNCTION_SPREAD_MAX)?;
            bound("values times branches in one function", function.work(), FUNCTION_WORK_MAX)?;
        }
        operators.finish().map_err(|error| damaged(&error))?;
        self.allocations = validator.into_allocations();
        add("values", &mut self.values, function.values, VALUES_MAX)?;
        add("locals times branches", &mut self.spread, function.spread, SPREAD_MAX)?;
        add("values times branches", &mut self.work, function.work(), WORK_MAX)
    }
}

/// The blocks that the code is in.
#[derive(Default)]
struct Nest {
    /// Whether each is a loop, outermost first.
    blocks: Vec<bool>,
    loops: u64,
}

impl Nest {
    /// How many loops the code is in after this operator.
    fn loops_after(&mut self, operator: &Operator<'_>) -> u64 {
        match operator {
            Operator::Loop { .. } => {
                self.blocks.push(true);
                self.loops += 1;
            }
            Operator::Block { .. } | Operator::If { .. } | Operator::TryTable { .. } => self.blocks.push(false),
            Operator::End => self.loops -= u64::from(self.blocks.pop().unwrap_or_default()),
            _ => {}
        }
        self.loops
    }
}

/// Functions and blocks with many parameters and results are costly at every call and branch.
fn check_arity(types: &TypeSectionReader<'_>) -> Result<(), Refusal> {
    for group in types.clone() {
        for of in group.map_err(|error| damaged(&error))?.types() {
            if let CompositeInnerType::Func(function) = &of.composite_type.inner {
                let arity = function.params().len() + function.results().len();
                bound("parameters and results of one function", arity as u64, ARITY_MAX)?;
            }
        }
    }
    Ok(())
}

/// What a compiler keeps track of in one function.
#[derive(Default)]
struct Cost {
    /// What all operators take and give.
    values: u64,
    branches: u64,
    /// At each branch: the locals and the stacked values that are carried along.
    spread: u64,
}

impl Cost {
    /// What grows with the square of the function: where values live on over calls and branches. Measured, a branch
    /// weighs as much as a hundred values.
    fn work(&self) -> u64 {
        self.values.saturating_mul(self.branches + self.values / 100)
    }
}

/// Ways that the code may take at an operator.
fn branches(operator: &Operator<'_>) -> u64 {
    match operator {
        Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::If { .. }
        | Operator::Else
        | Operator::End
        | Operator::Br { .. }
        | Operator::BrIf { .. }
        | Operator::TryTable { .. } => 1,
        Operator::BrTable { targets } => u64::from(targets.len()) + 1,
        _ => 0,
    }
}

/// What costs little, each, and must not come in any number.
fn items(payload: &Payload<'_>) -> u32 {
    match payload {
        Payload::ImportSection(items) => items.count(),
        Payload::TableSection(items) => items.count(),
        Payload::GlobalSection(items) => items.count(),
        Payload::ExportSection(items) => items.count(),
        Payload::TagSection(items) => items.count(),
        Payload::InstanceSection(items) => items.count(),
        Payload::ComponentInstanceSection(items) => items.count(),
        Payload::ComponentAliasSection(items) => items.count(),
        Payload::ComponentImportSection(items) => items.count(),
        Payload::ComponentExportSection(items) => items.count(),
        // Counted as functions.
        Payload::CodeSectionEntry(_) => 0,
        // The header, the ends, and custom sections, of which nothing is compiled.
        _ => 1,
    }
}

fn add(what: &'static str, count: &mut u64, more: impl Into<u64>, max: u64) -> Result<(), Refusal> {
    *count = count.saturating_add(more.into());
    bound(what, *count, max)
}

fn bound(what: &'static str, found: u64, max: u64) -> Result<(), Refusal> {
    if found <= max { Ok(()) } else { Err(Refusal::TooComplex { what, max }) }
}

fn damaged(error: &BinaryReaderError) -> Refusal {
    Refusal::Damaged { reason: error.to_string() }
}
