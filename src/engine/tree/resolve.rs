//! From a dotted path to a field, or advice on what was meant.

use super::{Entry, Field, Kind, Root, TREE, closest, nearest};

/// Where a path stands, which decides what can be read there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// An event is at hand: all of the tree.
    #[default]
    Event,
    /// No event is at hand, or not always: a deadline, or another happening than an event.
    Eventless,
    /// A segment goes on holding between events, and segments are not made of segments.
    Segment,
}

impl Setting {
    /// Why a root cannot be read here, if it cannot.
    const fn refusal(self, root: Root) -> Option<&'static str> {
        match (self, root) {
            (Self::Eventless, Root::Event) => Some(
                "no event is at hand here, or not always; ask for what events leave behind, such as `page` or `session`",
            ),
            (Self::Segment, Root::Event) => Some(
                "a segment goes on between events; ask for what events leave behind, such as `session` or `profile`",
            ),
            (Self::Segment, Root::Segments) => {
                Some("segments are not made of other segments; write the other one's condition out")
            }
            _ => None,
        }
    }
}

/// The field at a dotted path, with all of the tree at hand.
///
/// # Errors
/// What is wrong with the path, and the nearest one that there is.
pub fn resolve(path: &str) -> Result<Field, String> {
    resolve_in(Setting::Event, path)
}

/// The field at a dotted path, where only part of the tree may be at hand.
///
/// # Errors
/// What is wrong with the path, and the nearest one that there is.
pub fn resolve_in(setting: Setting, path: &str) -> Result<Field, String> {
    if let Some(why) = Root::of(path).and_then(|root| setting.refusal(root)) {
        return Err(format!("`{}` cannot be read here: {why}", shown(path)));
    }
    for entry in TREE {
        let rest = path.strip_prefix(entry.path).map(|rest| (rest, rest.strip_prefix('.')));
        match (rest, entry.kind) {
            (Some(("", _)), Kind::Open) => {
                return Err(format!("`{path}` is an open object; name one of its members: `{path}.…`"));
            }
            (Some(("", _)), _) => return Ok(Field::Known(entry.known, Vec::new())),
            (Some((_, Some(below))), Kind::Open) => {
                let parts: Vec<String> = below.split('.').map(str::to_owned).collect();
                if parts.iter().any(String::is_empty) {
                    return Err(format!("`{}` has an empty part between its dots", shown(path)));
                }
                return Ok(Field::Known(entry.known, parts));
            }
            (Some((_, Some(_))), Kind::List) => {
                let list = entry.path;
                return Err(format!("`{list}` is a list; look into it with {{\"{list}\": {{\"$elemMatch\": …}}}}"));
            }
            (Some(_) | None, _) => {}
        }
    }
    Err(advice(path))
}

/// What to say about a path that leads nowhere.
fn advice(path: &str) -> String {
    let below = |group: &str| -> Vec<&'static str> {
        let inside = |entry: &&Entry| entry.path.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'));
        TREE.iter().filter(inside).map(|entry| entry.path).collect()
    };
    let inside = below(path);
    if !inside.is_empty() {
        return format!("`{path}` is a group of fields; name one of them: {}", inside.join(", "));
    }
    let path = shown(path);
    if let Some(meant) = closest(&path, TREE.iter().map(|entry| entry.path)) {
        return format!("`{path}` is not a field; did you mean `{meant}`?");
    }
    match Root::of(&path) {
        Some(root) if below(root.as_str()).is_empty() => {
            format!("`{path}` is not a field; nothing is below `{}`", root.as_str())
        }
        Some(root) => format!("`{path}` is not a field; there are: {}", below(root.as_str()).join(", ")),
        None => {
            let first = path.split('.').next().unwrap_or_default();
            format!("`{path}` is not a field; for `{first}`: {}", nearest(first, Root::ALL.map(Root::as_str)))
        }
    }
}

/// A path as a message shows it: bounded.
fn shown(path: &str) -> String {
    footfall_protocol::limits::cut(path, 128).to_owned()
}

/// For callers that bring attributes of their own: any path is a field.
///
/// # Errors
/// None; the form is that of the others.
pub fn resolve_any(path: &str) -> Result<Field, String> {
    Ok(Field::Any(path.split('.').map(str::to_owned).collect()))
}

/// The members of a line of the cart.
pub const LINE_MEMBERS: [&str; 6] = ["sku", "name", "price", "quantity", "category", "brand"];

/// The members of a line of the cart, for conditions on `cart.lines`.
///
/// # Errors
/// What is wrong with the path, and the nearest one that there is.
pub fn resolve_line(path: &str) -> Result<Field, String> {
    if LINE_MEMBERS.contains(&path) {
        return resolve_any(path);
    }
    Err(format!("a line of the cart has no `{}`; {}", shown(path), nearest(path, LINE_MEMBERS)))
}

#[cfg(test)]
mod tests {
    use super::super::Known;
    use super::*;

    #[test]
    fn every_path_of_the_table_leads_to_its_field() {
        for entry in TREE {
            let (path, below) = match entry.kind {
                Kind::Open => (format!("{}.x", entry.path), vec!["x".to_owned()]),
                Kind::Text | Kind::OneOf(_) | Kind::Number | Kind::Money(_) | Kind::Flag | Kind::List => {
                    (entry.path.to_owned(), vec![])
                }
            };
            let field = resolve(&path);
            assert_eq!(field, Ok(Field::Known(entry.known, below)));
            assert_eq!(field.unwrap().path(), path);
        }
        let deep = Field::Known(Known::EventProperties, vec!["a".into(), "b".into()]);
        assert_eq!(resolve("event.properties.a.b"), Ok(deep));
    }

    #[test]
    fn mistakes_get_advice() {
        for (path, said) in [
            ("cart.vlaue", "`cart.vlaue` is not a field; did you mean `cart.value`?"),
            ("page.product.prise", "did you mean `page.product.price`?"),
            ("page.product", "is a group of fields; name one of them: page.product.sku, "),
            ("cart", "is a group of fields; name one of them: cart.value, "),
            ("cart.zzzzzzzzzz", "there are: cart.value, cart.count, "),
            ("cart.lines.0.sku", "`cart.lines` is a list; look into it with {\"cart.lines\": {\"$elemMatch\": …}}"),
            ("sesion.pages_seen", "for `sesion`: did you mean `session`?"),
            ("weather", "for `weather`: there are: event, page, "),
            ("stage.name.of.it", "nothing is below `stage`"),
            ("event.properties", "is an open object; name one of its members"),
            ("event.properties..x", "empty part"),
            ("", "is not a field"),
        ] {
            let message = resolve(path).unwrap_err();
            assert!(message.contains(said), "{path}: {message}");
        }
        assert!(resolve(&"x.".repeat(9_999)).unwrap_err().len() < 600);
        assert!(resolve_line("skuu").unwrap_err().contains("did you mean `sku`?"));
    }

    #[test]
    fn what_is_not_at_hand_cannot_be_read() {
        assert!(resolve_in(Setting::Eventless, "event.name").unwrap_err().contains("no event is at hand"));
        assert!(resolve_in(Setting::Segment, "segments").unwrap_err().contains("not made of other segments"));
        assert!(resolve_in(Setting::Segment, "event.properties.x").is_err());
        assert!(resolve_in(Setting::Eventless, "segments").is_ok());
    }
}
