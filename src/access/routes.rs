//! The admin's routes in one table: path, method, the role it needs, who answers. `docs/openapi.json` describes the same
//! ones; a test compares the two.

use super::admin::Role;
use crate::rulebook::Kind;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The site's rulebook object.
    Rulebook,
    /// The router itself: compiles what the body brings.
    Validation,
    /// The router itself: the description of this surface.
    Description,
    /// The visitor's object.
    Visitor,
    /// The visitor's object, named by an id of the store's own.
    NamedVisitor,
    /// Everybody who has anything of the visitor, or of the user and its visitors: all of it is erased.
    Erasure,
    /// Everybody who has anything of the visitor: all of it in one document.
    Export,
    /// The log: the visitor's object and the database.
    Log,
    /// The dead letters in the database.
    DeadLetters,
    /// The archive's keys in the database.
    ArchiveKeys,
    /// The user's object.
    User,
    /// The user's object, named by the store's own id.
    NamedUser,
}

/// One operation.
#[derive(Debug)]
pub struct Route {
    /// The path below `/admin/v1/`; `{kind}` stands for `rules`, `segments` or `stages`, `{letter}` for 32 hexadecimal
    /// digits, another name in braces for one segment of the path.
    pub path: &'static str,
    /// The method, in capitals.
    pub method: &'static str,
    /// The least role that may; `None`: anybody.
    pub role: Option<Role>,
    /// Who answers.
    pub to: To,
}

const fn read(path: &'static str, to: To) -> Route {
    Route { path, method: "GET", role: Some(Role::Viewer), to }
}

const fn write(method: &'static str, path: &'static str) -> Route {
    Route { path, method, role: Some(Role::Author), to: To::Rulebook }
}

const fn operate(method: &'static str, path: &'static str, to: To) -> Route {
    Route { path, method, role: Some(Role::Admin), to }
}

/// Every operation of the admin.
pub const ROUTES: &[Route] = &[
    Route { path: "openapi.json", method: "GET", role: None, to: To::Description },
    read("sites/{site}/{kind}", To::Rulebook),
    write("POST", "sites/{site}/{kind}"),
    read("sites/{site}/{kind}/{id}", To::Rulebook),
    write("PUT", "sites/{site}/{kind}/{id}"),
    write("DELETE", "sites/{site}/{kind}/{id}"),
    Route { path: "sites/{site}/validate", method: "POST", role: Some(Role::Viewer), to: To::Validation },
    read("sites/{site}/draft", To::Rulebook),
    write("PUT", "sites/{site}/draft"),
    write("DELETE", "sites/{site}/draft"),
    Route { path: "sites/{site}/draft/validate", method: "POST", role: Some(Role::Viewer), to: To::Rulebook },
    write("POST", "sites/{site}/draft/publish"),
    read("sites/{site}/draft/{kind}", To::Rulebook),
    write("POST", "sites/{site}/draft/{kind}"),
    read("sites/{site}/draft/{kind}/{id}", To::Rulebook),
    write("PUT", "sites/{site}/draft/{kind}/{id}"),
    write("DELETE", "sites/{site}/draft/{kind}/{id}"),
    read("sites/{site}/versions", To::Rulebook),
    read("sites/{site}/versions/{version}", To::Rulebook),
    read("sites/{site}/versions/{version}/diff/{other}", To::Rulebook),
    write("POST", "sites/{site}/versions/{version}/restore"),
    read("sites/{site}/audit", To::Rulebook),
    read("sites/{site}/previews", To::Rulebook),
    write("PUT", "sites/{site}/previews/{visitor}"),
    write("DELETE", "sites/{site}/previews/{visitor}"),
    read("sites/{site}/users", To::NamedUser),
    read("sites/{site}/users/{user}", To::User),
    operate("DELETE", "sites/{site}/users/{user}", To::Erasure),
    read("sites/{site}/visitors", To::NamedVisitor),
    read("sites/{site}/visitors/{visitor}", To::Visitor),
    operate("DELETE", "sites/{site}/visitors/{visitor}", To::Erasure),
    read("sites/{site}/visitors/{visitor}/events", To::Log),
    operate("GET", "sites/{site}/visitors/{visitor}/export", To::Export),
    read("sites/{site}/visitors/{visitor}/records", To::Log),
    read("sites/{site}/visitors/{visitor}/state", To::Log),
    read("sites/{site}/visitors/{visitor}/triggers", To::Log),
    read("sites/{site}/visitors/{visitor}/explain/{rule}", To::Visitor),
    Route {
        path: "sites/{site}/visitors/{visitor}/dry-run",
        method: "POST",
        role: Some(Role::Viewer),
        to: To::Visitor,
    },
    read("sites/{site}/dead-letters", To::DeadLetters),
    operate("POST", "sites/{site}/dead-letters/replay", To::DeadLetters),
    operate("GET", "sites/{site}/dead-letters/{letter}", To::DeadLetters),
    operate("DELETE", "sites/{site}/dead-letters/{letter}", To::DeadLetters),
    operate("POST", "sites/{site}/dead-letters/{letter}/replay", To::DeadLetters),
    operate("GET", "sites/{site}/archive-keys", To::ArchiveKeys),
];

