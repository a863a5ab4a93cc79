//! Conditions and changes of items, spelled for DynamoDB.
//!
//! Every attribute is named through a placeholder, because many short words are reserved.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use crate::item::{Attributes, FORMAT, FORMAT_ATTRIBUTE, PARTITION, SORT, number, text};
use crate::key::Key;

/// What a write requires of the item as it is, and what it changes in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expression {
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: BTreeMap<String, String>,
    values: BTreeMap<String, AttributeValue>,
}

impl Expression {
    /// No condition and no change: what is written or deleted belongs to another item of the same
    /// transaction, whose condition decides.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Requires that there is no such item yet.
    pub(crate) fn absent() -> Self {
        let mut new = Self::new();
        let partition = new.name(PARTITION);
        new.conditions
            .push(format!("attribute_not_exists({partition})"));
        new
    }

    /// Requires that there is such an item and that it is of the format this program knows, so that
    /// nothing newer is ever overwritten.
    pub(crate) fn present() -> Self {
        Self::new().require(FORMAT_ATTRIBUTE, number(FORMAT))
    }

    /// Requires that there is no such item, or one of the format this program knows.
    pub(crate) fn absent_or_known() -> Self {
        let mut new = Self::new();
        let (partition, format) = (new.name(PARTITION), new.name(FORMAT_ATTRIBUTE));
        let known = new.value(number(FORMAT));
        new.conditions.push(format!(
            "(attribute_not_exists({partition}) OR {format} = {known})"
        ));
        new
    }

    /// Requires that there is no such item, or one of the format this program knows with less of this.
    pub(crate) fn absent_or_less(name: &str, value: AttributeValue) -> Self {
        let mut new = Self::new();
        let (partition, format) = (new.name(PARTITION), new.name(FORMAT_ATTRIBUTE));
        let (known, name, value) = (new.value(number(FORMAT)), new.name(name), new.value(value));
        new.conditions.push(format!(
            "(attribute_not_exists({partition}) OR ({format} = {known} AND {name} < {value}))"
        ));
        new
    }

    /// Requires that an attribute has this value.
    pub(crate) fn require(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions.push(format!("{name} = {value}"));
        self
    }

    /// Requires that an attribute has one of these texts.
    pub(crate) fn require_one_of(mut self, name: &str, values: &[&str]) -> Self {
        let name = self.name(name);
        let values: Vec<String> = values
            .iter()
            .map(|value| self.value(text(*value)))
            .collect();
        self.conditions
            .push(format!("{name} IN ({})", values.join(", ")));
        self
    }

    /// Sets an attribute.
    pub(crate) fn set(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.sets.push(format!("{name} = {value}"));
        self
    }

    /// Adds to a number that is there.
    pub(crate) fn add(mut self, name: &str, amount: i64) -> Self {
        let (name, amount) = (self.name(name), self.value(number(amount)));
        self.sets.push(format!("{name} = {name} + {amount}"));
        self
    }

    /// Removes attributes, whether they are there or not.
    pub(crate) fn remove(mut self, names: &[&str]) -> Self {
        for name in names {
            let name = self.name(name);
            self.removes.push(name);
        }
        self
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// All that is required; `None` for nothing, because DynamoDB refuses an empty condition.
    pub(crate) fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    pub(crate) fn change(&self) -> String {
        let mut clauses = Vec::new();
        if !self.sets.is_empty() {
            clauses.push(format!("SET {}", self.sets.join(", ")));
        }
        if !self.removes.is_empty() {
            clauses.push(format!("REMOVE {}", self.removes.join(", ")));
        }
        clauses.join(" ")
    }

    /// The placeholders' names; `None` for none, because DynamoDB refuses an empty map.
    pub(crate) fn names(&self) -> Option<BTreeMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// Whether a refusal returns the item as it was: only where something may refuse.
    pub(crate) fn on_refusal(&self) -> Option<ReturnValuesOnConditionCheckFailure> {
        (!self.conditions.is_empty()).then_some(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// The placeholders' values; `None` for none, as with the names.
    pub(crate) fn values(&self) -> Option<Attributes> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    /// This as part of a transaction that writes the whole item.
    pub(crate) fn put(
        self,
        table: &str,
        item: Attributes,
    ) -> Result<TransactWriteItem, BuildError> {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item.into_iter().collect()))
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names().map(|all| all.into_iter().collect()))
            .set_expression_attribute_values(self.values().map(|all| all.into_iter().collect()))
            .set_return_values_on_condition_check_failure(self.on_refusal())
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// This as part of a transaction that changes attributes of the item.
    pub(crate) fn update(self, table: &str, key: &Key) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder()
            .table_name(table)
            .key(PARTITION, text(key.partition.clone()))
            .key(SORT, text(key.sort.clone()))
            .update_expression(self.change())
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names().map(|all| all.into_iter().collect()))
            .set_expression_attribute_values(self.values().map(|all| all.into_iter().collect()))
            .set_return_values_on_condition_check_failure(self.on_refusal())
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// This as part of a transaction that deletes the item.
    pub(crate) fn delete(self, table: &str, key: &Key) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder()
            .table_name(table)
            .key(PARTITION, text(key.partition.clone()))
            .key(SORT, text(key.sort.clone()))
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names().map(|all| all.into_iter().collect()))
            .set_expression_attribute_values(self.values().map(|all| all.into_iter().collect()))
            .set_return_values_on_condition_check_failure(self.on_refusal())
            .build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// This as part of a transaction that leaves the item as it is.
    pub(crate) fn check(self, table: &str, key: &Key) -> Result<TransactWriteItem, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(table)
            .key(PARTITION, text(key.partition.clone()))
            .key(SORT, text(key.sort.clone()))
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names().map(|all| all.into_iter().collect()))
            .set_expression_attribute_values(self.values().map(|all| all.into_iter().collect()))
            .set_return_values_on_condition_check_failure(self.on_refusal())
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}
