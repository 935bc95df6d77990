//! Which of the served models is asked.

use crate::failure::Failure;

/// The model by which the server is asked, and what a reader of the results should know of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) id: String,
    pub(crate) warning: Option<String>,
}

/// The one among `served` that is called `wanted`; else the only one, under a warning that names both.
pub(crate) fn choose(wanted: &str, served: &[String]) -> Result<Served, Failure> {
    if served.iter().any(|id| id == wanted) {
        return Ok(Served { id: wanted.to_owned(), warning: None });
    }
    match served {
        [only] => Ok(Served {
            id: only.clone(),
            warning: Some(format!(
                "the server calls its only model {only}, and the campaign asks for {wanted}; {only} was asked, and \
                 whether they are the same is not known"
            )),
        }),
        [] => Err(Failure::model_not_found(format!("the server serves no model; let it serve {wanted}"))),
        several => Err(Failure::model_not_found(format!(
            "the server does not serve {wanted}; name one of these as `model`: {}",
            several.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(served: &[&str]) -> Result<Served, String> {
        let served: Vec<String> = served.iter().map(|&id| id.to_owned()).collect();
        choose("b", &served).map_err(|failure| failure.message)
    }

    #[test]
    fn the_model_of_that_name_is_asked_and_else_the_only_one() {
        assert_eq!(chosen(&["a", "b"]), Ok(Served { id: "b".into(), warning: None }));
        let only = chosen(&["a"]).unwrap();
        assert_eq!(only.id, "a");
        assert!(only.warning.is_some_and(|warning| warning.contains("asks for b")));
    }

    #[test]
    fn several_others_are_listed_and_none_is_said() {
        assert_eq!(
            chosen(&["a", "c"]).unwrap_err(),
            "the server does not serve b; name one of these as `model`: a, c"
        );
        assert!(chosen(&[]).unwrap_err().contains("serves no model"));
    }
}
