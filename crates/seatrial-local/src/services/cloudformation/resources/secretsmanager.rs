//! Resource types of Secrets Manager.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Change, Created, Flag, Number, Resource, ResourceContext, ResourceTypes, Tag, answered, gone,
    own_tags, told,
};
use crate::error::ServiceError;
use crate::services::secretsmanager::{
    CreateSecret, DeleteSecret, DescribeSecret, Password, TagResource, UpdateSecret,
};

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<Secret>();
}

struct Secret;

/// Without `Debug`: `SecretString` may be a value.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct SecretProperties {
    name: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    generate_secret_string: Option<GenerateSecretString>,
    tags: Vec<Tag>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct GenerateSecretString {
    secret_string_template: Option<String>,
    generate_string_key: Option<String>,
    password_length: Option<Number>,
    exclude_characters: Option<String>,
    exclude_lowercase: Option<Flag>,
    exclude_uppercase: Option<Flag>,
    exclude_numbers: Option<Flag>,
    exclude_punctuation: Option<Flag>,
    include_space: Option<Flag>,
    require_each_included_type: Option<Flag>,
}

impl GenerateSecretString {
    /// A new value: the password alone, or the template's JSON with the password under its key.
    fn generate(self) -> Result<String, ServiceError> {
        let on = |flag: Option<Flag>| flag.map(|flag| flag.0);
        let rules = Password {
            password_length: self.password_length.map(|length| length.0),
            exclude_characters: self.exclude_characters,
            exclude_lowercase: on(self.exclude_lowercase),
            exclude_uppercase: on(self.exclude_uppercase),
            exclude_numbers: on(self.exclude_numbers),
            exclude_punctuation: on(self.exclude_punctuation),
            include_space: on(self.include_space),
            require_each_included_type: on(self.require_each_included_type),
        };
        let password = rules.generate()?;
        let invalid = |message: &str| Err(ServiceError::new("InvalidRequest", message));
        match (self.secret_string_template, self.generate_string_key) {
            (None, None) => Ok(password),
            (Some(template), Some(key)) => match serde_json::from_str::<Map<String, Value>>(&template) {
                Ok(mut object) => {
                    object.insert(key, json!(password));
                    Ok(Value::Object(object).to_string())
                }
                Err(_) => invalid("SecretStringTemplate is not a JSON object"),
            },
            _ => invalid("SecretStringTemplate and GenerateStringKey must be given together"),
        }
    }
}

fn value(
    string: Option<String>,
    generate: Option<GenerateSecretString>,
) -> Result<Option<String>, ServiceError> {
    match (string, generate) {
        (Some(_), Some(_)) => Err(ServiceError::new(
            "InvalidRequest",
            "You can specify either SecretString or GenerateSecretString, but not both",
        )),
        (string, generate) => Ok(string.or(generate.map(GenerateSecretString::generate).transpose()?)),
    }
}

fn attributes(arn: &str) -> Attributes {
    super::attributes([("Id", json!(arn))])
}

impl Resource for Secret {
    const TYPE: &'static str = "AWS::SecretsManager::Secret";
    type Properties = SecretProperties;

    async fn create(ctx: &ResourceContext, properties: SecretProperties) -> Result<Created, ServiceError> {
        let name = properties.name.unwrap_or_else(|| ctx.generated_name(64));
        let input = CreateSecret {
            name: name.clone(),
            description: properties.description,
            kms_key_id: properties.kms_key_id,
            secret_string: value(properties.secret_string, properties.generate_secret_string)?,
            tags: ctx.tag_list(&properties.tags),
            ..CreateSecret::default()
        };
        let made = ctx.made(ctx.cloud.call(&ctx.principal, input).await, "ResourceExistsException")?;
        let arn = match made {
            Some(made) => made.arn,
            None => ctx.cloud.call(&ctx.principal, DescribeSecret { secret_id: name }).await?.arn,
        };
        Ok(Created { attributes: attributes(&arn), physical_id: arn })
    }

    async fn update(
        ctx: &ResourceContext,
        physical_id: &str,
        change: Change<SecretProperties>,
    ) -> Result<Attributes, ServiceError> {
        let Change { old, new } = change;
        // A value is generated anew only when the rules for it change.
        let changed = (new.secret_string != old.secret_string)
            || (new.generate_secret_string != old.generate_secret_string);
        let tags = ctx.tag_list(&new.tags);
        let secret_string =
            if changed { value(new.secret_string, new.generate_secret_string)? } else { None };
        let input = UpdateSecret {
            secret_id: physical_id.to_owned(),
            description: new.description,
            kms_key_id: new.kms_key_id,
            secret_string,
            ..UpdateSecret::default()
        };
        ctx.cloud.call(&ctx.principal, input).await?;
        ctx.cloud.call(&ctx.principal, TagResource { secret_id: physical_id.to_owned(), tags }).await?;
        Ok(attributes(physical_id))
    }

    const READABLE: bool = true;

    /// Its value is not read: a secret is no part of a drift. One that waits for its deletion is gone.
    async fn read(
        ctx: &ResourceContext,
        id: &str,
        properties: SecretProperties,
    ) -> Result<Option<Value>, ServiceError> {
        let found = ctx.cloud.call(&ctx.principal, DescribeSecret { secret_id: id.to_owned() }).await;
        let answer = answered(found, "ResourceNotFoundException")?;
        Ok(answer.filter(|shown| shown["DeletedDate"].is_null()).map(|shown| {
            let mut read = told(&shown, ["Name", "Description", "KmsKeyId"]);
            read.insert("Tags".to_owned(), own_tags(&properties.tags, &shown["Tags"]));
            read.into()
        }))
    }

    async fn delete(
        ctx: &ResourceContext,
        physical_id: &str,
        _properties: SecretProperties,
    ) -> Result<(), ServiceError> {
        let input = DeleteSecret {
            secret_id: physical_id.to_owned(),
            force_delete_without_recovery: Some(true),
            ..DeleteSecret::default()
        };
        gone(ctx.cloud.call(&ctx.principal, input).await, "ResourceNotFoundException")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_password_is_put_into_the_template() {
        let rules = GenerateSecretString {
            secret_string_template: Some(r#"{"username":"owner"}"#.to_owned()),
            generate_string_key: Some("password".to_owned()),
            password_length: Some(Number(40)),
            exclude_punctuation: Some(Flag(true)),
            ..GenerateSecretString::default()
        };

        let value: Value = serde_json::from_str(&rules.generate().unwrap()).unwrap();

        assert_eq!(value["username"], "owner");
        assert_eq!(value["password"].as_str().unwrap().len(), 40);
    }
}
