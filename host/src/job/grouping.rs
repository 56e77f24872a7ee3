use super::Item;
use crate::model::Record;
use futures_util::stream::{Peekable, unfold};
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The most records that one request asks about: beyond it a model loses count, and little is left to save.
pub const TOGETHER_MAX: usize = 64;
/// How long a record waits for others to go with. A file has them at once; a source that is slower shall not hold up
/// what it has given.
const GATHERING_MAX: Duration = Duration::from_millis(50);

/// A record to judge, and where it is in its batch.
#[derive(Clone, Debug)]
pub struct Member {
    /// The record; it names no candidates of its own.
    pub record: Record,
    /// Which slice of the batch it is in, from 0.
    pub slice_id: u64,
}

/// What one permit is for.
#[derive(Debug)]
pub enum Work {
    /// One thing by itself.
    Alone(Item),
    /// Records that go into one request: at least 2.
    Together(Vec<Member>),
}

impl Work {
    /// These records in one request, or by itself where it is one; none where there are none.
    pub fn on(mut members: Vec<Member>) -> Option<Work> {
        match members.len() {
            0 | 1 => members.pop().map(|Member { record, slice_id }| Work::Alone(Item::Record { record, slice_id })),
            _ => Some(Work::Together(members)),
        }
    }
}

/// Items in groups of up to `most` records, in their order. Rows that are no records go alone, and so do records that
/// name their own candidates.
///
/// Dropping the stream loses the items of the group that it is about to give.
pub fn grouped(items: impl Stream<Item = Item>, most: usize) -> impl Stream<Item = Work> {
    let items = Box::pin(items.peekable());
    unfold(items, move |mut items| async move {
        let first = match member(items.next().await?) {
            Ok(first) => first,
            Err(item) => return Some((Work::Alone(item), items)),
        };
        let mut members = vec![first];
        let until = Instant::now() + GATHERING_MAX;
        while members.len() < most
            && let Ok(Some(Ok(next))) = timeout_at(until, next_member(items.as_mut())).await
        {
            members.push(next);
        }
        Work::on(members).map(|work| (work, items))
    })
}

/// The next item, where it is one that goes with others.
async fn next_member<S: Stream<Item = Item>>(items: Pin<&mut Peekable<S>>) -> Option<Result<Member, Item>> {
    items.next_if(goes_with_others).await.map(member)
}

fn goes_with_others(item: &Item) -> bool {
    matches!(item, Item::Record { record, .. } if record.candidates.is_none())
}

fn member(item: Item) -> Result<Member, Item> {
    match item {
        Item::Record { record, slice_id } if record.candidates.is_none() => Ok(Member { record, slice_id }),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fault, FaultKind};
    use tokio::sync::mpsc;
    use tokio::time::sleep;
    use tokio_stream::wrappers::ReceiverStream;

    fn record(id: &str) -> Item {
        Item::Record { record: Record::new(id, "x"), slice_id: 0 }
    }

    fn choosy(id: &str) -> Item {
        let candidates = Some(vec!["a".to_owned()]);
        Item::Record { record: Record { candidates, ..Record::new(id, "x") }, slice_id: 0 }
    }

    fn unreadable(id: &str) -> Item {
        Item::Unreadable { request_id: id.into(), fault: Fault::new(FaultKind::BadInput, "x"), slice_id: 0 }
    }

    /// The ids of a group; one that goes alone stands in brackets.
    fn ids(work: &Work) -> String {
        match work {
            Work::Alone(Item::Record { record, .. }) => format!("[{}]", record.request_id),
            Work::Alone(Item::Unreadable { request_id, .. }) => format!("[{request_id}]"),
            Work::Together(members) => {
                members.iter().map(|member| member.record.request_id.as_str()).collect::<Vec<_>>().join(" ")
            }
        }
    }

    async fn groups(items: Vec<Item>, most: usize) -> Vec<String> {
        grouped(futures_util::stream::iter(items), most).map(|work| ids(&work)).collect().await
    }

    #[tokio::test]
    async fn records_go_together_in_their_order_up_to_the_most() {
        let five = || ["r1", "r2", "r3", "r4", "r5"].map(record).into();
        assert_eq!(groups(five(), 2).await, ["r1 r2", "r3 r4", "[r5]"]);
        assert_eq!(groups(five(), 64).await, ["r1 r2 r3 r4 r5"]);
        assert_eq!(groups(five(), 1).await, ["[r1]", "[r2]", "[r3]", "[r4]", "[r5]"]);
    }

    #[tokio::test]
    async fn what_is_no_record_or_names_its_candidates_goes_alone() {
        let items = vec![record("r1"), record("r2"), unreadable("line-3"), choosy("r4"), record("r5"), record("r6")];
        assert_eq!(groups(items, 10).await, ["r1 r2", "[line-3]", "[r4]", "r5 r6"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_source_holds_up_no_record_for_long_and_none_is_lost() {
        let (tx, rx) = mpsc::channel(8);
        tokio::spawn(async move {
            for id in ["r1", "r2", "r3"] {
                tx.send(record(id)).await.expect("somebody reads");
                sleep(GATHERING_MAX / 2).await;
            }
            sleep(Duration::from_hours(1)).await;
            tx.send(record("r4")).await.expect("somebody reads");
        });
        let begun = Instant::now();
        let mut groups = Box::pin(grouped(ReceiverStream::new(rx), 10));
        assert_eq!(groups.next().await.as_ref().map(ids).as_deref(), Some("r1 r2"));
        assert_eq!(begun.elapsed(), GATHERING_MAX);
        assert_eq!(groups.next().await.as_ref().map(ids).as_deref(), Some("[r3]"));
        assert_eq!(groups.next().await.as_ref().map(ids).as_deref(), Some("[r4]"));
        assert!(groups.next().await.is_none());
    }
}
