//! What a component can try to find out, or to reach, by the means of its standard library. Each answers a skip whose
//! rationale says what it got, so that a test can look at it.

use crate::done;
use judge_provider::{Decision, Step};
use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::fs;
use std::hash::BuildHasher;
use std::io::Read;
use std::time::{Duration, Instant, SystemTime};

/// The step of a verb, or none where there is no such verb.
#[expect(clippy::print_stdout, reason = "that nobody sees it is what is tested")]
pub(crate) fn step(verb: &str, record_id: &str) -> Option<Step> {
    let found = match verb {
        "read-file" => told(fs::read_to_string("/etc/passwd")),
        "write-file" => told(fs::write("found.txt", "a way out")),
        "list-folder" => told([".", "/", ".."].map(|folder| fs::read_dir(folder).map(Iterator::count))),
        "read-environment" => told(std::env::vars().collect::<Vec<_>>()),
        "read-arguments" => told(std::env::args().collect::<Vec<_>>()),
        "read-stdin" => told(std::io::stdin().read_to_end(&mut Vec::new()).unwrap_or_default()),
        "write-stdout" => {
            println!("a row of my own");
            told("written")
        }
        "ask-chance" => told([(); 4].map(|()| RandomState::new().hash_one(0))),
        "ask-time" => told((SystemTime::now().duration_since(SystemTime::UNIX_EPOCH), Instant::now().elapsed())),
        "sleep-a-little" => {
            std::thread::sleep(Duration::from_millis(5));
            told("slept")
        }
        "sleep-for-ever" => {
            std::thread::sleep(Duration::MAX);
            told("slept")
        }
        "start-a-thread" => told(std::thread::Builder::new().spawn(|| ()).map(drop)),
        _ => return None,
    };
    Some(done(record_id, Decision::Skip, &found))
}

fn told(found: impl Debug) -> String {
    format!("{found:?}")
}
