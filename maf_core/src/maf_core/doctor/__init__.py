"""Look at everything a MAF process needs, and say how to mend what is wrong. Works whatever is broken."""

from maf_core.doctor.examine import CHECKS, examine, run
from maf_core.doctor.findings import Finding, Patient

__all__ = ["CHECKS", "Finding", "Patient", "examine", "run"]
