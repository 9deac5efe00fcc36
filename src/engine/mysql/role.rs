//! What the account may do beyond reading, and the account to use instead.

use super::{MySql, text};
use crate::engine::Role;
use crate::error::Result;
use crate::statement::Dialect;

/// Privileges that only read or tell. The name of a role that is granted stands without ON.
const READING: &[&str] = &[
    "BINLOG MONITOR",
    "PROCESS",
    "REPLICA MONITOR",
    "REPLICATION CLIENT",
    "SELECT",
    "SHOW CREATE ROUTINE",
    "SHOW DATABASES",
    "SHOW VIEW",
    "SHOW_ROUTINE",
    "SLAVE MONITOR",
    "USAGE",
    "XA_RECOVER_ADMIN",
];

impl MySql {
    pub(in crate::engine) async fn role(&mut self) -> Result<Role> {
        let mut excess = Vec::new();
        for row in self.rows("SHOW GRANTS").await? {
            if let Some(found) = beyond_reading(&text(&row, 0)?) {
                excess.push(found);
            }
        }
        excess.sort();
        excess.dedup();
        let schema = if self.default_schema.is_empty() {
            "*".to_owned()
        } else {
            Dialect::MySql.identifier(&self.default_schema)
        };
        Ok(Role {
            name: self.account.clone(),
            excess,
            instead: vec![
                "CREATE USER 'dbops'@'%' IDENTIFIED BY '<password>';".to_owned(),
                format!("GRANT SELECT, SHOW VIEW ON {schema}.* TO 'dbops'@'%';"),
                "GRANT PROCESS ON *.* TO 'dbops'@'%';".to_owned(),
                "GRANT SELECT ON performance_schema.* TO 'dbops'@'%';".to_owned(),
            ],
        })
    }
}

/// What one line of SHOW GRANTS gives that is more than reading.
fn beyond_reading(grant: &str) -> Option<String> {
    let rest = grant.strip_prefix("GRANT ")?;
    let (privileges, on) = rest.split_once(" ON ")?;
    let object = on.split(" TO ").next().unwrap_or(on).replace('`', "");
    let mut more = Vec::new();
    let mut depth = 0_i32;
    for privilege in privileges.split(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    }) {
        let name = privilege.split('(').next().unwrap_or(privilege).trim();
        if !name.is_empty() && !READING.contains(&name) {
            more.push(name.to_owned());
        }
    }
    // A name that holds as much as this tells of it all.
    if more.len() > 4 {
        more.truncate(4);
        more.push("…".to_owned());
    }
    (!more.is_empty()).then(|| format!("has {} on {object}", more.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_reading_is_told() {
        let beyond = |grant| beyond_reading(grant).unwrap_or_default();
        assert_eq!(
            beyond("GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*1'"),
            ""
        );
        assert_eq!(beyond("GRANT SELECT, SHOW VIEW ON `shop`.* TO `a`@`%`"), "");
        assert_eq!(
            beyond("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION"),
            "has ALL PRIVILEGES on *.*"
        );
        assert_eq!(
            beyond("GRANT SELECT (a, b), UPDATE (c) ON `shop`.`t` TO `a`@`%`"),
            "has UPDATE on shop.t"
        );
        assert_eq!(beyond("GRANT `reader`@`%` TO `a`@`%`"), "");
        assert_eq!(beyond("GRANT FILE ON *.* TO `a`@`%`"), "has FILE on *.*");
    }
}
