"""CNI plugins (Container Network Interface specification 0.3.1 to 1.0.0) as network drivers."""
