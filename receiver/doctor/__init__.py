"""The doctor: one module for each subject that it checks. doctor.py runs the checks in order."""
