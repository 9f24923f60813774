"""What the fault tests share: deployments that fail, senders and figures."""
