//! Who there is. A real application has a database, and stores no passwords but their hashes.

use std::convert::Infallible;

use axum_login::{AuthUser, AuthnBackend};
use serde::Deserialize;

/// Names and passwords.
const USERS: [(&str, &str); 2] = [("alice", "wonderland"), ("bob", "builder")];

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    password: &'static str,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Login {
    name: String,
    password: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Users;

impl Users {
    fn find(name: &str) -> Option<User> {
        let (name, password) = USERS.into_iter().find(|(known, _)| *known == name)?;
        Some(User {
            name: name.to_owned(),
            password,
        })
    }
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.name.clone()
    }

    /// Who changes the password logs everybody else out.
    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Login;
    type Error = Infallible;

    async fn authenticate(&self, login: Login) -> Result<Option<User>, Infallible> {
        let user = Self::find(&login.name);
        Ok(user.filter(|user| user.password == login.password))
    }

    async fn get_user(&self, name: &String) -> Result<Option<User>, Infallible> {
        Ok(Self::find(name))
    }
}
