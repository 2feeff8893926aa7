// This file was generated with `cornucopia`. Do not modify.

pub mod agents;
pub mod audit_checkpoints;
pub mod audit_verifications;
pub mod audits;
pub mod budgets;
pub mod demo;
pub mod messages;
pub mod plans;
pub mod rbac_bindings;
pub mod rbac_roles;
pub mod tenants;
pub mod tools;
pub mod users;
pub mod workflows;
