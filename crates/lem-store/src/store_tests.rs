//! Rules of opening the database, and of two programs that use it at once.

use std::path::PathBuf;

use sqlx::QueryBuilder;

use super::*;
use crate::testing::{campaign, empty_store, failure, samples, store_with_run};

async fn refusal(path: impl AsRef<Path>) -> StoreError {
    Store::open(path).await.expect_err("it should have been refused")
}

/// A connection that knows none of our rules.
async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

fn text(error: &StoreError, path: &Path) -> String {
    error.to_string().replace(path.to_str().unwrap(), "[results]/lem.db")
}

#[tokio::test]
async fn opening_makes_the_folder_and_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/lem.db");
    let store = Store::open(&path).await.unwrap();
    assert!(path.is_file());
    assert_eq!(store.campaigns().await.unwrap(), []);
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let store = Store::open_existing(file.path()).await.unwrap();
    store.create_campaign(&campaign("camp-1", 2)).await.unwrap();
    assert_eq!(store.campaigns().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_stored_is_there_after_opening_again() {
    let store = empty_store().await;
    store.create_campaign(&campaign("camp-1", 2)).await.unwrap();
    store.close().await;
    let again = Store::open_existing(store.path()).await.unwrap();
    assert_eq!(again.campaigns().await.unwrap()[0].planned, 2);
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_to_date_with_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lem.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut old = options.connect().await.unwrap();
    let first = sqlx::migrate::Migrator {
        migrations: MIGRATIONS.migrations.iter().take(1).cloned().collect::<Vec<_>>().into(),
        ..Migrator::DEFAULT
    };
    first.run_direct(None, &mut old, false).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO environments VALUES ('h', '{}');
         INSERT INTO campaigns (id, name, plan_json, overrides_json, seed, status, created_unix_ns, environment_hash,
            app_version) VALUES ('c', 'old', '{}', '{}', '1', 'completed', 1, 'h', '0.1.0');
         INSERT INTO experiments VALUES ('c', 0, 'e', 'candle', NULL, 'process', 'm', '{}');
         INSERT INTO planned_runs VALUES ('c', 0, 0, 1, 0.0, 'built in');
         INSERT INTO runs (id, campaign_id, idx, attempt, status) VALUES ('r', 'c', 0, 1, 'completed');",
    )
    .execute(&mut old)
    .await
    .unwrap();
    sqlx::Connection::close(old).await.unwrap();
    let store = Store::open(&path).await.unwrap();
    let run = store.run("r").await.unwrap();
    assert_eq!((run.row.campaign_name.as_str(), run.row.grade, run.baselines.len()), ("old", None, 0));
}

#[tokio::test]
async fn a_database_that_is_absent_is_not_made_by_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lem.db");
    let error = Store::open_existing(&path).await.unwrap_err();
    insta::assert_snapshot!(text(&error, &path));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lem.db");
    let content = "run,energy_j\n1,600\n".repeat(100);
    std::fs::write(&path, &content).unwrap();
    let error = refusal(&path).await;
    insta::assert_snapshot!(text(&error, &path));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lem.db");
    let mut conn = raw(&path).await;
    sqlx::query("CREATE TABLE bookmarks (url TEXT)").execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_both_versions() {
    let store = empty_store().await;
    store.close().await;
    let mut conn = raw(store.path()).await;
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', '2030-01-01', TRUE, x'00', 0)")
        .execute(&mut conn)
        .await
        .unwrap();
    let error = refusal(store.path()).await;
    insta::assert_snapshot!(text(&error, store.path()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path: PathBuf = file.path().join("lem.db");
    let error = refusal(&path).await;
    insta::assert_snapshot!(text(&error, &path));
}

#[tokio::test]
async fn a_damaged_database_is_called_damaged() {
    let store = store_with_run().await;
    store.append_trace("run-1", "gpu-a", &samples(0, 4096)).await.unwrap();
    store.close().await;
    let mut bytes = std::fs::read(store.path()).unwrap();
    bytes[4096..].fill(0x5a);
    std::fs::write(store.path(), bytes).unwrap();
    let again = Store::open(store.path()).await;
    let error = match again {
        Err(error) => error,
        Ok(store) => store.campaigns().await.unwrap_err(),
    };
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_full_disk_says_so_and_leaves_what_was_stored() {
    let store = store_with_run().await;
    let mut conn = store.writer.acquire().await.unwrap();
    sqlx::query("PRAGMA max_page_count = 1").execute(&mut *conn).await.unwrap();
    drop(conn);
    let error = store.create_campaign(&campaign("camp-2", 10_000)).await.unwrap_err();
    insta::assert_snapshot!(text(&error, store.path()));
    assert_eq!(store.campaigns().await.unwrap().len(), 1, "reading goes on");
    assert!(store.campaign("camp-2").await.is_err(), "nothing of the failed write is left");
    store.fail_run("run-1", &failure()).await.expect("a small write that still fits goes through");
}

#[tokio::test]
async fn a_second_store_sees_what_the_first_has_committed() {
    let writer = empty_store().await;
    let reader = Store::open_existing(writer.path()).await.unwrap();
    writer.create_campaign(&campaign("camp-1", 2)).await.unwrap();
    assert_eq!(reader.campaigns().await.unwrap()[0].id, "camp-1");
}

#[tokio::test]
async fn two_stores_can_write_in_turn() {
    let one = empty_store().await;
    let two = Store::open(one.path()).await.unwrap();
    for i in 0..10 {
        one.create_campaign(&campaign(&format!("one-{i}"), 1)).await.unwrap();
        two.create_campaign(&campaign(&format!("two-{i}"), 1)).await.unwrap();
    }
    assert_eq!(one.campaigns().await.unwrap().len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_open_a_new_file_at_once_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lem.db");
    let opening: Vec<_> = (0..4).map(|_| tokio::spawn(Store::open(path.clone()))).collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn commits_are_synchronised_and_references_are_checked() {
    let store = empty_store().await;
    let mut conn = store.writer.acquire().await.unwrap();
    for (pragma, expected) in [("foreign_keys", "1"), ("synchronous", "2"), ("journal_mode", "wal")] {
        let value: String = QueryBuilder::new("SELECT CAST(")
            .push(pragma)
            .push(" AS TEXT) FROM pragma_")
            .push(pragma)
            .build_query_scalar()
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        assert_eq!(value, expected, "{pragma}");
    }
}

#[tokio::test]
async fn a_reading_connection_cannot_write() {
    let store = empty_store().await;
    let mut tx = store.read("trying").await.unwrap();
    let error = sqlx::query("DELETE FROM campaigns").execute(&mut *tx).await.unwrap_err();
    assert!(matches!(store.failed("trying")(error), StoreError::Unwritable { .. }));
}
