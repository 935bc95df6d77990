//! Rules for data files: where prompts are found, and mistakes.

use super::*;

fn read(path: &str, text: &str, column: Option<&str>) -> Result<Vec<String>, String> {
    prompts(path, text.into(), column)
        .map(|prompts| prompts.into_iter().map(|prompt| prompt.text).collect())
        .map_err(|error| error.to_string())
}

#[test]
fn a_text_file_has_a_prompt_a_line() {
    let prompts = read("p.TXT", "\u{feff}One?\r\n\n  \nTwo, \"three\"\n", None).unwrap();
    assert_eq!(prompts, ["One?", "Two, \"three\""]);
}

#[test]
fn fields_are_found_by_their_usual_names_or_named() {
    let jsonl = "{\"id\": 1, \"input\": \"a\", \"instruction\": \"b\"}\n{\"instruction\": \"c\"}\n";
    assert_eq!(read("p.jsonl", jsonl, None).unwrap(), ["b", "c"], "instruction comes before input");
    let csv = "id,Text,other\n1,\"two\nlines\",x\n2,one,y\n";
    assert_eq!(read("p.csv", csv, None).unwrap(), ["two\nlines", "one"]);
    assert_eq!(read("p.csv", csv, Some("other")).unwrap(), ["x", "y"]);
}

#[test]
fn the_group_of_a_prompt_is_found_by_its_usual_names() {
    let groups = |path: &str, text: &str| -> Vec<Option<String>> {
        prompts(path, text.into(), None).unwrap().into_iter().map(|prompt| prompt.group).collect()
    };
    let jsonl =
        "{\"text\": \"a\", \"subject\": \"law\"}\n{\"text\": \"b\", \"task\": 3}\n{\"text\": \"c\"}\n";
    assert_eq!(groups("p.jsonl", jsonl), [Some("law".into()), Some("3".into()), None]);
    assert_eq!(groups("p.csv", "text,Source\na,x\n"), [Some("x".into())]);
}

#[test]
fn every_mistake_in_a_file_is_named_with_its_line() {
    let mistakes = [
        read("p.md", "hello", None),
        read("p.jsonl", "{\"text\": \"a\"}\n\nnot json\n", None),
        read("p.jsonl", "[1]\n", None),
        read("p.jsonl", "{\"id\": 1, \"label\": \"x\"}\n", None),
        read("p.jsonl", "{\"text\": \"a\"}\n{\"text\": \" \"}\n", None),
        read("p.jsonl", "{\"text\": 5}\n", None),
        read("p.csv", "a,b\n1,2\n", None),
        read("p.csv", "a,b\n1,2\n", Some("c")),
        read("p.csv", "a,text\n1,\n", None),
        read("p.csv", "a,text\n1,2,3\n", None),
        prompts("p.txt", vec![b'a', 0xff], None).map(|_| Vec::new()).map_err(|error| error.to_string()),
    ];
    let messages: Vec<String> = mistakes.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(messages.join("\n"));
}
