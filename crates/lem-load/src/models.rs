//! Which of the served models is asked.

use crate::answer::cut;
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
        [only] => {
            let shown = cut(only);
            let warning = format!(
                "the server calls its only model {shown}, and the campaign asks for {wanted}; {shown} was asked, and \
                 whether they are the same is not known"
            );
            Ok(Served { id: only.clone(), warning: Some(warning) })
        }
        [] => Err(Failure::model_not_found(format!("the server serves no model; let it serve {wanted}"))),
        several => Err(Failure::model_not_found(format!(
            "the server does not serve {wanted}; name one of these as `model`: {}",
            cut(&several.join(", "))
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
        let many = vec!["of a long name"; 100_000];
        assert!(chosen(&many).unwrap_err().len() < 1000, "more than anybody reads, and than a line may hold");
        assert!(chosen(&[]).unwrap_err().contains("serves no model"));
    }
}
