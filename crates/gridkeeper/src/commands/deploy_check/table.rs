//! The table: is it there, can it be lost, is it the one that was worked with?

use dynamo_store::TableFacts;
use trading::StoreError;

use super::super::Session;
use super::super::doctor::of_failure;
use super::super::finding::Finding;
use super::DEPLOY;
use crate::failure::Failure;

const SUBJECT: &str = "table";

pub(super) async fn table(session: &Session<'_>) -> Vec<Finding> {
    let mut findings = judge(session.home.store().facts().await);
    findings.push(identity(session.home.is_copy().await));
    findings
}

fn judge(told: Result<TableFacts, StoreError>) -> Vec<Finding> {
    let facts = match told {
        Ok(facts) => facts,
        Err(error) => return vec![Finding::problem(SUBJECT, error, DEPLOY)],
    };
    let mut findings = vec![if facts.is_active() {
        Finding::ok(SUBJECT, "active")
    } else {
        let text = format!("its status is {}", facts.status);
        Finding::problem(SUBJECT, text, "wait until AWS is done with it")
    }];
    findings.push(if facts.restorable {
        Finding::ok(
            SUBJECT,
            "it can be restored to any second (point-in-time recovery)",
        )
    } else {
        let text = "it cannot be restored: point-in-time recovery is off";
        Finding::problem(SUBJECT, text, DEPLOY)
    });
    findings.push(if facts.expires {
        Finding::problem(
            SUBJECT,
            "DynamoDB deletes items of it by itself after some time; the ledger never expires",
            "switch time to live off: aws dynamodb update-time-to-live",
        )
    } else {
        Finding::ok(SUBJECT, "nothing in it expires")
    });
    if !facts.protected {
        findings.push(Finding::warning(
            SUBJECT,
            "it may be deleted by mistake",
            "deploy with DeletionProtection=on before anything trades",
        ));
    }
    if !facts.sealed {
        findings.push(Finding::warning(
            SUBJECT,
            "it is not encrypted with the stack's key",
            DEPLOY,
        ));
    }
    findings
}

fn identity(is_copy: Result<bool, Failure>) -> Finding {
    match is_copy {
        Ok(false) => Finding::ok(
            SUBJECT,
            "it is the one that was worked with, no restored copy",
        ),
        Ok(true) => Finding::problem(
            SUBJECT,
            "it was restored from a copy, so it may be behind the exchange; the functions refuse to work with it",
            "gridkeeper --aws restored (docs/upgrade.md)",
        ),
        Err(failure) => of_failure(SUBJECT, failure),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Grade;
    use super::*;

    fn good() -> TableFacts {
        TableFacts {
            status: "ACTIVE".to_owned(),
            protected: true,
            sealed: true,
            restorable: true,
            expires: false,
        }
    }

    #[test]
    fn each_fact_that_is_not_as_it_should_be_is_told() {
        assert!(
            judge(Ok(good()))
                .iter()
                .all(|finding| finding.grade == Grade::Ok)
        );
        let updating = "UPDATING".to_owned();
        for (facts, grade, words) in [
            (
                TableFacts {
                    status: updating,
                    ..good()
                },
                Grade::Problem,
                "UPDATING",
            ),
            (
                TableFacts {
                    restorable: false,
                    ..good()
                },
                Grade::Problem,
                "point-in-time",
            ),
            (
                TableFacts {
                    expires: true,
                    ..good()
                },
                Grade::Problem,
                "never expires",
            ),
            (
                TableFacts {
                    protected: false,
                    ..good()
                },
                Grade::Warning,
                "deleted",
            ),
            (
                TableFacts {
                    sealed: false,
                    ..good()
                },
                Grade::Warning,
                "encrypted",
            ),
        ] {
            let findings = judge(Ok(facts));
            let mut bad = findings.iter().filter(|finding| finding.grade != Grade::Ok);
            let found = bad.next().unwrap();
            assert_eq!(found.grade, grade, "{found:?}");
            assert!(
                found.text.contains(words) && found.remedy.is_some(),
                "{found:?}"
            );
            assert_eq!(bad.next(), None);
        }
    }

    #[test]
    fn a_table_that_is_not_there_and_a_copy_are_problems() {
        let away = judge(Err(StoreError::Invalid("no such table".to_owned())));
        assert!(matches!(away.as_slice(), [only] if only.grade == Grade::Problem));
        assert_eq!(identity(Ok(true)).grade, Grade::Problem);
        assert_eq!(identity(Ok(false)).grade, Grade::Ok);
        assert_eq!(identity(Err(Failure::refused("no"))).grade, Grade::Problem);
    }
}
