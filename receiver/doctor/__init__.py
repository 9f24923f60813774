"""The doctor: one module for each subject that it checks."""
