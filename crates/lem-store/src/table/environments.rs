//! Table `environments`: what the machine was like, kept once for all campaigns that saw the same.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

/// The SHA-256 of an environment in hexadecimal, over its JSON without white space and with sorted keys.
pub fn environment_hash(environment: &Value) -> String {
    let digest = Sha256::digest(canonical(environment).to_string());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        hex
    })
}

/// The same value with the keys of every object in order, whichever map `serde_json` was built with.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            entries.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        plain => plain.clone(),
    }
}

/// Stores an environment unless it is there, and returns its hash.
pub(crate) async fn insert(conn: &mut SqliteConnection, environment: &Value) -> sqlx::Result<String> {
    let hash = environment_hash(environment);
    sqlx::query("INSERT INTO environments (hash, json) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING")
        .bind(&hash)
        .bind(canonical(environment))
        .execute(conn)
        .await?;
    Ok(hash)
}

/// The environment with this hash.
pub(crate) async fn get(conn: &mut SqliteConnection, hash: &str) -> sqlx::Result<Option<Value>> {
    sqlx::query_scalar("SELECT json FROM environments WHERE hash = ?").bind(hash).fetch_optional(conn).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hash_does_not_depend_on_the_order_of_keys() {
        let one: Value = serde_json::from_str(r#"{"a": {"x": 1, "y": [1, 2]}, "b": null}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b": null, "a": {"y": [1, 2], "x": 1}}"#).unwrap();
        assert_eq!(environment_hash(&one), environment_hash(&other));
        assert_ne!(environment_hash(&one), environment_hash(&json!({"a": {"x": 1, "y": [2, 1]}, "b": null})));
    }

    #[test]
    fn the_hash_is_sha_256_of_the_compact_text() {
        // printf '{}' | sha256sum
        let expected = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(environment_hash(&json!({})), expected);
    }
}
