//! Reading a range of one partition, strongly consistent, page by page.
//!
//! Start at [`DynamoStore::read_range`].

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use trading::StoreError;

use crate::DynamoStore;
use crate::error::store_error;
use crate::item::{PARTITION, Record, SORT, text};

/// A key of the table as a page of a query gives it, to go on from.
pub(crate) type PageKey = BTreeMap<String, AttributeValue>;

/// Which part of a partition is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'a> {
    partition: &'a str,
    sort: Sort<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Sort<'a> {
    Any,
    StartsWith(&'a str),
    AtMost(&'a str),
}

impl Range<'_> {
    pub(crate) fn condition(&self) -> &'static str {
        match self.sort {
            Sort::Any => "#pk = :pk",
            Sort::StartsWith(_) => "#pk = :pk AND begins_with(#sk, :sk)",
            Sort::AtMost(_) => "#pk = :pk AND #sk <= :sk",
        }
    }

    pub(crate) fn names<C: FromIterator<(String, String)>>(&self) -> C {
        let sort = self.bound().map(|_| ("#sk".to_owned(), SORT.to_owned()));
        let partition = ("#pk".to_owned(), PARTITION.to_owned());
        [partition].into_iter().chain(sort).collect()
    }

    pub(crate) fn values<C: FromIterator<(String, AttributeValue)>>(&self) -> C {
        let sort = self.bound().map(|bound| (":sk".to_owned(), text(bound)));
        let partition = (":pk".to_owned(), text(self.partition));
        [partition].into_iter().chain(sort).collect()
    }

    fn bound(&self) -> Option<&str> {
        match self.sort {
            Sort::Any => None,
            Sort::StartsWith(bound) | Sort::AtMost(bound) => Some(bound),
        }
    }
}

impl DynamoStore {
    /// Reads all items of a partition whose sort keys start with a text, in their order, all pages.
    pub(crate) async fn read_range(
        &self,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<Record>, StoreError> {
        let sort = match prefix {
            "" => Sort::Any,
            prefix => Sort::StartsWith(prefix),
        };
        let range = Range { partition, sort };
        let mut records = Vec::new();
        let mut start = None;
        loop {
            let (page, next) = self.read_page(range, start, None).await?;
            records.extend(page);
            start = next;
            if start.is_none() {
                return Ok(records);
            }
        }
    }

    /// Reads the first items of a partition up to and including a sort key.
    pub(crate) async fn read_until(
        &self,
        partition: &str,
        until: &str,
        limit: i32,
    ) -> Result<Vec<Record>, StoreError> {
        let sort = Sort::AtMost(until);
        let (page, _) = self
            .read_page(Range { partition, sort }, None, Some(limit))
            .await?;
        Ok(page)
    }

    /// Reads one page, and says where the next one begins, if there is one.
    async fn read_page(
        &self,
        range: Range<'_>,
        start: Option<PageKey>,
        limit: Option<i32>,
    ) -> Result<(Vec<Record>, Option<PageKey>), StoreError> {
        if let Some(database) = &self.direct {
            return database.query(&self.table, range, start, limit).await;
        }
        let page = self
            .client
            .query()
            .table_name(&*self.table)
            .consistent_read(true)
            .key_condition_expression(range.condition())
            .set_expression_attribute_names(Some(range.names()))
            .set_expression_attribute_values(Some(range.values()))
            .set_exclusive_start_key(start.map(|key| key.into_iter().collect()))
            .set_limit(limit)
            .send()
            .await
            .map_err(|error| store_error("Query", &error))?;
        let records = page.items.into_iter().flatten().map(Record::new).collect();
        let next = page.last_evaluated_key.filter(|key| !key.is_empty());
        Ok((records, next.map(|key| key.into_iter().collect())))
    }
}
