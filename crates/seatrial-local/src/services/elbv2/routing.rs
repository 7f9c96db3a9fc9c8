//! From the tables to the proxy: which port answers by which rules.

use std::sync::Arc;
use std::time::Duration;

use super::attributes;
use super::conditions::RuleCondition;
use super::network;
use super::rows::{ListenerRow, LoadBalancerRow, RuleRow};
use super::shapes::Action;
use super::store::{Elb, primary};
use crate::cloud::Cloud;
use crate::error::ServiceError;
use crate::fault::FaultKind;
use crate::proxy::{Action as ProxyAction, Case, Fixed, Forward, Redirect, Rules};

/// A listener's address on this machine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LocalListener {
    pub load_balancer_name: String,
    pub listener_arn: String,
    /// The port AWS would listen on.
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// Whether the load balancer's `DNSName` leads here too.
    pub primary: bool,
}

impl Elb {
    /// Puts a load balancer's listeners, as the tables have them now, into force.
    pub(super) fn route(&self, load_balancer: &LoadBalancerRow) -> Result<(), ServiceError> {
        let _in_step = self.proxies.in_step();
        let arn = &load_balancer.shape.load_balancer_arn;
        let listeners = self.listeners_of(arn);
        let primary = primary(&listeners).map(|row| row.shape.listener_arn.clone());
        let mut primary_rules = None;
        for row in &listeners {
            let rules = self.rules(load_balancer, &listeners, row)?;
            // With nothing to show a listener is closed, and never speaks plain HTTP instead.
            let rules = (rules.protocol == "http" || rules.tls.is_some()).then(|| Arc::new(rules));
            if primary.as_ref() == Some(&row.shape.listener_arn) {
                primary_rules.clone_from(&rules);
            }
            self.proxies.set_rules(&row.shape.listener_arn, rules);
        }
        self.proxies.set_rules(arn, primary_rules);
        Ok(())
    }

    fn rules(
        &self,
        load_balancer: &LoadBalancerRow,
        listeners: &[ListenerRow],
        row: &ListenerRow,
    ) -> Result<Rules, ServiceError> {
        let seconds = |key| {
            let set = &load_balancer.attributes;
            Duration::from_secs(attributes::seconds(&attributes::LOAD_BALANCER, set, key))
        };
        let last = |actions: &[Action]| {
            let action = actions.last();
            let action = action.ok_or_else(|| ServiceError::internal("a rule or listener has no action"))?;
            Ok::<_, ServiceError>(self.action(listeners, action))
        };
        let case = |rule: RuleRow| {
            let conditions = rule.conditions.iter().map(RuleCondition::asked).collect();
            Ok::<_, ServiceError>(Case { conditions, action: last(&rule.actions)? })
        };
        let cases = self.rules_of(&row.shape.listener_arn).into_iter().map(case);
        Ok(Rules {
            port: row.shape.port,
            protocol: if row.shape.protocol == "HTTPS" { "https" } else { "http" },
            tls: self.shown.of(&row.shape.listener_arn),
            http2: attributes::flag(
                &attributes::LOAD_BALANCER,
                &load_balancer.attributes,
                "routing.http2.enabled",
            ),
            idle_timeout: seconds("idle_timeout.timeout_seconds"),
            client_keep_alive: seconds("client_keep_alive.seconds"),
            late_fin: self.proxies.late_fin(),
            cases: cases.collect::<Result<_, _>>()?,
            action: last(&row.shape.default_actions)?,
        })
    }

    fn action(&self, listeners: &[ListenerRow], action: &Action) -> ProxyAction {
        if let Some(redirect) = &action.redirect_config {
            return ProxyAction::Redirect(Redirect {
                protocol: redirect.protocol.clone(),
                host: redirect.host.clone(),
                port: redirect.port.clone(),
                path: redirect.path.clone(),
                query: redirect.query.clone(),
                status: if redirect.status_code == "HTTP_301" { 301 } else { 302 },
                local_ports: listeners.iter().map(|row| (row.shape.port, row.local_port)).collect(),
            });
        }
        if let Some(fixed) = &action.fixed_response_config {
            return ProxyAction::Fixed(Fixed {
                status: fixed.status_code.parse().unwrap_or(503),
                content_type: fixed.content_type.clone().unwrap_or_else(|| "text/plain".to_owned()),
                body: fixed.message_body.clone().unwrap_or_default(),
            });
        }
        let groups = action.target_groups().iter().map(|group| {
            let weight = u32::try_from(group.weight.unwrap_or(1)).unwrap_or_default();
            (self.proxies.open_group(&group.target_group_arn), weight)
        });
        ProxyAction::Forward(Forward::new(groups.collect()))
    }

    /// Opens every port again after a restart. A port that was taken meanwhile is replaced, and said so.
    pub(super) fn reopen(&self, cloud: &Cloud) -> Result<(), ServiceError> {
        let asked = cloud.clone();
        self.proxies.set_late_fin(Arc::new(move || asked.faults().take(FaultKind::LateFin)));
        for row in self.target_groups.values() {
            let group = self.proxies.open_group(&row.shape.target_group_arn);
            group.set_sharing(attributes::sharing(&row.attributes));
        }
        for row in self.listeners.values() {
            let arn = &row.shape.listener_arn;
            let port = self.proxies.reserve(arn, Some(row.local_port), network::admission(cloud, arn))?;
            if port != row.local_port {
                self.listeners.update(arn, |row| row.local_port = port)?;
            }
        }
        for mut row in self.load_balancers.values() {
            let arn = row.shape.load_balancer_arn.clone();
            let port = self.proxies.reserve(&arn, Some(row.local_port), network::admission(cloud, &arn))?;
            if port != row.local_port {
                row.local_port = port;
                row.shape.dns_name = format!("127.0.0.1:{port}");
                self.load_balancers.put(&arn, &row)?;
            }
            self.route(&row)?;
        }
        Ok(())
    }

    /// Where each listener answers on this machine.
    pub(super) fn local_listeners(&self) -> Vec<LocalListener> {
        let mut found = Vec::new();
        for load_balancer in self.load_balancers.values() {
            let listeners = self.listeners_of(&load_balancer.shape.load_balancer_arn);
            let primary = primary(&listeners).map(|row| row.shape.port);
            found.extend(listeners.into_iter().map(|row| LocalListener {
                load_balancer_name: load_balancer.shape.load_balancer_name.clone(),
                primary: Some(row.shape.port) == primary,
                address: format!("127.0.0.1:{}", row.local_port),
                listener_arn: row.shape.listener_arn,
                port: row.shape.port,
                protocol: row.shape.protocol,
            }));
        }
        found
    }
}
