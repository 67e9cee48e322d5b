//! The tree of a crate's modules: each with its file and what is defined and imported in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, UseTree, Visibility};

use super::names::Names;
use crate::graph::Graph;

pub type ModuleId = usize;

/// One of the crate's modules.
#[derive(Debug)]
struct Module {
    parent: Option<ModuleId>,
    file: String,
    children: BTreeMap<String, ModuleId>,
    /// Names defined here, each with what defines it: the file, or the tests in it.
    items: BTreeMap<String, String>,
    imports: BTreeMap<String, Vec<Vec<String>>>,
    globs: Vec<Vec<String>>,
}

/// A name in code, with where it stands.
#[derive(Debug)]
struct Mention {
    module: ModuleId,
    from: String,
    path: Vec<String>,
    is_reexport: bool,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Module(ModuleId),
    /// Something that this file defines.
    In(String),
}

#[derive(Debug, Default)]
pub struct Crate {
    modules: Vec<Module>,
    mentions: Vec<Mention>,
}

/// Gives the text of a file of the repository.
type Read<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// Where the files of a module's children are, and where `#[path]` starts.
struct SourceFile {
    path: PathBuf,
    children: PathBuf,
}

impl Crate {
    /// Reads a crate from the file at its top.
    pub fn read(top: &Path, read: Read<'_>) -> Self {
        let mut tree = Self::default();
        let children = top.parent().unwrap_or(Path::new("")).to_owned();
        let file = SourceFile {
            path: top.to_owned(),
            children,
        };
        tree.read_file(None, file, false, read);
        tree
    }

    fn read_file(
        &mut self,
        parent: Option<ModuleId>,
        file: SourceFile,
        is_test: bool,
        read: Read<'_>,
    ) -> ModuleId {
        let text = read(&file.path).unwrap_or_else(|| panic!("no file {}", file.path.display()));
        let syntax = syn::parse_file(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.path.display()));
        let id = self.open(parent, file.path.display().to_string());
        self.read_items(id, &syntax.items, &file, is_test, read);
        id
    }

    fn open(&mut self, parent: Option<ModuleId>, file: String) -> ModuleId {
        self.modules.push(Module {
            parent,
            file,
            children: BTreeMap::new(),
            items: BTreeMap::new(),
            imports: BTreeMap::new(),
            globs: Vec::new(),
        });
        self.modules.len() - 1
    }

    fn read_items(
        &mut self,
        id: ModuleId,
        items: &[Item],
        file: &SourceFile,
        is_test: bool,
        read: Read<'_>,
    ) {
        for item in items {
            let is_test = is_test || attributes(item).iter().any(is_for_tests);
            if let Item::Mod(module) = item {
                self.read_module(id, module, file, is_test, read);
                continue;
            }
            let from = layer(&self.modules[id].file, is_test);
            if let Some(name) = defined_name(item) {
                let is_exported = attributes(item)
                    .iter()
                    .any(|attribute| attribute.path().is_ident("macro_export"));
                let at = if is_exported { 0 } else { id };
                self.modules[at].items.insert(name, from.clone());
            }
            let mut names = Names::default();
            names.visit_item(item);
            for path in names.paths {
                self.mention(id, &from, path, false);
            }
            for import in names.imports {
                let is_reexport = !matches!(import.vis, Visibility::Inherited);
                self.import(id, &from, Vec::new(), &import.tree, is_reexport);
            }
        }
    }

    fn read_module(
        &mut self,
        id: ModuleId,
        module: &ItemMod,
        file: &SourceFile,
        is_test: bool,
        read: Read<'_>,
    ) {
        let name = module.ident.to_string();
        let child = if let Some((_, items)) = &module.content {
            let child = self.open(Some(id), self.modules[id].file.clone());
            let inner = SourceFile {
                path: file.path.clone(),
                children: file.children.join(&name),
            };
            self.read_items(child, items, &inner, is_test, read);
            child
        } else {
            self.read_file(Some(id), file_of(module, file, read), is_test, read)
        };
        self.modules[id].children.insert(name, child);
    }

    fn import(
        &mut self,
        id: ModuleId,
        from: &str,
        mut path: Vec<String>,
        tree: &UseTree,
        is_reexport: bool,
    ) {
        let (name, alias) = match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                return self.import(id, from, path, &inner.tree, is_reexport);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(id, from, path.clone(), tree, is_reexport);
                }
                return;
            }
            UseTree::Glob(_) => return self.modules[id].globs.push(path),
            UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            UseTree::Rename(rename) => (rename.ident.to_string(), rename.rename.to_string()),
        };
        let alias = match (name.as_str(), path.last()) {
            // `use a::{self}` imports `a`.
            ("self", Some(last)) if alias == "self" => last.clone(),
            _ => alias,
        };
        if name != "self" {
            path.push(name);
        }
        self.mention(id, from, path.clone(), is_reexport);
        self.modules[id]
            .imports
            .entry(alias)
            .or_default()
            .push(path);
    }

    fn mention(&mut self, module: ModuleId, from: &str, path: Vec<String>, is_reexport: bool) {
        self.mentions.push(Mention {
            module,
            from: from.to_owned(),
            path,
            is_reexport,
        });
    }

    /// Which file needs which.
    pub fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        for mention in &self.mentions {
            for found in self.resolve(mention.module, &mention.path, &mut BTreeSet::new()) {
                let Found::In(file) = found else { continue };
                let declares = mention.is_reexport && self.is_within(mention.module, &file);
                if !declares {
                    graph.add(&mention.from, &file, &mention.path.join("::"));
                }
            }
        }
        graph
    }

    /// Whether a file belongs to a descendant of a module.
    fn is_within(&self, ancestor: ModuleId, file: &str) -> bool {
        let is_descendant = |module: &Module| {
            let mut parent = module.parent;
            while let Some(id) = parent {
                if id == ancestor {
                    return true;
                }
                parent = self.modules[id].parent;
            }
            false
        };
        self.modules
            .iter()
            .any(|module| module.file == file && is_descendant(module))
    }

    fn resolve(
        &self,
        from: ModuleId,
        path: &[String],
        visited: &mut BTreeSet<(ModuleId, String)>,
    ) -> BTreeSet<Found> {
        let mut module = from;
        let mut rest = path;
        while let [first, after @ ..] = rest {
            match first.as_str() {
                "crate" => module = 0,
                "self" => {}
                "super" => module = self.modules[module].parent.unwrap_or(module),
                _ => break,
            }
            rest = after;
        }
        let is_anchored = rest.len() < path.len();
        let mut found = BTreeSet::from([Found::Module(module)]);
        for (depth, name) in rest.iter().enumerate() {
            let is_within_crate = is_anchored || depth > 0;
            // A function may have the name of a module, but nothing stands behind a function.
            let has_module = found.iter().any(|found| matches!(found, Found::Module(_)));
            found = found
                .into_iter()
                .filter(|found| !has_module || matches!(found, Found::Module(_)))
                .flat_map(|found| match found {
                    Found::Module(id) => {
                        let named = self.look_up(id, name, visited);
                        if named.is_empty() && is_within_crate {
                            // A macro makes it.
                            BTreeSet::from([Found::In(self.modules[id].file.clone())])
                        } else {
                            named
                        }
                    }
                    item => BTreeSet::from([item]),
                })
                .collect();
        }
        found
    }

    /// What a name is in a module, private names included.
    fn look_up(
        &self,
        id: ModuleId,
        name: &str,
        visited: &mut BTreeSet<(ModuleId, String)>,
    ) -> BTreeSet<Found> {
        if !visited.insert((id, name.to_owned())) {
            return BTreeSet::new();
        }
        let module = &self.modules[id];
        let mut found = BTreeSet::new();
        found.extend(module.children.get(name).copied().map(Found::Module));
        found.extend(module.items.get(name).cloned().map(Found::In));
        for path in module.imports.get(name).into_iter().flatten() {
            found.extend(self.resolve(id, path, visited));
        }
        if found.is_empty() {
            for path in &module.globs {
                for glob in self.resolve(id, path, visited) {
                    if let Found::Module(other) = glob {
                        found.extend(self.look_up(other, name, visited));
                    }
                }
            }
        }
        visited.remove(&(id, name.to_owned()));
        found
    }
}

