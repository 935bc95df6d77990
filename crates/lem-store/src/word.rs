//! Enums of the vocabulary as words in the database: their serde names, so that a table, an export and a message
//! never call one thing by two names.

use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Sqlite, Type};

/// An enum without data, bound and read as TEXT.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T> Type<Sqlite> for Word<T> {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <String as Type<Sqlite>>::compatible(ty)
    }
}

impl<T: Serialize> Encode<'_, Sqlite> for Word<T> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        let word = match serde_json::to_value(&self.0)? {
            serde_json::Value::String(word) => word,
            other => return Err(format!("{other} is not a word").into()),
        };
        Encode::<Sqlite>::encode(word, buffer)
    }
}

impl<T: DeserializeOwned> Decode<'_, Sqlite> for Word<T> {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        let word = <String as Decode<Sqlite>>::decode(value)?;
        let deserializer: StrDeserializer<'_, WordError> = word.as_str().into_deserializer();
        Ok(Self(T::deserialize(deserializer)?))
    }
}
