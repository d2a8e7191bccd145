use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use zerobus_schema::TableName;

use super::{Fault, FaultRule};

/// The rules of a running server.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Looked at with every message.
    any: AtomicBool,
    active: Mutex<Vec<Active>>,
}

#[derive(Debug)]
struct Active {
    rule: FaultRule,
    seen: u64,
    fired: u64,
    random: u64,
}

/// Those for whom a commit finds the disk full.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FullFor {
    all: bool,
    streams: Vec<String>,
}

impl FullFor {
    pub(crate) fn is_for(&self, stream_id: Option<&str>) -> bool {
        self.all || stream_id.is_some_and(|id| self.streams.iter().any(|stream| stream == id))
    }

    pub(crate) fn is_for_nobody(&self) -> bool {
        *self == Self::default()
    }
}

impl Faults {
    pub(crate) fn new(rules: Vec<FaultRule>) -> Self {
        let faults = Self::default();
        faults.replace(rules);
        faults
    }

    pub(crate) fn replace(&self, rules: Vec<FaultRule>) {
        let mut active = self.lock();
        self.any.store(!rules.is_empty(), Ordering::Release);
        *active = rules.into_iter().map(Active::new).collect();
    }

    pub(crate) fn add(&self, rule: FaultRule) {
        self.lock().push(Active::new(rule));
        self.any.store(true, Ordering::Release);
    }

    /// What goes wrong with a message of a stream into a table that has come in.
    #[inline]
    pub(crate) fn with_message(&self, table: &TableName, stream_id: &str) -> Vec<Fault> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut faults = Vec::new();
        self.fire(
            table,
            |stream| stream == stream_id,
            |fault| fault != Fault::DiskFull,
            |rule| faults.push(rule.fault),
        );
        faults
    }

    /// For whom a commit of a table finds the disk full. `streams` are those that it has something of.
    pub(crate) fn with_commit<'s>(
        &self,
        table: &TableName,
        streams: impl Iterator<Item = &'s str> + Clone,
    ) -> FullFor {
        let has = |stream: &str| streams.clone().any(|id| id == stream);
        let mut full = FullFor::default();
        if self.any.load(Ordering::Acquire) {
            self.fire(
                table,
                has,
                |fault| fault == Fault::DiskFull,
                |rule| match &rule.stream {
                    Some(stream) => full.streams.push(stream.clone()),
                    None => full.all = true,
                },
            );
        }
        full
    }

    fn fire(
        &self,
        table: &TableName,
        is_concerned: impl Fn(&str) -> bool,
        of_kind: impl Fn(Fault) -> bool,
        mut fired: impl FnMut(&FaultRule),
    ) {
        let mut active = self.lock();
        let concerned = active.iter_mut().filter(|active| {
            let rule = &active.rule;
            of_kind(rule.fault)
                && rule.table.as_ref().is_none_or(|name| name == table)
                && rule.stream.as_deref().is_none_or(&is_concerned)
        });
        for active in concerned {
            if active.is_next() {
                fired(&active.rule);
            }
        }
    }

    /// The rules, how often each was looked at, and how often its fault happened.
    pub(crate) fn to_json(&self) -> Value {
        let active = self.lock();
        json!({"faults": active.iter().map(Active::to_json).collect::<Vec<_>>()})
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    fn new(rule: FaultRule) -> Self {
        Self {
            seen: 0,
            fired: 0,
            random: rule.seed,
            rule,
        }
    }

    fn is_next(&mut self) -> bool {
        self.seen += 1;
        let due =
            self.seen > self.rule.after && self.rule.times.is_none_or(|times| self.fired < times);
        if !due || self.draw() >= self.rule.probability {
            return false;
        }
        self.fired += 1;
        true
    }

    /// A number from 0 to 1, 1 not included (splitmix64).
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // 32 bits are exact in an f64.
        let [a, b, c, d, ..] = z.to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
    }

    fn to_json(&self) -> Value {
        let rule = &self.rule;
        let mut json = Map::new();
        json.insert("fault".to_owned(), rule.fault.name().into());
        if let Some(millis) = rule.fault.millis() {
            json.insert("millis".to_owned(), millis.into());
        }
        json.insert(
            "table".to_owned(),
            rule.table.as_ref().map(TableName::to_string).into(),
        );
        json.insert("stream".to_owned(), rule.stream.clone().into());
        json.insert("after".to_owned(), rule.after.into());
        json.insert("times".to_owned(), rule.times.into());
        json.insert("probability".to_owned(), rule.probability.into());
        json.insert("seed".to_owned(), rule.seed.into());
        json.insert("seen".to_owned(), self.seen.into());
        json.insert("fired".to_owned(), self.fired.into());
        Value::Object(json)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fired(rule: FaultRule, messages: u64) -> Vec<u64> {
        let table = TableName::parse("c.s.t").unwrap();
        let faults = Faults::new(vec![rule]);
        (1..=messages)
            .filter(|_| !faults.with_message(&table, "a").is_empty())
            .collect()
    }

    #[test]
    fn a_rule_holds_when_it_says() {
        let rule = || FaultRule::new(Fault::Unavailable);
        assert_eq!(fired(rule(), 3), [1, 2, 3]);
        assert_eq!(fired(rule().once(), 3), [1]);
        assert_eq!(fired(rule().nth(3), 5), [3]);
        assert_eq!(fired(rule().after(2).times(2), 9), [3, 4]);
        assert_eq!(fired(rule().table("c.s.t".parse().unwrap()).once(), 3), [1]);
        assert!(fired(rule().table("c.s.other".parse().unwrap()), 3).is_empty());
        assert_eq!(fired(rule().stream("a").once(), 3), [1]);
        assert!(fired(rule().stream("b"), 3).is_empty());
        assert!(fired(FaultRule::new(Fault::DiskFull), 3).is_empty());
    }

    #[test]
    fn a_rule_for_one_stream_is_for_no_other_of_its_commit() {
        let table = TableName::parse("c.s.t").unwrap();
        let rule = FaultRule::new(Fault::DiskFull).stream("a");
        let faults = Faults::new(vec![rule]);
        let with = |streams: &[&'static str]| faults.with_commit(&table, streams.iter().copied());
        let both = with(&["b", "a"]);
        assert!(both.is_for(Some("a")));
        // Though it is in the same commit.
        assert!(!both.is_for(Some("b")));
        assert!(!both.is_for(None));
        assert!(with(&["b"]).is_for_nobody());
        assert!(with(&[]).is_for_nobody());
        faults.replace(vec![FaultRule::new(Fault::DiskFull).once()]);
        assert!(with(&["b"]).is_for(None));
        assert!(with(&["b"]).is_for_nobody());
    }

    #[test]
    fn chance_follows_from_the_seed() {
        let rule = |seed| FaultRule::new(Fault::Internal).probability(0.1, seed);
        let (once, again, other) = (
            fired(rule(1), 10_000),
            fired(rule(1), 10_000),
            fired(rule(2), 10_000),
        );
        assert_eq!(once, again);
        assert_ne!(once, other);
        assert!((800..1_200).contains(&once.len()), "{}", once.len());
        assert!(fired(rule(1).probability(0.0, 1), 100).is_empty());
        assert_eq!(fired(rule(1).probability(1.0, 1), 100).len(), 100);
    }
}