/// The file of `mod name;`.
fn file_of(module: &ItemMod, file: &SourceFile, read: Read<'_>) -> SourceFile {
    if let Some(named) = module.attrs.iter().find_map(path_of) {
        // The language starts at the directory of the file.
        let directory = file.path.parent().unwrap_or(Path::new(""));
        let path = normal(&directory.join(named));
        let children = path.parent().unwrap_or(Path::new("")).to_owned();
        return SourceFile { path, children };
    }
    let name = module.ident.to_string();
    let children = file.children.join(&name);
    let beside = file.children.join(format!("{name}.rs"));
    let path = if read(&beside).is_some() {
        beside
    } else {
        children.join("mod.rs")
    };
    SourceFile { path, children }
}

fn path_of(attribute: &Attribute) -> Option<String> {
    let value = match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => &pair.value,
        _ => return None,
    };
    match value {
        syn::Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Without `..` inside.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path {
        if part == ".." {
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    normal
}

/// A file and the tests in it are two things.
fn layer(file: &str, is_test: bool) -> String {
    if is_test {
        format!("{file} (tests)")
    } else {
        file.to_owned()
    }
}

/// Whether only tests compile what has this attribute.
fn is_for_tests(attribute: &Attribute) -> bool {
    let words = match &attribute.meta {
        syn::Meta::List(list) if attribute.path().is_ident("cfg") => list.tokens.to_string(),
        _ => return attribute.path().is_ident("test"),
    };
    let mut words = words.split(|letter: char| !letter.is_alphanumeric());
    words.clone().any(|word| word == "test") && words.all(|word| word != "not")
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
