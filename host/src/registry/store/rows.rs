//! Rows to our types and back, column by column. The only place that knows how a value is spelt in the file.

use crate::model::{Cluster, Fault, Judged, Outcome, Proposal, Usage};
use crate::registry::counted::Counted;
use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Row, Statement, params};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The columns of a cluster but for its count, in the order that they are read and written in.
pub(super) const CLUSTER_COLUMNS: &str = "ordinal, cluster_id, name, summary, criteria, sample_requests, created_at, \
    updated_at, status, batch_id, llm_reasoning, revision, birth_epoch, merged_into";

/// The columns of an outcome, likewise.
pub(super) const OUTCOME_COLUMNS: &str = "batch_id, request_id, slice_id, decision, cluster_id, confidence, \
    rationale, proposal_name, proposal_summary, proposal_criteria, fault_kind, fault_code, fault_message, fault_hint, \
    fault_retry_after_ms, fault_request_sent, fault_input_tokens, fault_cached_input_tokens, fault_output_tokens, \
    fault_cost_micro_usd, provider, model, component_digest, request_hash, epoch, attempts, latency_us, input_tokens, \
    cached_input_tokens, output_tokens, cost_micro_usd, overtaken";

/// A statement that inserts these columns, and fails where there is a row that has the same key.
pub(super) fn insert(table: &str, columns: &str) -> String {
    let values = vec!["?"; columns.split(',').count()].join(", ");
    format!("INSERT INTO {table} ({columns}) VALUES ({values})")
}

/// The same, but it replaces that row.
pub(super) fn insert_or_replace(table: &str, columns: &str) -> String {
    insert(table, columns).replacen("INSERT", "INSERT OR REPLACE", 1)
}

/// Writes a cluster by [`CLUSTER_COLUMNS`].
pub(super) fn write_cluster(statement: &mut Statement<'_>, ordinal: u64, cluster: &Cluster) -> rusqlite::Result<()> {
    let samples = serde_json::Value::from(cluster.sample_requests.clone()).to_string();
    statement.execute(params![
        Count(ordinal),
        cluster.cluster_id,
        cluster.name,
        cluster.summary,
        cluster.criteria,
        samples,
        cluster.created_at,
        cluster.updated_at,
        Word(cluster.status),
        cluster.batch_id,
        cluster.llm_reasoning,
        Count(cluster.revision),
        Count(cluster.birth_epoch),
        cluster.merged_into,
    ])?;
    Ok(())
}

/// Reads a cluster by [`CLUSTER_COLUMNS`], with its ordinal; its count is not among them.
pub(super) fn read_cluster(row: &Row<'_>) -> rusqlite::Result<(u64, Cluster)> {
    let mut cells = Cells { row, at: 0 };
    let ordinal = cells.count()?;
    let cluster = Cluster {
        cluster_id: cells.next()?,
        name: cells.next()?,
        summary: cells.next()?,
        criteria: cells.next()?,
        sample_requests: cells.list()?,
        created_at: cells.next()?,
        updated_at: cells.next()?,
        count: 0,
        status: cells.next::<Word<_>>()?.0,
        batch_id: cells.next()?,
        llm_reasoning: cells.next()?,
        revision: cells.count()?,
        birth_epoch: cells.count()?,
        merged_into: cells.next()?,
    };
    Ok((ordinal, cluster))
}

/// Reads a count and its time from the column `at`, and the one after it.
pub(super) fn read_counted(row: &Row<'_>, at: usize) -> rusqlite::Result<Counted> {
    let mut cells = Cells { row, at };
    let count = cells.next::<Option<Count>>()?.map_or(0, |count| count.0);
    Ok(Counted { count, at: cells.time()? })
}

/// Reads the columns `seq`, `counted_at` and `counts` of `recent_counts`: what the row says of which cluster.
pub(super) fn read_recent(row: &Row<'_>) -> rusqlite::Result<Vec<(u64, Counted)>> {
    let mut cells = Cells { row, at: 1 };
    let at = cells.time()?;
    let counts: BTreeMap<u64, u64> = serde_json::from_str(&cells.next::<String>()?).map_err(|e| unreadable(2, e))?;
    Ok(counts.into_iter().map(|(ordinal, count)| (ordinal, Counted { count, at })).collect())
}

/// The time of a count as it is written.
pub(super) fn counted_at(counted: Counted) -> Option<i64> {
    counted.at.map(Timestamp::as_millisecond)
}

/// Writes an outcome by [`OUTCOME_COLUMNS`]. The latency is kept in whole microseconds, a fault's `retry_after` in
/// whole milliseconds.
pub(super) fn write_outcome(statement: &mut Statement<'_>, outcome: &Outcome) -> rusqlite::Result<()> {
    let judged = outcome.result.as_ref().ok();
    let proposal = judged.and_then(|judged| judged.proposal.as_ref());
    let fault = outcome.result.as_ref().err();
    let charged = fault.map(|fault| fault.usage).unwrap_or_default();
    statement.execute(params![
        outcome.batch_id,
        outcome.request_id,
        Count(outcome.slice_id),
        judged.map(|judged| Word(judged.decision)),
        judged.and_then(|judged| judged.cluster_id.as_deref()),
        judged.map(|judged| Word(judged.confidence)),
        judged.map(|judged| judged.rationale.as_str()),
        proposal.map(|proposal| proposal.name.as_str()),
        proposal.map(|proposal| proposal.summary.as_str()),
        proposal.map(|proposal| proposal.criteria.as_str()),
        fault.map(|fault| Word(fault.kind)),
        fault.and_then(|fault| fault.code.as_deref()),
        fault.map(|fault| fault.message.as_str()),
        fault.and_then(|fault| fault.hint.as_deref()),
        fault.and_then(|fault| fault.retry_after).map(|wait| Count(whole(wait.as_millis()))),
        fault.map(|fault| fault.request_sent),
        charged.input_tokens.map(Count),
        charged.cached_input_tokens.map(Count),
        charged.output_tokens.map(Count),
        charged.cost_micro_usd.map(Count),
        outcome.provider,
        outcome.model,
        outcome.component_digest,
        outcome.request_hash,
        Count(outcome.epoch),
        outcome.attempts,
        Count(whole(outcome.latency.as_micros())),
        outcome.usage.input_tokens.map(Count),
        outcome.usage.cached_input_tokens.map(Count),
        outcome.usage.output_tokens.map(Count),
        outcome.usage.cost_micro_usd.map(Count),
        outcome.overtaken.then_some(true),
    ])?;
    Ok(())
}

