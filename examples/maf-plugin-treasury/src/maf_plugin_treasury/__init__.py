"""The MAF plugin `treasury`."""
