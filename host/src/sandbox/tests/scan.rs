//! Components that would cost the compiler more than a provider is worth.

use super::*;
use crate::sandbox::limits::{
    ARITY_MAX, CODE_BYTES_MAX, COMPONENTS_MAX, DEPTH_MAX, FUNCTION_BYTES_MAX, FUNCTION_SPREAD_MAX, FUNCTION_WORK_MAX,
    FUNCTIONS_MAX, ITEMS_MAX, LIFTED_MAX, LOCALS_MAX, LOOPS_DEEP_MAX, MEMORIES_DEFINED_MAX, MODULES_MAX, SEGMENTS_MAX,
    SPREAD_MAX, TYPES_MAX, VALUES_MAX, WORK_MAX,
};
use crate::sandbox::scan;

/// What a component of this text is refused for; none where it may be compiled.
fn over(text: &str) -> Option<&'static str> {
    over_with(&wat::parse_str(format!("(component {text})")).unwrap())
}

/// A module of this text.
fn module(text: &str) -> String {
    format!("(core module {text})")
}

/// A function of this text.
fn function(text: &str) -> String {
    module(&format!(
        "(memory 1) (func $f {text}) (func $g (param i32 i32 i32 i32)) (global $x (mut i32) (i32.const 0))"
    ))
}

fn times(text: &str, count: u64) -> String {
    text.repeat(usize::try_from(count).unwrap())
}

/// What there is too much of, its bound, and a component with so many.
type Case = (&'static str, u64, fn(u64) -> String);

/// Nothing but counted.
const COUNTS: [Case; 12] = [
    ("core modules", MODULES_MAX, |n| times("(core module)", n)),
    ("nested components", COMPONENTS_MAX, |n| times("(component)", n)),
    ("levels of nesting", DEPTH_MAX, |n| times("(component ", n) + &times(")", n)),
    ("types", TYPES_MAX, |n| times("(type u8)", n)),
    ("types", TYPES_MAX, |n| module(&times("(type (func))", n))),
    ("parameters and results of one function", ARITY_MAX, |n| {
        module(&format!("(type (func (param{}) (result i32)))", times(" i32", n - 1)))
    }),
    ("functions", FUNCTIONS_MAX, |n| module(&times("(func)", n))),
    ("memories", MEMORIES_DEFINED_MAX, |n| times("(core module (memory 0))", 2) + &module(&times("(memory 0)", n - 2))),
    ("segments", SEGMENTS_MAX, |n| module(&format!("(memory 1) {}", times("(data (i32.const 0) \"x\")", n)))),
    ("lifted and lowered functions", LIFTED_MAX, |n| {
        let import = "(import \"f\" (func $f))";
        import.to_owned() + &times("(core func (canon lower (func $f)))", n)
    }),
    ("locals in one function", LOCALS_MAX, |n| function(&format!("(local{})", times(" i64", n)))),
    ("loops within each other", LOOPS_DEEP_MAX, |n| function(&(times("loop ", n) + &times("end ", n)))),
];

#[test]
fn each_bound_holds_to_the_last_and_no_further() {
    for (what, max, make) in COUNTS {
        assert_eq!(over(&make(max)), None, "{what}: {max}");
        assert_eq!(over(&make(max + 1)), Some(what), "{what}: {}", max + 1);
    }
}

/// A number as binaries spell it.
fn number(mut number: usize) -> Vec<u8> {
    let mut spelt = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        spelt.push(if number > 0 { low | 0x80 } else { low });
        if number == 0 {
            return spelt;
        }
    }
}

/// A section, or anything else whose length stands before it.
fn sized(before: &[u8], bytes: &[u8]) -> Vec<u8> {
    [before, &number(bytes.len()), bytes].concat()
}

/// A component with so many functions of this code: the parser of texts would take minutes for so much. A function has
/// 100 locals, and may call 0, which gives 16 values, and 1, which takes them.
fn functions(code: &[u8], copies: u64) -> Vec<u8> {
    let copies = usize::try_from(copies).unwrap();
    let sixteen = sized(&[], &[0x7f; 16]);
    let types = [&[3, 0x60, 0][..], &sixteen, &[0x60], &sixteen, &[0, 0x60, 0, 0]].concat();
    let body = sized(&[], &[&[1, 100, 0x7f][..], code, &[0x0b]].concat());
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        sized(&[1], &types),
        sized(&[2], &[2, 1, b'm', 1, b'g', 0, 0, 1, b'm', 1, b't', 0, 1]),
        sized(&[3], &[number(copies), vec![2; copies]].concat()),
        sized(&[10], &[number(copies), body.repeat(copies)].concat()),
    ];
    [b"\0asm\x0d\0\x01\0".to_vec(), sized(&[1], &module.concat())].concat()
}

