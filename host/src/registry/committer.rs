//! The one committer: a thread that owns the connection which writes. It takes what is waiting, makes it durable in
//! one transaction, publishes the next snapshot, and only then answers.

use super::births::{Turns, stand_in_the_way};
use super::counts::Newest;
use super::next::{Change, Next, Placement};
use super::store::{Placed, Transaction, Writer};
use super::{ClusterDraft, Committed, MergeReport, Recorded, RegistryError, Snapshot, UpsertReport};
use crate::model::{Births, Outcome};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Commands that may wait for the committer; whoever comes later waits for room.
pub const QUEUE_MAX: usize = 1024;
/// Commands that go into one transaction. More would make the first of them wait longer for its answer, while the
/// cost of the one fsync is already shared by many.
pub const GROUP_MAX: usize = 512;

/// The most that a group waits for others to join it: a twentieth of the quickest answers of a model.
pub const GATHER_MAX: Duration = Duration::from_millis(4);
/// A group goes out when none joined it for so long. Records that end together do so within less.
const GATHER_STEP: Duration = Duration::from_micros(250);

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, RegistryError>>;

/// What the committer is asked.
pub(super) enum Command {
    /// To insert or change clusters.
    Upsert { drafts: Vec<ClusterDraft>, reply: Reply<UpsertReport> },
    /// To make one cluster part of another.
    Merge { from: u64, into: u64, reply: Reply<MergeReport> },
    /// To commit an outcome, and count the record where its verdict places it.
    Record { outcome: Box<Outcome>, placement: Placement, births: Births, has_turn: bool, reply: Reply<Recorded> },
}

/// The committer's handle: dropped, it lets the thread finish what is queued, and waits for it.
pub(super) struct Committer {
    /// Always there until the drop.
    queue: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    /// Whose new clusters go first.
    pub(super) turns: Arc<Turns>,
}

impl Committer {
    /// Starts the thread. It publishes to `current`, and nobody else does.
    pub(super) fn start(writer: Writer, current: Arc<ArcSwap<Snapshot>>) -> std::io::Result<Committer> {
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let turns = Arc::new(Turns::default());
        let seen = Arc::clone(&turns);
        let run = move || run(writer, commands, &current, &seen);
        let thread = thread::Builder::new().name("committer".into()).spawn(run)?;
        Ok(Committer { queue: Some(queue), thread: Some(thread), turns })
    }

    /// Hands a command over and waits for its answer. Dropped before there is room in the queue, nothing happens;
    /// dropped later, the command is carried out and the answer lost.
    pub(super) async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, RegistryError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(RegistryError::Stopped)?;
        queue.send(command(reply)).await.map_err(|_| RegistryError::Stopped)?;
        answer.await.map_err(|_| RegistryError::Stopped)?
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there has already reached everyone who waited, as `Stopped`.
            let _ = thread.join();
        }
    }
}

/// Until nobody is left to ask.
fn run(mut writer: Writer, mut commands: mpsc::Receiver<Command>, current: &ArcSwap<Snapshot>, turns: &Turns) {
    // What fails here fails again, and is told, where it is needed.
    let _ = writer.prepare();
    let mut newest = Newest::of(&current.load());
    let mut group = Vec::with_capacity(GROUP_MAX);
    while commands.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        gather(&mut commands, &mut group);
        commit(&mut writer, current, &mut newest, turns, &mut group);
    }
}

/// Lets a group grow while commands keep coming: under load one fsync then serves many. A command that comes alone, as
/// all do where one record is judged at a time, goes out at once.
fn gather(commands: &mut mpsc::Receiver<Command>, group: &mut Vec<Command>) {
    let begun = Instant::now();
    let mut known = 1;
    while known < group.len() && group.len() < GROUP_MAX && begun.elapsed() < GATHER_MAX {
        known = group.len();
        thread::sleep(GATHER_STEP);
        while group.len() < GROUP_MAX
            && let Ok(command) = commands.try_recv()
        {
            group.push(command);
        }
    }
}

/// One group: all of it is durable and published when the answers go out, or none of it is.
fn commit(
    writer: &mut Writer,
    current: &ArcSwap<Snapshot>,
    newest: &mut Newest,
    turns: &Turns,
    group: &mut Vec<Command>,
) {
    let base = current.load_full();
    let unchanged = base.epoch;
    let mut next = Next::after(base, newest, Timestamp::now());
    let mut answers = Vec::with_capacity(group.len());
    let written = writer.begin().and_then(|mut transaction| {
        let records = stage(&mut next, &transaction, turns, group, &mut answers)?;
        if records == 0 && next.is_unchanged() {
            return Ok(unchanged);
        }
        for (ordinal, counted, change) in next.changes() {
            match change {
                Change::Born(cluster) => transaction.write_born(ordinal, cluster, counted)?,
                Change::Changed(cluster) => transaction.write_changed(ordinal, cluster, counted)?,
                Change::Counted => transaction.write_counted(ordinal, counted),
            }
        }
        transaction.commit(next.epoch())?;
        Ok(next.epoch())
    });
    if written.as_ref().is_ok_and(|epoch| *epoch != unchanged) {
        let (snapshot, counts) = next.into_snapshot();
        newest.extend(counts);
        current.store(Arc::new(snapshot));
    }
    for answer in answers {
        answer.give(written.clone());
    }
    // Left over where the store failed before it came to them.
    for command in group.drain(..) {
        command.refuse(written.clone().err().unwrap_or(RegistryError::Stopped));
    }
}

