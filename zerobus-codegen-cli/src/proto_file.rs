use crate::project::Kind;

/// The file that a message stands in.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProtoFile {
    pub(crate) package: Option<String>,
    /// Whether a descriptor is that of the file, in a set, instead of the message alone.
    pub(crate) is_set: bool,
}

impl ProtoFile {
    /// What may be asked of an output of this kind, or what is wrong with it.
    pub(crate) fn new(kind: Kind, package: Option<&str>, is_set: bool) -> Result<Self, String> {
        if is_set && kind != Kind::Descriptor {
            return Err("a file set is made of descriptors; generate a descriptor".to_owned());
        }
        if let Some(package) = package {
            if !package.split('.').all(is_identifier) {
                return Err(format!(
                    "`{package}` is no name of a package; take names of letters, digits and underscores, with dots \
                     between them"
                ));
            }
            if kind != Kind::Proto && !is_set {
                return Err(
                    "a package is for .proto files and file sets; the message that a stream sends is in none".to_owned(),
                );
            }
        }
        Ok(Self {
            package: package.map(str::to_owned),
            is_set,
        })
    }
}

/// Whether protobuf takes it as a name.
pub(crate) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
