"""The house rules: what the repository keeps to, each rule with a sample that breaks it."""