/// What is at a path.
#[derive(Debug)]
pub enum Found {
    /// This operation.
    Route(&'static Route),
    /// The path, but not the method; these are the methods it has, as the `Allow` header lists them.
    OtherMethods(String),
    /// Nothing.
    Nothing,
}

/// Looks up a path below `/admin/v1/`.
pub fn find(method: &str, path: &str) -> Found {
    let parts: Vec<&str> = path.split('/').collect();
    let here = || ROUTES.iter().filter(|route| matches(route.path, &parts));
    if let Some(route) = here().find(|route| route.method == method) {
        return Found::Route(route);
    }
    let methods: Vec<&str> = here().map(|route| route.method).collect();
    if methods.is_empty() { Found::Nothing } else { Found::OtherMethods(methods.join(", ")) }
}

fn matches(template: &str, parts: &[&str]) -> bool {
    let wanted: Vec<&str> = template.split('/').collect();
    wanted.len() == parts.len()
        && wanted.iter().zip(parts).all(|(wanted, part)| match *wanted {
            "{kind}" => Kind::parse(part).is_some(),
            "{letter}" => part.len() == 32 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            wanted if wanted.starts_with('{') => !part.is_empty(),
            wanted => wanted == *part,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str) -> Option<(&'static str, To)> {
        match find(method, path) {
            Found::Route(route) => Some((route.path, route.to)),
            Found::OtherMethods(_) | Found::Nothing => None,
        }
    }

    #[test]
    fn a_path_leads_to_one_operation() {
        assert_eq!(route("GET", "sites/demo/rules/x"), Some(("sites/{site}/{kind}/{id}", To::Rulebook)));
        assert_eq!(route("GET", "sites/demo/draft/rules"), Some(("sites/{site}/draft/{kind}", To::Rulebook)));
        assert_eq!(route("POST", "sites/demo/draft/publish"), Some(("sites/{site}/draft/publish", To::Rulebook)));
        assert_eq!(route("GET", "sites/demo/visitors"), Some(("sites/{site}/visitors", To::NamedVisitor)));
        for nothing in
            ["", "sites", "sites/demo", "sites/demo/rules/", "sites/demo/rules/x/y", "sites//rules", "x/demo/rules"]
        {
            assert!(matches!(find("GET", nothing), Found::Nothing), "{nothing}");
        }
        // No two templates are at one path, so that the order of the table says nothing.
        for (at, one) in ROUTES.iter().enumerate() {
            let path =
                one.path.replace("{kind}", "rules").replace("{letter}", &"0a".repeat(16)).replace(['{', '}'], "");
            let same = |other: &&Route| {
                other.method == one.method && matches(other.path, &path.split('/').collect::<Vec<_>>())
            };
            assert_eq!(ROUTES.iter().filter(same).count(), 1, "{at} {path}");
        }
    }

    #[test]
    fn a_path_without_the_method_says_which_it_has() {
        let Found::OtherMethods(methods) = find("PATCH", "sites/demo/rules/x") else { panic!("found") };
        assert_eq!(methods, "GET, PUT, DELETE");
        let Found::OtherMethods(methods) = find("GET", "sites/demo/dead-letters/replay") else { panic!("found") };
        assert_eq!(methods, "POST");
    }

    #[test]
    fn only_the_description_is_for_anybody_only_authors_write_and_only_admins_erase_and_export() {
        for route in ROUTES {
            assert_eq!(route.role.is_none(), route.to == To::Description, "{}", route.path);
            let looks = ["validate", "dry-run"].iter().any(|name| route.path.ends_with(name));
            let whole = matches!(route.to, To::Erasure | To::Export);
            // What goes to the sinks is the operators', not the authors'.
            let operates = matches!(route.to, To::DeadLetters | To::ArchiveKeys);
            let changes = route.method != "GET" && !looks;
            let authors = changes && !operates && !whole;
            assert_eq!(route.role == Some(Role::Author), authors, "{} {}", route.method, route.path);
            let admins = whole || (changes && operates);
            assert!(!admins || route.role == Some(Role::Admin), "{} {}", route.method, route.path);
        }
    }
}
