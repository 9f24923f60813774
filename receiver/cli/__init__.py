"""The operator's commands: `flask --app app …`."""