/// Applies the commands to the clusters, and writes the outcomes; how many of these there were. What could be applied
/// is moved from the group to the answers, also where a later command fails.
fn stage(
    next: &mut Next<'_>,
    transaction: &Transaction<'_>,
    turns: &Turns,
    group: &mut Vec<Command>,
    answers: &mut Vec<Answer>,
) -> Result<usize, RegistryError> {
    let mut records = 0;
    let mut commands = std::mem::take(group).into_iter();
    for command in commands.by_ref() {
        match command {
            Command::Merge { from, into, reply } if let Some(problem) = next.merge_refused(from, into) => {
                let (from, into) = (next.id(from).to_owned(), next.id(into).to_owned());
                // Whoever no longer listens has lost nothing but the answer.
                let _ = reply.send(Err(RegistryError::Merge { from, into, problem }));
            }
            Command::Merge { from, into, reply } => {
                let moved = transaction.move_records(next.id(from), next.id(into));
                next.merge(from, into);
                answers.push(Answer::Merged(reply, moved.as_ref().copied().unwrap_or(0)));
                if let Err(error) = moved {
                    group.extend(commands);
                    return Err(error);
                }
                records += 1;
            }
            Command::Upsert { drafts, reply } => answers.push(Answer::Upserted(next.upsert(drafts), reply)),
            Command::Record { outcome, placement, births, has_turn, reply }
                if is_overtaken(next, turns, &outcome, &placement, births, has_turn) =>
            {
                answers.push(Answer::Overtaken(outcome, reply));
            }
            Command::Record { mut outcome, placement, reply, .. } => {
                let recorded = record(next, transaction, &mut outcome, placement);
                answers.push(Answer::Recorded(outcome, reply));
                if let Err(error) = recorded {
                    group.extend(commands);
                    return Err(error);
                }
                records += 1;
            }
        }
    }
    Ok(records)
}

/// Whether a new cluster is to stand back: behind whoever has the turn, or behind what was born since its judge looked.
fn is_overtaken(
    next: &Next<'_>,
    turns: &Turns,
    outcome: &Outcome,
    placement: &Placement,
    births: Births,
    has_turn: bool,
) -> bool {
    let Placement::New { proposal, text, .. } = placement else { return false };
    // Where only what is alike is in the way, nobody waits for what is not.
    let stands_back = births == Births::Strict && turns.is_taken() && !has_turn;
    stands_back || stand_in_the_way(births, next, outcome.epoch, proposal, text.as_deref())
}

/// Commits one outcome. Where the record was counted before, the count moves.
fn record(
    next: &mut Next<'_>,
    transaction: &Transaction<'_>,
    outcome: &mut Outcome,
    placement: Placement,
) -> Result<(), RegistryError> {
    match transaction.verdict(&outcome.batch_id, &outcome.request_id)? {
        // A verdict is paid for and final: an outage during a second judging must not take it away.
        Some(_) if outcome.result.is_err() => return Ok(()),
        Some(Placed { cluster_id: Some(before) }) => next.uncount(&before),
        Some(Placed { cluster_id: None }) | None => {}
    }
    let cluster_id = next.place(placement);
    if let Ok(judged) = &mut outcome.result {
        judged.cluster_id = cluster_id;
    }
    transaction.write_outcome(outcome)
}

/// What a command comes to, once its group is durable.
enum Answer {
    Merged(Reply<MergeReport>, u64),
    Upserted(UpsertReport, Reply<UpsertReport>),
    Recorded(Box<Outcome>, Reply<Recorded>),
    Overtaken(Box<Outcome>, Reply<Recorded>),
}

impl Answer {
    /// Answers with the epoch that the group became, or the reason that it did not. Whoever no longer listens has
    /// lost nothing but the answer.
    fn give(self, epoch: Result<u64, RegistryError>) {
        match self {
            Answer::Merged(reply, records) => {
                let _ = reply.send(epoch.map(|epoch| MergeReport { records, epoch }));
            }
            Answer::Upserted(report, reply) => {
                let _ = reply.send(epoch.map(|epoch| UpsertReport { epoch, ..report }));
            }
            Answer::Recorded(outcome, reply) => {
                let _ = reply.send(epoch.map(|epoch| Recorded::Committed(Committed { epoch, outcome: *outcome })));
            }
            // After the group, so that the newest snapshot holds what it was overtaken by.
            Answer::Overtaken(outcome, reply) => {
                let _ = reply.send(epoch.map(|_| Recorded::Overtaken(*outcome)));
            }
        }
    }
}

impl Command {
    /// Answers with an error.
    fn refuse(self, error: RegistryError) {
        match self {
            Command::Merge { reply, .. } => drop(reply.send(Err(error))),
            Command::Upsert { reply, .. } => drop(reply.send(Err(error))),
            Command::Record { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}