/// Reads an outcome by [`OUTCOME_COLUMNS`].
pub(super) fn read_outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    let mut cells = Cells { row, at: 0 };
    let (batch_id, request_id, slice_id) = (cells.next()?, cells.next()?, cells.count()?);
    let judged = read_judged(&mut cells)?;
    let fault = read_fault(&mut cells)?;
    let result = match (judged, fault) {
        (Some(judged), None) => Ok(judged),
        (None, Some(fault)) => Err(fault),
        _ => return Err(unreadable(0, "either a verdict or a fault, never both")),
    };
    Ok(Outcome {
        batch_id,
        slice_id,
        request_id,
        result,
        provider: cells.next()?,
        model: cells.next()?,
        component_digest: cells.next()?,
        request_hash: cells.next()?,
        epoch: cells.count()?,
        attempts: cells.next()?,
        latency: Duration::from_micros(cells.count()?),
        usage: read_usage(&mut cells)?,
        overtaken: cells.next::<Option<bool>>()?.unwrap_or_default(),
    })
}

fn read_judged(cells: &mut Cells<'_>) -> rusqlite::Result<Option<Judged>> {
    let decision: Option<Word<_>> = cells.next()?;
    let cluster_id = cells.next()?;
    let confidence: Option<Word<_>> = cells.next()?;
    let rationale: Option<String> = cells.next()?;
    let (name, summary, criteria): (Option<String>, Option<String>, Option<String>) =
        (cells.next()?, cells.next()?, cells.next()?);
    let proposal = name.map(|name| Proposal {
        name,
        summary: summary.unwrap_or_default(),
        criteria: criteria.unwrap_or_default(),
    });
    Ok(decision.zip(confidence).map(|(decision, confidence)| Judged {
        decision: decision.0,
        cluster_id,
        confidence: confidence.0,
        rationale: rationale.unwrap_or_default(),
        proposal,
    }))
}

fn read_fault(cells: &mut Cells<'_>) -> rusqlite::Result<Option<Fault>> {
    let kind: Option<Word<_>> = cells.next()?;
    let code = cells.next()?;
    let message: Option<String> = cells.next()?;
    let hint = cells.next()?;
    let retry_after = cells.next::<Option<Count>>()?.map(|wait| Duration::from_millis(wait.0));
    let request_sent: Option<bool> = cells.next()?;
    let usage = read_usage(cells)?;
    Ok(kind.map(|kind| Fault {
        kind: kind.0,
        code,
        message: message.unwrap_or_default(),
        retry_after,
        hint,
        usage,
        request_sent: request_sent.unwrap_or_default(),
        // Of use only while the run goes on.
        rate: None,
    }))
}

fn read_usage(cells: &mut Cells<'_>) -> rusqlite::Result<Usage> {
    let mut next = || cells.next::<Option<Count>>().map(|cell| cell.map(|count| count.0));
    Ok(Usage { input_tokens: next()?, cached_input_tokens: next()?, output_tokens: next()?, cost_micro_usd: next()? })
}

/// Reads a row from left to right.
struct Cells<'a> {
    row: &'a Row<'a>,
    at: usize,
}

impl Cells<'_> {
    fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let value = self.row.get(self.at);
        self.at += 1;
        value
    }

    fn count(&mut self) -> rusqlite::Result<u64> {
        Ok(self.next::<Count>()?.0)
    }

    /// Milliseconds since 1970.
    fn time(&mut self) -> rusqlite::Result<Option<Timestamp>> {
        let at_ms: Option<i64> = self.next()?;
        at_ms.map(Timestamp::from_millisecond).transpose().map_err(|error| unreadable(self.at - 1, error))
    }

    fn list(&mut self) -> rusqlite::Result<Vec<String>> {
        let text: String = self.next()?;
        serde_json::from_str(&text).map_err(|error| unreadable(self.at - 1, error))
    }
}

/// A cell that a person or another program has changed to something we do not understand.
fn unreadable(at: usize, problem: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, problem.into())
}

/// A number that is never negative. SQLite's integers are signed: beyond 2^63 - 1 it stays there.
struct Count(u64);

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Count).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// An enum without fields as its serde word.
struct Word<T>(T);

impl<T: Serialize> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}

impl<T: Serialize> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl<T: DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word: StrDeserializer<'_, WordError> = value.as_str()?.into_deserializer();
        T::deserialize(word).map(Word).map_err(FromSqlError::other)
    }
}

/// A duration in whole units, as far as they fit.
fn whole(units: u128) -> u64 {
    u64::try_from(units).unwrap_or(u64::MAX)
}
