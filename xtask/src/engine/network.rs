//! What an engine needs to make a network once more, taken from the network itself.

use bollard::models::{Ipam, NetworkCreateRequest, NetworkInspect};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A network as it can be made again: driver, options and labels, and the addresses that it had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkSpec {
    pub(super) body: NetworkCreateRequest,
}

impl NetworkSpec {
    pub fn name(&self) -> &str {
        &self.body.name
    }

    /// The same specification gives the same bytes.
    ///
    /// # Errors
    /// None in practice: all of it is plain data.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let value = serde_json::to_value(self).map(|mut value| {
            value.sort_all_objects();
            value.to_string().into_bytes()
        });
        value.map_err(|_| Error::failed(format!("write down how the network {} is made", self.name())))
    }

    /// # Errors
    /// `Unusable`: these are not the bytes of a specification.
    pub fn from_bytes(bytes: &[u8]) -> Result<NetworkSpec> {
        serde_json::from_slice(bytes).map_err(|error| Error::unusable("read how a network is made").why(error.to_string()))
    }

    /// As an inspection shows it.
    pub(super) fn of(inspected: NetworkInspect) -> NetworkSpec {
        let body = NetworkCreateRequest {
            name: inspected.name.unwrap_or_default(),
            driver: inspected.driver,
            internal: inspected.internal,
            attachable: inspected.attachable,
            ipam: inspected.ipam,
            enable_ipv6: inspected.enable_ipv6,
            options: inspected.options,
            labels: inspected.labels,
            ..NetworkCreateRequest::default()
        };
        NetworkSpec { body }
    }

    /// With addresses that the engine chooses.
    pub(super) fn anywhere(&self) -> NetworkCreateRequest {
        let ipam = self.body.ipam.clone().map(|ipam| Ipam { config: None, ..ipam });
        NetworkCreateRequest { ipam, ..self.body.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::IpamConfig;

    use super::*;

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let config = IpamConfig { subnet: Some("172.30.0.0/16".into()), ..IpamConfig::default() };
        let ipam = Ipam { driver: Some("default".into()), config: Some(vec![config]), options: None };
        let labels = HashMap::from([("com.docker.compose.network".to_string(), "default".to_string())]);
        let inspected = NetworkInspect {
            name: Some("shop_default".into()),
            id: Some("0123".into()),
            driver: Some("bridge".into()),
            ipam: Some(ipam),
            labels: Some(labels),
            ..NetworkInspect::default()
        };
        let spec = NetworkSpec::of(inspected);
        let read = NetworkSpec::from_bytes(&spec.to_bytes().unwrap()).unwrap();
        assert_eq!(read, spec);
        assert_eq!(read.anywhere().ipam.unwrap().config, None);
        assert_eq!(read.anywhere().labels, spec.body.labels);
    }
}