/// What it is refused for.
fn over_with(component: &[u8]) -> Option<&'static str> {
    match scan::check(component) {
        Ok(()) => None,
        Err(Refusal::TooComplex { what, .. }) => Some(what),
        Err(other) => panic!("{other:?}"),
    }
}

/// Sixteen values are given, and taken.
const CALLS: [u8; 4] = [0x10, 0, 0x10, 1];
const NOP: [u8; 1] = [0x01];
/// A constant of 16 bytes, dropped.
const LONG: [u8; 19] = [0xfd, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x1a];
/// Two branches, over which the locals are carried.
const BLOCK: [u8; 3] = [0x02, 0x40, 0x0b];

#[test]
fn what_grows_faster_than_the_code_is_bounded_by_what_the_compiler_makes_of_it() {
    let repeated = |code: &[u8], times: u64| code.repeat(usize::try_from(times).unwrap());
    // v values and one branch are v (v / 100 + 1) of work.
    let values = (FUNCTION_WORK_MAX * 100).isqrt();
    assert_eq!(over_with(&functions(&repeated(&CALLS, values / 32 - 10), 1)), None);
    let beyond = functions(&repeated(&CALLS, values / 32 + 10), 1);
    assert_eq!(over_with(&beyond), Some("values times branches in one function"));
    let nops = |bytes: u64| functions(&repeated(&NOP, bytes - 4), 1);
    assert_eq!(over_with(&nops(FUNCTION_BYTES_MAX)), None);
    assert_eq!(over_with(&nops(FUNCTION_BYTES_MAX + 1)), Some("bytes in one function"));
    let spread = |branches: u64| functions(&repeated(&BLOCK, branches / 2), 1);
    assert_eq!(over_with(&spread(FUNCTION_SPREAD_MAX / 100 - 2)), None);
    assert_eq!(over_with(&spread(FUNCTION_SPREAD_MAX / 100 + 2)), Some("locals times branches in one function"));
    // One `br_table` with as many targets, all of them the same.
    let targets = FUNCTION_SPREAD_MAX / 100;
    let mut table = vec![0x02, 0x40, 0x41, 0, 0x0e];
    // As many bytes as targets, so that the length says both.
    table.extend(sized(&[], &repeated(&[0], targets)));
    table.extend([0, 0x0b]);
    assert_eq!(over_with(&functions(&table, 1)), Some("locals times branches in one function"));
}

#[test]
fn what_each_function_may_have_all_together_may_not() {
    let repeated = |code: &[u8], times: u64| code.repeat(usize::try_from(times).unwrap());
    for (code, each, most, what) in [
        (repeated(&LONG, 50_000), 950_000, CODE_BYTES_MAX, "bytes of code"),
        (repeated(&CALLS, 1_000), 32_000, VALUES_MAX, "values"),
        (repeated(&BLOCK, 9_000), 1_800_100, SPREAD_MAX, "locals times branches"),
        (repeated(&CALLS, 15_000), 480_000 * 4_801, WORK_MAX, "values times branches"),
    ] {
        assert_eq!(over_with(&functions(&code, most / each - 1)), None, "{what}");
        assert_eq!(over_with(&functions(&code, most / each + 1)), Some(what), "{what}");
    }
    let globals = |n: u64| times(&module(&times("(global i32 (i32.const 0))", n / 4)), 4);
    assert_eq!(over(&globals(ITEMS_MAX - 100)), None, "and some for headers and ends");
    assert_eq!(over(&globals(ITEMS_MAX)), Some("items"));
}

#[test]
fn a_component_that_is_not_valid_is_damaged_and_not_complex() {
    let broken = module("(func (result i32) i64.const 0)");
    let component = wat::parse_str(format!("(component {broken})")).unwrap();
    assert!(matches!(scan::check(&component), Err(Refusal::Damaged { .. })));
}

#[tokio::test]
async fn an_image_with_a_hole_costs_no_more_than_its_data() {
    // Two bytes at both ends of 16 MiB, in as many memories as may be: an image of all between would be 256 MiB.
    let memory = "(core module (memory 257) (data (i32.const 0) \"x\") (data (i32.const 16777215) \"x\"))";
    let text = format!("(component {})", times(memory, MEMORIES_DEFINED_MAX));
    let compiled = sandbox().core.engine.precompile_component(&wat::parse_str(text).unwrap()).unwrap();
    assert!(compiled.len() < 4 << 20, "{} bytes", compiled.len());
}
